#include "bytes.hxx"
#include "codecs/codec.hxx"
#include "codecs/packing.hxx"

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

/// \throws CorruptionError for a count that is none
std::vector<std::uint64_t> OffsetsOf(const std::vector<Grid> &counts)
{
   std::vector<std::uint64_t> offsets(1, 0);
   offsets.reserve(counts.size() + 1);
   for (const Grid count : counts) {
      if (count < 0)
         throw CorruptionError("an event has " + std::to_string(count) + " objects");
      offsets.push_back(offsets.back() + static_cast<std::uint64_t>(count));
   }
   return offsets;
}

template <typename T>
std::vector<T> ReadList(ByteReader &in, const char *what)
{
   const auto size = in.Value<std::uint32_t>(what);
   const char *bytes = in.Raw(std::size_t{size} * sizeof(T), what);
   std::vector<T> list(size);
   if (size > 0)
      std::memcpy(list.data(), bytes, size * sizeof(T));
   return list;
}

template <typename T>
void WriteList(ByteWriter &out, const std::vector<T> &list)
{
   out.Value(static_cast<std::uint32_t>(list.size()));
   out.Raw(reinterpret_cast<const char *>(list.data()), list.size() * sizeof(T));
}

/// Exact values as they are stored, in the size of their type.
std::string ExactBytes(const std::vector<std::uint64_t> &exact, ColumnType type)
{
   ByteWriter out;
   for (const std::uint64_t bits : exact)
      if (type == ColumnType::kFloat32)
         out.Value(static_cast<std::uint32_t>(bits));
      else
         out.Value(bits);
   return out.Take();
}

std::vector<std::uint64_t> ReadExact(ByteReader &in, ColumnType type)
{
   if (type != ColumnType::kFloat32)
      return ReadList<std::uint64_t>(in, "exact values");
   const auto exact = ReadList<std::uint32_t>(in, "exact values");
   return {exact.begin(), exact.end()};
}

} // namespace

/// What encodes and decodes one group: codec, quantisers, and where its fields stand in a stored block.
struct BlockCoder::GroupCoder {
   /// Where the bytes of a stream stand in StoredBlock::fIntegers.
   struct Place {
      std::size_t fTop;
      std::size_t fLow; ///< kNone where there are no such bytes
   };
   static constexpr std::size_t kNone = SIZE_MAX;

   /// What a block keeps of a group beside its fields.
   struct Special {
      std::vector<std::vector<std::uint64_t>> fExact; ///< per column
      std::vector<std::vector<Grid>> fWide;           ///< per stream, that of the counts first
   };

   GroupCoder(const Layout &layout, const Group &group, const Model &model, const std::string &instructionSet)
      : fGroup(group)
   {
      std::vector<std::string> names;
      for (const CompressedColumn &column : fGroup.fColumns) {
         names.push_back(layout.fSchema[column.fColumn].fName);
         fArraySizes.push_back(layout.fSchema[column.fColumn].fArraySize);
         fQuantisers.emplace_back(column.fTolerance, layout.fSchema[column.fColumn].fType, column.fSentinels,
                                  instructionSet);
      }
      fCodec = codecs::MakeCodec({fGroup, fQuantisers}, model, instructionSet);
      if (!fGroup.fSingle)
         fStreams.push_back({fGroup.fName + "_counts", fGroup.fCounts});
      for (auto &stream : fCodec->Streams(names))
         fStreams.push_back(std::move(stream));
   }

   bool HasCounts() const { return !fGroup.fSingle; }
   /// For each column of the group whether it is among columns of the schema.
   std::vector<bool> Wanted(const std::vector<std::size_t> &columns) const
   {
      std::vector<bool> wanted;
      for (const CompressedColumn &column : fGroup.fColumns)
         wanted.push_back(std::find(columns.begin(), columns.end(), column.fColumn) != columns.end());
      return wanted;
   }
   /// For each stream whether the columns that are wanted need it.
   std::vector<bool> NeededStreams(const std::vector<bool> &wanted) const
   {
      std::vector<bool> needed = fCodec->Needs(wanted);
      if (HasCounts())
         needed.insert(needed.begin(), std::find(wanted.begin(), wanted.end(), true) != wanted.end());
      return needed;
   }

   void Encode(const TableSchema &schema, const TableBlock &block, StoredBlock &stored, ByteWriter &special,
               std::vector<QuantiserSummary> &summaries) const;
   Special ReadSpecial(ByteReader &in) const;
   void Decode(const StoredBlock &stored, Special special, const std::vector<bool> &wanted, TableBlock &block) const;

