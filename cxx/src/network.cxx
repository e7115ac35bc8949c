#include "model_limits.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/network.hxx>

#include <algorithm>
#include <cmath>

namespace aeplugin {
namespace {

void RequireFinite(const std::vector<float> &values, const std::string &where)
{
   if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      throw ModelError(where + ": holds a weight that is not finite; train it again");
}

} // namespace

void ValidateNetwork(const Network &network, std::size_t inputs, const std::string &where)
{
   if (network.empty() || network.size() > kMaxLayers)
      throw ModelError(where + ": has " + std::to_string(network.size()) + " layers; expected 1 to " +
                       std::to_string(kMaxLayers));
   std::size_t previous = inputs;
   for (std::size_t i = 0; i < network.size(); ++i) {
      const Layer &layer = network[i];
      const std::string here = where + ", layer " + std::to_string(i);
      if (layer.fInputs != previous)
         throw ModelError(here + ": takes " + std::to_string(layer.fInputs) + " inputs; expected " +
                          std::to_string(previous));
      if (layer.fOutputs == 0 || layer.fOutputs > kMaxWidth)
         throw ModelError(here + ": has " + std::to_string(layer.fOutputs) + " outputs; expected 1 to " +
                          std::to_string(kMaxWidth));
      if (layer.fWeights.size() != std::size_t{layer.fInputs} * layer.fOutputs ||
          layer.fBiases.size() != layer.fOutputs)
         throw ModelError(here + ": has " + std::to_string(layer.fWeights.size()) + " weights and " +
                          std::to_string(layer.fBiases.size()) + " biases; expected " + std::to_string(layer.fInputs) +
                          " x " + std::to_string(layer.fOutputs) + " and " + std::to_string(layer.fOutputs));
      const std::size_t gains = layer.fGains.size();
      if (layer.fShifts.size() != gains || (gains != 0 && gains != layer.fOutputs))
         throw ModelError(here + ": has " + std::to_string(gains) + " gains and " +
                          std::to_string(layer.fShifts.size()) + " shifts; expected none, or " +
                          std::to_string(layer.fOutputs) + " of both");
      for (const auto *values : {&layer.fWeights, &layer.fBiases, &layer.fGains, &layer.fShifts})
         RequireFinite(*values, here);
      previous = layer.fOutputs;
   }
}

} // namespace aeplugin
