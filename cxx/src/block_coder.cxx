#include "bytes.hxx"
#include "codecs/autoregressive.hxx"
#include "codecs/packing.hxx"
#include "group_coder.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/bound.hxx>

#include <algorithm>

namespace aeplugin {
namespace {

template <typename T>
std::uint32_t ChecksumOf(const std::vector<T> &values, std::uint32_t crc)
{
   return Crc32(values.data(), values.size() * sizeof(T), crc);
}

std::uint32_t ChecksumOf(const std::vector<std::string> &values, std::uint32_t crc)
{
   for (const std::string &text : values) {
      const auto size = static_cast<std::uint32_t>(text.size());
      crc = Crc32(text.data(), text.size(), Crc32(&size, sizeof size, crc));
   }
   return crc;
}

/// Of a column that is kept as it is.
std::uint32_t ChecksumOf(const ColumnBlock &column)
{
   std::uint32_t crc = 0;
   for (const auto &offsets : column.fOffsets)
      crc = ChecksumOf(offsets, crc);
   return std::visit([crc](const auto &values) { return ChecksumOf(values, crc); }, column.fValues);
}

} // namespace

BlockCoder::BlockCoder(Layout layout, const Model &model, const std::string &instructionSet)
   : fLayout(std::move(layout))
{
   std::vector<std::string> names;
   for (const Group &group : fLayout.fGroups) {
      fGroups.push_back(std::make_unique<GroupCoder>(fLayout, group, model, instructionSet));
      if (fGroups.back()->IsJoint() && !fDensity)
         fDensity = std::make_unique<codecs::AutoregressiveCodec>(fLayout, model, instructionSet);
      for (const auto &stream : fGroups.back()->Streams()) {
         names.push_back(stream.fName);
         names.push_back(stream.fName + "_low");
      }
   }
   // A stream has the same names in every file, whether it has low bits there or not.
   names = FieldNames(names, {kEventsField, kChecksumsField, kSpecialField});
   auto name = names.begin();
   for (const auto &group : fGroups)
      for (const auto &stream : group->Streams()) {
         GroupCoder::Place place{fFields.size(), GroupCoder::kNone};
         fFields.push_back({*name++, 1});
         const unsigned lowBytes = codecs::FieldsOf(stream.fPacking).fLowBytes;
         if (lowBytes > 0) {
            place.fLow = fFields.size();
            fFields.push_back({*name, lowBytes});
         }
         group->AddPlace(place);
         ++name;
      }
}

BlockCoder BlockCoder::OfPart(const Metadata &part, const Model &model, const std::string &where)
{
   try {
      return BlockCoder(part.GetLayout(where), model);
   } catch (const ModelError &error) {
      throw CorruptionError(where + ": its model does not fit its metadata (" + error.what() +
                            "); copy the file again");
   }
}

BlockCoder::~BlockCoder() = default;
BlockCoder::BlockCoder(BlockCoder &&) noexcept = default;

std::vector<std::vector<bool>> BlockCoder::Wanted(const std::vector<std::size_t> &columns) const
{
   std::vector<std::vector<bool>> wanted;
   for (const auto &group : fGroups)
      wanted.push_back(group->Wanted(columns));
   return wanted;
}

std::vector<std::vector<bool>> BlockCoder::NeededStreams(const std::vector<std::vector<bool>> &wanted) const
{
   auto needed = fDensity ? fDensity->NeededStreams(wanted) : std::vector<std::vector<bool>>(fGroups.size());
   for (std::size_t g = 0; g < fGroups.size(); ++g)
      if (!fGroups[g]->IsJoint())
         needed[g] = fGroups[g]->NeededStreams(wanted[g]);
   return needed;
}

std::vector<std::size_t> BlockCoder::FieldsFor(const std::vector<std::size_t> &columns) const
{
   std::vector<std::size_t> fields;
   const auto needed = NeededStreams(Wanted(columns));
   for (std::size_t g = 0; g < fGroups.size(); ++g)
      for (std::size_t i = 0; i < needed[g].size(); ++i) {
         const GroupCoder::Place &place = fGroups[g]->Places()[i];
         if (needed[g][i])
            fields.push_back(place.fTop);
         if (needed[g][i] && place.fLow != GroupCoder::kNone)
            fields.push_back(place.fLow);
      }
   return fields;
}

StoredBlock BlockCoder::Encode(const TableBlock &block, std::vector<QuantiserSummary> &summaries) const
{
   StoredBlock stored;
   stored.fEvents = static_cast<std::uint32_t>(block.fEvents);
   stored.fChecksums.resize(fLayout.fSchema.size());
   stored.fIntegers.resize(fFields.size());
   summaries.resize(fLayout.fSchema.size());
   std::vector<codecs::GroupIntegers> integers;
   std::vector<ByteWriter> specials(fGroups.size());
   for (std::size_t g = 0; g < fGroups.size(); ++g)
      integers.push_back(fGroups[g]->Quantise(fLayout.fSchema, block, stored, specials[g], summaries));
   auto streams = fDensity ? fDensity->Encode(block.fEvents, integers)
                           : std::vector<std::vector<codecs::PackedStream>>(fGroups.size());
   std::string bytes;
   for (std::size_t g = 0; g < fGroups.size(); ++g) {
      if (!fGroups[g]->IsJoint())
         streams[g] = fGroups[g]->Encode(integers[g]);
      fGroups[g]->Store(std::move(streams[g]), stored, specials[g]);
      bytes += specials[g].Take();
   }
   stored.fSpecial.assign(bytes.begin(), bytes.end());
   for (std::size_t column = 0; column < fLayout.fSchema.size(); ++column)
      if (fLayout.IsKept(column))
         stored.fChecksums[column] = ChecksumOf(block.fColumns[column]);
   Prove(stored, block);
   return stored;
}

void BlockCoder::Prove(const StoredBlock &stored, const TableBlock &block) const
{
   std::vector<std::size_t> columns;
   for (const Group &group : fLayout.fGroups)
      for (const CompressedColumn &column : group.fColumns)
         columns.push_back(column.fColumn);
   TableBlock decoded;
   Decode(stored, columns, decoded, "encoder");
   for (const Group &group : fLayout.fGroups)
      for (const CompressedColumn &column : group.fColumns) {
         const auto result =
            Compare(fLayout.fSchema[column.fColumn], {column.fTolerance, column.fSentinels},
                    block.fColumns[column.fColumn], decoded.fColumns[column.fColumn], block.fFirstEvent);
         if (result.fViolations > 0)
            throw CorruptionError(std::to_string(result.fViolations) +
                                  " values would have moved further than the recipe allows (" + result.fFirst +
                                  "); this is a mistake in aeplugin, please report it; nothing is written");
      }
}

void BlockCoder::DecodeGroups(const StoredBlock &stored, std::vector<GroupSpecial> &specials,
                              const std::vector<std::vector<bool>> &wanted, TableBlock &block) const
{
   const auto needed = NeededStreams(wanted);
   std::vector<std::vector<codecs::PackedStream>> streams;
   for (std::size_t g = 0; g < fGroups.size(); ++g)
      streams.push_back(fGroups[g]->Load(stored, specials[g], needed[g]));
   auto integers =
      fDensity ? fDensity->Decode(stored.fEvents, streams, wanted) : std::vector<codecs::GroupIntegers>(fGroups.size());
   for (std::size_t g = 0; g < fGroups.size(); ++g) {
      if (std::find(wanted[g].begin(), wanted[g].end(), true) == wanted[g].end())
         continue;
      if (!fGroups[g]->IsJoint())
         integers[g] = fGroups[g]->Decode(std::move(streams[g]), stored.fEvents, wanted[g]);
      fGroups[g]->Restore(integers[g], specials[g], wanted[g], stored, block);
   }
}

void BlockCoder::Decode(const StoredBlock &stored, const std::vector<std::size_t> &columns, TableBlock &block,
                        const std::string &where) const
{
   try {
      block.fEvents = stored.fEvents;
      block.fColumns.resize(fLayout.fSchema.size());
      if (stored.fChecksums.size() != fLayout.fSchema.size())
         throw CorruptionError("there are " + std::to_string(stored.fChecksums.size()) + " checksums for " +
                               std::to_string(fLayout.fSchema.size()) + " columns");
      const auto *bytes = reinterpret_cast<const char *>(stored.fSpecial.data());
      ByteReader special(bytes, stored.fSpecial.size(), "special values");
      std::vector<GroupSpecial> specials;
      for (const auto &group : fGroups)
         specials.push_back(group->ReadSpecial(special));
      if (special.Left() != 0)
         throw CorruptionError(std::to_string(special.Left()) + " bytes too many in the special values");
      DecodeGroups(stored, specials, Wanted(columns), block);
      for (const std::size_t column : columns)
         if (fLayout.IsKept(column) && ChecksumOf(block.fColumns[column]) != stored.fChecksums[column])
            throw CorruptionError("the checksum of column '" + fLayout.fSchema[column].fName + "' is wrong");
   } catch (const CorruptionError &error) {
      throw CorruptionError(where + ": " + error.what() + "; the file is damaged, copy it again");
   }
}

} // namespace aeplugin