   Group fGroup;
   std::vector<Quantiser> fQuantisers;
   std::vector<std::size_t> fArraySizes; ///< per column; 0 for one that is no array
   std::unique_ptr<codecs::Codec> fCodec;
   std::vector<codecs::StreamSpec> fStreams; ///< that of the counts first, where there are any
   std::vector<Place> fPlaces;               ///< per stream
};

void BlockCoder::GroupCoder::Encode(const TableSchema &schema, const TableBlock &block, StoredBlock &stored,
                                    ByteWriter &special, std::vector<QuantiserSummary> &summaries) const
{
   const std::vector<Grid> counts = codecs::CountObjects(fGroup, schema, block);
   const std::uint32_t start = ChecksumOf(counts, 0);
   codecs::GroupGrids grids(fGroup.fColumns.size());
   for (std::size_t i = 0; i < grids.size(); ++i) {
      const std::size_t column = fGroup.fColumns[i].fColumn;
      std::vector<std::uint64_t> exact;
      const auto encode = [&](const auto &values) {
         grids[i].resize(values.size());
         fQuantisers[i].Encode(values.data(), values.size(), grids[i].data(), exact, summaries[column]);
      };
      if (fQuantisers[i].Type() == ColumnType::kFloat32)
         encode(std::get<std::vector<float>>(block.fColumns[column].fValues));
      else
         encode(std::get<std::vector<double>>(block.fColumns[column].fValues));
      const std::string exactBytes = ExactBytes(exact, fQuantisers[i].Type());
      stored.fChecksums[column] = Crc32(exactBytes.data(), exactBytes.size(), ChecksumOf(grids[i], start));
      special.Value(static_cast<std::uint32_t>(exact.size()));
      special.Raw(exactBytes.data(), exactBytes.size());
   }
   std::vector<codecs::PackedStream> streams;
   if (HasCounts())
      streams.push_back(codecs::Pack(counts, std::vector<Grid>(counts.size(), 0), 0, fGroup.fCounts));
   for (auto &stream : fCodec->Encode(grids))
      streams.push_back(std::move(stream));
   for (std::size_t i = 0; i < streams.size(); ++i) {
      WriteList(special, streams[i].fWide);
      stored.fIntegers[fPlaces[i].fTop] = std::move(streams[i].fTop);
      if (fPlaces[i].fLow != kNone)
         stored.fIntegers[fPlaces[i].fLow] = std::move(streams[i].fLow);
   }
}

BlockCoder::GroupCoder::Special BlockCoder::GroupCoder::ReadSpecial(ByteReader &in) const
{
   Special special;
   for (const Quantiser &quantiser : fQuantisers)
      special.fExact.push_back(ReadExact(in, quantiser.Type()));
   for (std::size_t i = 0; i < fStreams.size(); ++i)
      special.fWide.push_back(ReadList<Grid>(in, "wide integers"));
   return special;
}

