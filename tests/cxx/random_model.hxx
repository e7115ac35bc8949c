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
      model.fColumns.push_back({variable,
                                name + "_" + variable,
                                logarithmic ? aeplugin::Transform::kLog10 : aeplugin::Transform::kLinear,
                                logarithmic ? 4.87f : 0.0123f,
                                logarithmic ? 0.437f : 1.71f,
                                1,
                                0,
                                {},
                                {},
                                {}});
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

/// Layer norm and an activation for every layer but the last.
inline void AddLayerNorm(aeplugin::Network &network, aeplugin::Activation activation, std::mt19937 &random)
{
   std::uniform_real_distribution<float> around(-0.5f, 0.5f);
   for (std::size_t i = 0; i + 1 < network.size(); ++i) {
      network[i].fActivation = activation;
      for (std::uint32_t o = 0; o < network[i].fOutputs; ++o) {
         network[i].fGains.push_back(1 + around(random));
         network[i].fShifts.push_back(around(random));
      }
   }
}

/// Columns of every transform and, unless the condition is none, a label with the categories -1, 0, 2 and 7.
inline std::vector<aeplugin::ModelColumn> EveryTransform(aeplugin::Condition condition, const std::string &name)
{
   using aeplugin::Transform;
   const auto column = [&](const std::string &variable, Transform transform, float mean, float scale) {
      return aeplugin::ModelColumn{variable, name + "_" + variable, transform, mean, scale, 1, 0, {}, {}, {}};
   };
   std::vector<aeplugin::ModelColumn> columns = {
      column("eta", Transform::kLinear, 0.0123f, 1.71f), column("pt", Transform::kLog10, 4.87f, 0.437f),
      column("m", Transform::kLog10, 0.5f, 1.8f),        column("timing", Transform::kQuantile, 0, 1),
      column("phi", Transform::kCircle, 0.25f, 1),       column("left", Transform::kLog10, -0.2f, 0.7f)};
   columns[2].fFactor = 0.001f;
   columns[2].fOffset = 1;
   columns[3].fKnots = {-50, -2, -1.5f, 0, 0.1f, 3, 400};
   columns[3].fKnotsTo = {-3, -1, -0.5f, 0, 0.01f, 0.7f, 3};
   columns[5].fFactor = -1;
   columns[5].fOffset = 5;
   if (condition != aeplugin::Condition::kNone) {
      columns.push_back(column("kind", Transform::kLabel, 0, 1));
      columns.back().fLabels = {-1, 0, 2, 7};
   }
   return columns;
}

/// An untrained autoencoder with all that a model can have.
inline aeplugin::CollectionModel RichCollection(aeplugin::Condition condition,
                                                aeplugin::Activation activation = aeplugin::Activation::kSilu,
                                                const std::string &name = "Object")
{
   using aeplugin::Condition;
   std::mt19937 random(11);
   aeplugin::CollectionModel model;
   model.fName = name;
   model.fColumns = EveryTransform(condition, name);
   model.fCondition = condition;
   const auto told = [&](Condition half) { return condition == half || condition == Condition::kBoth ? 4u : 0u; };
   model.fEncoder = RandomNetwork({7 + told(Condition::kEncoder), 23, 3}, random);
   model.fDecoder = RandomNetwork({3 + told(Condition::kDecoder), 17, 7}, random);
   AddLayerNorm(model.fEncoder, activation, random);
   AddLayerNorm(model.fDecoder, activation, random);
   return model;
}

inline aeplugin::Model RandomModel(const aeplugin::CollectionModel &collection)
{
   return {"columns: [pt]\n", {}, "{\"seed\": 1}", {collection}, {}};
}

} // namespace testing

#endif
