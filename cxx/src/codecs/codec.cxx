#include "codec_kinds.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>

namespace aeplugin::codecs {

std::vector<Grid> CountObjects(const Group &group, const TableSchema &schema, const TableBlock &block)
{
   if (group.fSingle)
      return {};
   const std::size_t first = group.fColumns.front().fColumn;
   const auto &offsets = block.fColumns[first].fOffsets.front();
   const auto eventAt = [&](std::size_t i) { return std::to_string(block.fFirstEvent + i - 1); };
   for (const CompressedColumn &column : group.fColumns) {
      const auto &others = block.fColumns[column.fColumn].fOffsets.front();
      const auto differ = std::mismatch(offsets.begin(), offsets.end(), others.begin(), others.end()).first;
      if (differ != offsets.end())
         throw InputError("event " + eventAt(static_cast<std::size_t>(differ - offsets.begin())) + ": columns '" +
                          schema[first].fName + "' and '" + schema[column.fColumn].fName + "' of collection '" +
                          group.fName + "' have different numbers of objects; put them into different collections");
   }
   std::vector<Grid> counts;
   counts.reserve(offsets.size());
   for (std::size_t i = 1; i < offsets.size(); ++i) {
      const std::uint64_t objects = offsets[i] - offsets[i - 1];
      if (objects > kGridLimit)
         throw InputError("event " + eventAt(i) + ": collection '" + group.fName + "' has " + std::to_string(objects) +
                          " objects; expected at most " + std::to_string(kGridLimit));
      counts.push_back(static_cast<Grid>(objects));
   }
   return counts;
}

std::unique_ptr<Codec> MakeCodec(const CodecInput &input, const Model &model, const std::string &instructionSet)
{
   const Group &group = input.fGroup;
   if (group.fCodec != CodecKind::kAutoencoder)
      return std::make_unique<PlainCodec>(input);
   const CollectionModel &network = model.Collection(group.fName);
   if (network.Latents() != group.fLatents.size())
      throw ModelError("collection '" + group.fName + "' has " + std::to_string(network.Latents()) +
                       " latents in the model and " + std::to_string(group.fLatents.size()) + " in the file");
   return std::make_unique<AutoencoderCodec>(input, MakeAutoencoder(network, instructionSet));
}

} // namespace aeplugin::codecs