void BlockCoder::GroupCoder::Decode(const StoredBlock &stored, Special special, const std::vector<bool> &wanted,
                                    TableBlock &block) const
{
   const std::vector<bool> needed = NeededStreams(wanted);
   std::vector<codecs::PackedStream> streams(fStreams.size());
   for (std::size_t i = 0; i < streams.size(); ++i) {
      if (!needed[i])
         continue;
      const auto *top = std::get_if<std::vector<std::uint8_t>>(&stored.fIntegers[fPlaces[i].fTop]);
      if (!top)
         throw CorruptionError("field '" + fStreams[i].fName + "' holds integers of more than one byte");
      streams[i].fTop = *top;
      if (fPlaces[i].fLow != kNone)
         streams[i].fLow = stored.fIntegers[fPlaces[i].fLow];
      streams[i].fWide = std::move(special.fWide[i]);
   }
   // Before anything of that size is allocated: a byte holds at most eight integers.
   const auto requireRoom = [](const codecs::PackedStream &stream, std::size_t integers) {
      if (integers / 8 > stream.fTop.size())
         throw CorruptionError("a stream of " + std::to_string(stream.fTop.size()) + " bytes cannot hold " +
                               std::to_string(integers) + " integers");
   };
   std::vector<Grid> counts;
   if (HasCounts()) {
      requireRoom(streams.front(), stored.fEvents);
      codecs::Unpack(streams.front(), std::vector<Grid>(stored.fEvents, 0), 0, fGroup.fCounts, counts);
      streams.erase(streams.begin());
   }
   const auto offsets = OffsetsOf(counts);
   const std::size_t objects = HasCounts() ? offsets.back() : stored.fEvents;
   for (std::size_t i = 0; i < fGroup.fColumns.size(); ++i) {
      const auto isOther = [size = fArraySizes[i]](Grid count) { return static_cast<std::size_t>(count) != size; };
      if (wanted[i] && fArraySizes[i] > 0 && std::any_of(counts.begin(), counts.end(), isOther))
         throw CorruptionError("an array of " + std::to_string(fArraySizes[i]) + " values has another number of them");
   }
   for (std::size_t i = 0; i < streams.size(); ++i)
      if (needed[i + (HasCounts() ? 1 : 0)])
         requireRoom(streams[i], objects);
   codecs::GroupGrids grids(fGroup.fColumns.size());
   fCodec->Decode(streams, objects, wanted, grids);

   const std::uint32_t start = ChecksumOf(counts, 0);
   for (std::size_t i = 0; i < fGroup.fColumns.size(); ++i) {
      if (!wanted[i])
         continue;
      const std::size_t index = fGroup.fColumns[i].fColumn;
      const std::string exactBytes = ExactBytes(special.fExact[i], fQuantisers[i].Type());
      if (Crc32(exactBytes.data(), exactBytes.size(), ChecksumOf(grids[i], start)) != stored.fChecksums[index])
         throw CorruptionError("the checksum of column " + std::to_string(index) + " is wrong");
      ColumnBlock &column = block.fColumns[index];
      column.fOffsets.clear();
      if (HasCounts())
         column.fOffsets.push_back(offsets);
      const auto decode = [&](auto values) {
         values.resize(objects);
         fQuantisers[i].Decode(grids[i].data(), objects, special.fExact[i], values.data());
         column.fValues = std::move(values);
      };
      if (fQuantisers[i].Type() == ColumnType::kFloat32)
         decode(std::vector<float>());
      else
         decode(std::vector<double>());
   }
}

BlockCoder::BlockCoder(Layout layout, const Model &model, const std::string &instructionSet)
   : fLayout(std::move(layout))
{
   std::vector<std::string> names;
   for (const Group &group : fLayout.fGroups) {
      fGroups.push_back(std::make_unique<GroupCoder>(fLayout, group, model, instructionSet));
      for (const auto &stream : fGroups.back()->fStreams) {
         names.push_back(stream.fName);
         names.push_back(stream.fName + "_low");
      }
   }
   // A stream has the same names in every file, whether it has low bits there or not.
   names = FieldNames(names, {kEventsField, kChecksumsField, kSpecialField});
   auto name = names.begin();
   for (const auto &group : fGroups)
      for (const auto &stream : group->fStreams) {
         group->fPlaces.push_back({fFields.size(), GroupCoder::kNone});
         fFields.push_back({*name++, 1});
         const unsigned lowBytes = codecs::FieldsOf(stream.fPacking).fLowBytes;
         if (lowBytes > 0) {
            group->fPlaces.back().fLow = fFields.size();
            fFields.push_back({*name, lowBytes});
         }
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

std::vector<std::size_t> BlockCoder::FieldsFor(const std::vector<std::size_t> &columns) const
{
   std::vector<std::size_t> fields;
   for (const auto &group : fGroups) {
      const auto needed = group->NeededStreams(group->Wanted(columns));
      for (std::size_t i = 0; i < needed.size(); ++i) {
         if (!needed[i])
            continue;
         fields.push_back(group->fPlaces[i].fTop);
         if (group->fPlaces[i].fLow != GroupCoder::kNone)
            fields.push_back(group->fPlaces[i].fLow);
      }
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
   ByteWriter special;
   for (const auto &group : fGroups)
      group->Encode(fLayout.fSchema, block, stored, special, summaries);
   const std::string bytes = special.Take();
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
      for (const auto &group : fGroups) {
         auto groupSpecial = group->ReadSpecial(special);
         const auto wanted = group->Wanted(columns);
         if (std::find(wanted.begin(), wanted.end(), true) != wanted.end())
            group->Decode(stored, std::move(groupSpecial), wanted, block);
      }
      if (special.Left() != 0)
         throw CorruptionError(std::to_string(special.Left()) + " bytes too many in the special values");
      for (const std::size_t column : columns)
         if (fLayout.IsKept(column) && ChecksumOf(block.fColumns[column]) != stored.fChecksums[column])
            throw CorruptionError("the checksum of column '" + fLayout.fSchema[column].fName + "' is wrong");
   } catch (const CorruptionError &error) {
      throw CorruptionError(where + ": " + error.what() + "; the file is damaged, copy it again");
   }
}

} // namespace aeplugin
