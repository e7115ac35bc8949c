#include "codec_kinds.hxx"
#include "packing.hxx"

namespace aeplugin::codecs {

PlainCodec::PlainCodec(CodecInput input) : fPredictor(std::move(input)) {}

std::vector<StreamSpec> PlainCodec::Streams(const std::vector<std::string> &columnNames) const
{
   std::vector<StreamSpec> streams;
   for (std::size_t column = 0; column < columnNames.size(); ++column)
      streams.push_back({columnNames[column], fPredictor.GetGroup().fColumns[column].fPacking});
   return streams;
}

std::vector<PackedStream> PlainCodec::Encode(const GroupGrids &grids) const
{
   const auto &columns = fPredictor.GetGroup().fColumns;
   std::vector<PackedStream> streams;
   for (std::size_t column = 0; column < columns.size(); ++column)
      streams.push_back(Pack(grids[column], fPredictor.Predict(column, grids, grids[column].size()),
                             columns[column].fSentinels.size(), columns[column].fPacking));
   return streams;
}

std::vector<bool> PlainCodec::Needs(const std::vector<bool> &wanted) const
{
   return fPredictor.WithParents(wanted);
}

void PlainCodec::Decode(const std::vector<PackedStream> &streams, std::size_t objects, const std::vector<bool> &wanted,
                        GroupGrids &grids) const
{
   const auto &columns = fPredictor.GetGroup().fColumns;
   const std::vector<bool> needed = fPredictor.WithParents(wanted);
   for (const std::size_t column : fPredictor.Order())
      if (needed[column])
         Unpack(streams[column], fPredictor.Predict(column, grids, objects), columns[column].fSentinels.size(),
                columns[column].fPacking, grids[column]);
}

} // namespace aeplugin::codecs
