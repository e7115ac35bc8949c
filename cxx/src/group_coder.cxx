#include "group_coder.hxx"

#include "codecs/packing.hxx"

#include <algorithm>

namespace aeplugin {
namespace {

std::uint32_t ChecksumOf(const std::vector<Grid> &integers, std::uint32_t crc)
{
   return Crc32(integers.data(), integers.size() * sizeof(Grid), crc);
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

/// Before anything of that size is allocated: a byte holds at most eight integers.
void RequireRoom(const codecs::PackedStream &stream, std::size_t integers)
{
   if (integers / 8 > stream.fTop.size())
      throw CorruptionError("a stream of " + std::to_string(stream.fTop.size()) + " bytes cannot hold " +
                            std::to_string(integers) + " integers");
}

} // namespace

GroupCoder::GroupCoder(const Layout &layout, const Group &group, const Model &model, const std::string &instructionSet)
   : fGroup(group)
{
   std::vector<std::string> names;
   std::vector<Quantiser> quantisers;
   for (const CompressedColumn &column : fGroup.fColumns) {
      const TableColumn &original = layout.fSchema[column.fColumn];
      names.push_back(original.fName);
      fArraySizes.push_back(original.fArraySize);
      fColumns.emplace_back(column, original, instructionSet);
      if (fColumns.back().GetQuantiser())
         quantisers.push_back(*fColumns.back().GetQuantiser());
   }
   if (HasCounts())
      fStreams.push_back({fGroup.fName + "_counts", fGroup.fCounts});
   if (fGroup.fCodec == CodecKind::kAutoregressive) {
      for (std::size_t i = 0; i < names.size(); ++i)
         fStreams.push_back({names[i], fGroup.fColumns[i].fPacking});
      return;
   }
   fCodec = codecs::MakeCodec({fGroup, quantisers}, model, instructionSet);
   for (auto &stream : fCodec->Streams(names))
      fStreams.push_back(std::move(stream));
}

std::vector<bool> GroupCoder::Wanted(const std::vector<std::size_t> &columns) const
{
   std::vector<bool> wanted;
   for (const CompressedColumn &column : fGroup.fColumns)
      wanted.push_back(std::find(columns.begin(), columns.end(), column.fColumn) != columns.end());
   return wanted;
}

std::vector<bool> GroupCoder::NeededStreams(const std::vector<bool> &wanted) const
{
   std::vector<bool> needed = fCodec->Needs(wanted);
   if (HasCounts())
      needed.insert(needed.begin(), std::find(wanted.begin(), wanted.end(), true) != wanted.end());
   return needed;
}

codecs::GroupIntegers GroupCoder::Quantise(const TableSchema &schema, const TableBlock &block, StoredBlock &stored,
                                           ByteWriter &special, std::vector<QuantiserSummary> &summaries) const
{
   codecs::GroupIntegers integers{codecs::CountObjects(fGroup, schema, block), {}};
   const std::uint32_t start = ChecksumOf(integers.fCounts, 0);
   for (std::size_t i = 0; i < fColumns.size(); ++i) {
      const std::size_t column = fGroup.fColumns[i].fColumn;
      std::vector<std::uint64_t> exact;
      integers.fGrids.push_back(fColumns[i].Encode(block.fColumns[column].fValues, exact, summaries[column]));
      const std::string exactBytes = fColumns[i].ExactBytes(exact);
      stored.fChecksums[column] =
         Crc32(exactBytes.data(), exactBytes.size(), ChecksumOf(integers.fGrids.back(), start));
      special.Value(static_cast<std::uint32_t>(exact.size()));
      special.Raw(exactBytes.data(), exactBytes.size());
   }
   return integers;
}

std::vector<codecs::PackedStream> GroupCoder::Encode(const codecs::GroupIntegers &integers) const
{
   std::vector<codecs::PackedStream> streams;
   if (HasCounts())
      streams.push_back(
         codecs::Pack(integers.fCounts, std::vector<Grid>(integers.fCounts.size(), 0), 0, fGroup.fCounts));
   for (auto &stream : fCodec->Encode(integers.fGrids))
      streams.push_back(std::move(stream));
   return streams;
}

void GroupCoder::Store(std::vector<codecs::PackedStream> streams, StoredBlock &stored, ByteWriter &special) const
{
   for (std::size_t i = 0; i < streams.size(); ++i) {
      special.Value(static_cast<std::uint32_t>(streams[i].fWide.size()));
      special.Raw(reinterpret_cast<const char *>(streams[i].fWide.data()), streams[i].fWide.size() * sizeof(Grid));
      stored.fIntegers[fPlaces[i].fTop] = std::move(streams[i].fTop);
      if (fPlaces[i].fLow != kNone)
         stored.fIntegers[fPlaces[i].fLow] = std::move(streams[i].fLow);
   }
}

GroupSpecial GroupCoder::ReadSpecial(ByteReader &in) const
{
   GroupSpecial special;
   for (const ColumnCoder &column : fColumns)
      special.fExact.push_back(column.ReadExact(in));
   for (std::size_t i = 0; i < fStreams.size(); ++i)
      special.fWide.push_back(in.List<Grid>("wide integers"));
   return special;
}

std::vector<codecs::PackedStream> GroupCoder::Load(const StoredBlock &stored, GroupSpecial &special,
                                                   const std::vector<bool> &needed) const
{
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
   return streams;
}

codecs::GroupIntegers GroupCoder::Decode(std::vector<codecs::PackedStream> streams, std::size_t events,
                                         const std::vector<bool> &wanted) const
{
   const std::vector<bool> needed = NeededStreams(wanted);
   codecs::GroupIntegers integers;
   std::size_t objects = events;
   if (HasCounts()) {
      RequireRoom(streams.front(), events);
      codecs::Unpack(streams.front(), std::vector<Grid>(events, 0), 0, fGroup.fCounts, integers.fCounts);
      streams.erase(streams.begin());
      objects = OffsetsOf(integers.fCounts).back();
   }
   for (std::size_t i = 0; i < streams.size(); ++i)
      if (needed[i + (HasCounts() ? 1 : 0)])
         RequireRoom(streams[i], objects);
   integers.fGrids.resize(fColumns.size());
   fCodec->Decode(streams, objects, wanted, integers.fGrids);
   return integers;
}

void GroupCoder::Restore(const codecs::GroupIntegers &integers, const GroupSpecial &special,
                         const std::vector<bool> &wanted, const StoredBlock &stored, TableBlock &block) const
{
   const auto offsets = OffsetsOf(integers.fCounts);
   const std::uint32_t start = ChecksumOf(integers.fCounts, 0);
   for (std::size_t i = 0; i < fColumns.size(); ++i) {
      if (!wanted[i])
         continue;
      const auto isOther = [size = fArraySizes[i]](Grid count) { return static_cast<std::size_t>(count) != size; };
      if (fArraySizes[i] > 0 && std::any_of(integers.fCounts.begin(), integers.fCounts.end(), isOther))
         throw CorruptionError("an array of " + std::to_string(fArraySizes[i]) + " values has another number of them");
      const std::size_t index = fGroup.fColumns[i].fColumn;
      const std::string exactBytes = fColumns[i].ExactBytes(special.fExact[i]);
      if (Crc32(exactBytes.data(), exactBytes.size(), ChecksumOf(integers.fGrids[i], start)) !=
          stored.fChecksums[index])
         throw CorruptionError("the checksum of column " + std::to_string(index) + " is wrong");
      ColumnBlock &column = block.fColumns[index];
      column.fOffsets.clear();
      if (HasCounts())
         column.fOffsets.push_back(offsets);
      column.fValues = fColumns[i].Decode(integers.fGrids[i], special.fExact[i]);
   }
}

} // namespace aeplugin
