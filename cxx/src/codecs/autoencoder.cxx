#include "../floating_point_scope.hxx"
#include "../normaliser.hxx"
#include "codec_kinds.hxx"
#include "packing.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>

#include <algorithm>
#include <cmath>

namespace aeplugin::codecs {
namespace {

constexpr float kLargestLatent = 1 << 24; ///< up to which a float holds every integer

/// What stands in for special values at the network's input, column by column: what is standardised to 0, which moves
/// the latents least.
std::vector<float> TypicalValues(const CollectionModel &model)
{
   const Normaliser normaliser(model.fColumns, kernels::GetKernels());
   const std::vector<float> zeros(normaliser.Features());
   std::vector<float> typical(model.fColumns.size());
   normaliser.Restore(zeros.data(), zeros.size(), 1, typical.data(), typical.size());
   return typical;
}

/// What is not finite or far off is cut, which costs bits in the differences and nothing else.
Grid QuantiseLatent(float latent, float step)
{
   const float scaled = latent / step;
   if (std::isnan(scaled))
      return 0;
   return static_cast<Grid>(std::lround(std::clamp(scaled, -kLargestLatent, kLargestLatent)));
}

} // namespace

AutoencoderCodec::AutoencoderCodec(CodecInput input, const Autoencoder &autoencoder)
   : fPredictor(std::move(input)), fAutoencoder(autoencoder), fNetworkColumn(Columns(), kNone)
{
   const Group &group = fPredictor.GetGroup();
   const CollectionModel &model = fAutoencoder.fModel;
   if (model.HasLabel())
      throw ModelError("the network of collection '" + model.fName + "' is told a label, '" +
                       model.fColumns.back().fVariable + "'; the codec autoencoder takes networks without one");
   std::vector<std::string> variables;
   for (const CompressedColumn &column : group.fColumns)
      variables.push_back(column.fVariable);
   for (std::size_t i = 0; i < model.fColumns.size(); ++i) {
      const auto found = std::find(variables.begin(), variables.end(), model.fColumns[i].fVariable);
      if (found == variables.end())
         throw ModelError("the network of collection '" + model.fName + "' has a variable '" +
                          model.fColumns[i].fVariable + "' that is not compressed" +
                          Nearest(model.fColumns[i].fVariable, variables));
      fNetworkColumn[static_cast<std::size_t>(found - variables.begin())] = i;
   }
}

std::vector<StreamSpec> AutoencoderCodec::Streams(const std::vector<std::string> &columnNames) const
{
   const Group &group = fPredictor.GetGroup();
   std::vector<StreamSpec> streams;
   for (std::size_t column = 0; column < columnNames.size(); ++column)
      streams.push_back({columnNames[column], group.fColumns[column].fPacking});
   for (std::size_t k = 0; k < group.fLatents.size(); ++k)
      streams.push_back({group.fName + "_latent_" + std::to_string(k), group.fLatents[k].fPacking});
   return streams;
}

std::vector<std::vector<float>> AutoencoderCodec::Latents(const GroupGrids &grids) const
{
   const std::size_t objects = grids.front().size();
   const std::size_t inputs = fAutoencoder.fEncoder->Inputs();
   std::vector<float> rows(objects * inputs);
   std::vector<double> values(objects);
   const std::vector<float> typicalValues = TypicalValues(fAutoencoder.fModel);
   for (std::size_t column = 0; column < Columns(); ++column) {
      if (!IsInNetwork(column))
         continue;
      const std::size_t input = fNetworkColumn[column];
      const float typical = typicalValues[input];
      fPredictor.QuantiserOf(column).Value(grids[column].data(), objects, values.data());
      for (std::size_t i = 0; i < objects; ++i)
         rows[i * inputs + input] = std::isnan(values[i]) ? typical : static_cast<float>(values[i]);
   }
   const std::size_t outputs = fAutoencoder.fEncoder->Outputs();
   std::vector<float> results(objects * outputs);
   fAutoencoder.fEncoder->Run(rows.data(), objects, results.data());
   std::vector<std::vector<float>> latents(outputs, std::vector<float>(objects));
   for (std::size_t k = 0; k < outputs; ++k)
      for (std::size_t i = 0; i < objects; ++i)
         latents[k][i] = results[i * outputs + k];
   return latents;
}

GroupGrids AutoencoderCodec::DecodeLatents(const std::vector<std::vector<Grid>> &latents, std::size_t objects) const
{
   const FloatingPointScope scope; // the network must give the same bits in every thread
   const Group &group = fPredictor.GetGroup();
   std::vector<float> rows(objects * latents.size());
   for (std::size_t k = 0; k < latents.size(); ++k)
      for (std::size_t i = 0; i < objects; ++i)
         rows[i * latents.size() + k] = static_cast<float>(latents[k][i]) * group.fLatents[k].fStep;
   const std::size_t outputs = fAutoencoder.fDecoder->Outputs();
   std::vector<float> results(objects * outputs);
   fAutoencoder.fDecoder->Run(rows.data(), objects, results.data());
   GroupGrids predicted(Columns());
   std::vector<double> values(objects);
   for (std::size_t column = 0; column < Columns(); ++column) {
      if (!IsInNetwork(column))
         continue;
      for (std::size_t i = 0; i < objects; ++i)
         values[i] = results[i * outputs + fNetworkColumn[column]];
      predicted[column].resize(objects);
      fPredictor.QuantiserOf(column).Nearest(values.data(), objects, 0, predicted[column].data());
   }
   return predicted;
}

std::vector<std::vector<Grid>> AutoencoderCodec::Quantise(const std::vector<std::vector<float>> &latents) const
{
   std::vector<std::vector<Grid>> quantised(latents.size());
   for (std::size_t k = 0; k < latents.size(); ++k)
      for (const float latent : latents[k])
         quantised[k].push_back(QuantiseLatent(latent, fPredictor.GetGroup().fLatents[k].fStep));
   return quantised;
}

GroupGrids AutoencoderCodec::Predict(const std::vector<std::vector<Grid>> &latents, const GroupGrids &known) const
{
   const std::size_t objects = known.front().size();
   GroupGrids predicted = DecodeLatents(latents, objects);
   for (std::size_t column = 0; column < Columns(); ++column)
      if (!IsInNetwork(column))
         predicted[column] = fPredictor.Predict(column, known, objects);
   return predicted;
}

std::vector<PackedStream> AutoencoderCodec::Encode(const GroupGrids &grids) const
{
   const Group &group = fPredictor.GetGroup();
   const auto latents = Quantise(Latents(grids));
   const GroupGrids predicted = Predict(latents, grids);
   std::vector<PackedStream> streams;
   for (std::size_t column = 0; column < Columns(); ++column)
      streams.push_back(Pack(grids[column], predicted[column], group.fColumns[column].fSentinels.size(),
                             group.fColumns[column].fPacking));
   const std::vector<Grid> zeros(grids.front().size(), 0);
   for (std::size_t k = 0; k < latents.size(); ++k)
      streams.push_back(Pack(latents[k], zeros, 0, group.fLatents[k].fPacking));
   return streams;
}

std::vector<bool> AutoencoderCodec::Needs(const std::vector<bool> &wanted) const
{
   std::vector<bool> needed = fPredictor.WithParents(wanted);
   bool network = false;
   for (std::size_t column = 0; column < Columns(); ++column)
      network = network || (needed[column] && IsInNetwork(column));
   needed.resize(Columns() + fPredictor.GetGroup().fLatents.size(), network);
   return needed;
}

void AutoencoderCodec::Decode(const std::vector<PackedStream> &streams, std::size_t objects,
                              const std::vector<bool> &wanted, GroupGrids &grids) const
{
   const Group &group = fPredictor.GetGroup();
   const std::vector<bool> needed = Needs(wanted);
   GroupGrids decoded(Columns());
   if (needed.back()) {
      const std::vector<Grid> zeros(objects, 0);
      std::vector<std::vector<Grid>> latents(group.fLatents.size());
      for (std::size_t k = 0; k < latents.size(); ++k)
         Unpack(streams[Columns() + k], zeros, 0, group.fLatents[k].fPacking, latents[k]);
      decoded = DecodeLatents(latents, objects);
   }
   for (const std::size_t column : fPredictor.Order())
      if (needed[column])
         Unpack(streams[column], IsInNetwork(column) ? decoded[column] : fPredictor.Predict(column, grids, objects),
                group.fColumns[column].fSentinels.size(), group.fColumns[column].fPacking, grids[column]);
}

} // namespace aeplugin::codecs
