#ifndef AEPLUGIN_RANDOM_MODEL_HXX
#define AEPLUGIN_RANDOM_MODEL_HXX

#include <aeplugin/model.hxx>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace testing {

/// A network of the given widths (inputs first) with weights as training leaves them: tanh, the last layer linear.
inline aeplugin::Network RandomNetwork(const std::vector<std::uint32_t> &widths, std::mt19937 &random)
{
   aeplugin::Network network;
   for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      aeplugin::Layer layer;
      layer.fInputs = widths[i];
      layer.fOutputs = widths[i + 1];
      layer.fActivation = i + 2 < widths.size() ? aeplugin::Activation::kTanh : aeplugin::Activation::kLinear;
      const float most = std::sqrt(6.f / static_cast<float>(widths[i] + widths[i + 1]));
      std::uniform_real_distribution<float> weight(-most, most);
      for (std::size_t w = 0; w < std::size_t{layer.fInputs} * layer.fOutputs; ++w)
         layer.fWeights.push_back(weight(random));
      for (std::size_t b = 0; b < layer.fOutputs; ++b)
         layer.fBiases.push_back(weight(random));
      network.push_back(layer);
   }
   return network;
}

/// An untrained autoencoder; `hidden` are the widths between the columns and the last one, that of the latents.
/// Columns of even number are logarithmic, as E and pt are.
inline aeplugin::CollectionModel RandomCollection(std::uint32_t columns, const std::vector<std::uint32_t> &hidden,
                                                  unsigned seed = 1, const std::string &name = "Jet")
{
   std::mt19937 random(seed);
   aeplugin::CollectionModel model;
   model.fName = name;
   for (std::uint32_t i = 0; i < columns; ++i) {
      const std::string variable = "x" + std::to_string(i);
      const bool logarithmic = i % 2 == 0;
      model.fColumns.push_back({variable, name + "_" + variable,
                                logarithmic ? aeplugin::Transform::kLog10 : aeplugin::Transform::kLinear,
                                logarithmic ? 4.87f : 0.0123f, logarithmic ? 0.437f : 1.71f});
   }
   std::vector<std::uint32_t> widths{columns};
   widths.insert(widths.end(), hidden.begin(), hidden.end());
   model.fEncoder = RandomNetwork(widths, random);
   model.fDecoder = RandomNetwork({widths.rbegin(), widths.rend()}, random);
   return model;
}

/// The architecture of the paper.
inline aeplugin::CollectionModel RandomJets()
{
   return RandomCollection(4, {200, 200, 20, 3});
}

inline aeplugin::Model RandomModel(const aeplugin::CollectionModel &collection)
{
   return {"columns: [pt]\n", {}, "{\"seed\": 1}", {collection}};
}

} // namespace testing

#endif
