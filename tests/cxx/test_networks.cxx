#include "random_model.hxx"
#include "testing.hxx"

#include "bytes.hxx"
#include "kernels/kernels.hxx"
#include "normaliser.hxx"

#include <aeplugin/engine.hxx>

#include <algorithm>
#include <cfloat>
#include <cstring>
#include <limits>

// What models of version 3 add to networks: transforms, activations, layer norm and labels.
namespace {

using aeplugin::Activation;
using aeplugin::Autoencoder;
using aeplugin::CollectionModel;
using aeplugin::Condition;
using aeplugin::Layer;
using aeplugin::MakeAutoencoder;
using aeplugin::ModelColumn;
using aeplugin::ModelError;
using aeplugin::Normaliser;
using aeplugin::Transform;
using testing::AreClose;
using testing::AreEqual;
using testing::IsTrue;

constexpr Condition kConditions[] = {Condition::kNone, Condition::kEncoder, Condition::kDecoder, Condition::kBoth};
constexpr Activation kActivations[] = {Activation::kLinear,    Activation::kTanh, Activation::kRelu,
                                       Activation::kLeakyRelu, Activation::kElu,  Activation::kSilu,
                                       Activation::kGelu};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Objects in the domain of testing::EveryTransform.
std::vector<float> RandomObjects(const CollectionModel &model, std::size_t n)
{
   std::mt19937 random(3);
   std::normal_distribution<float> normal;
   std::uniform_real_distribution<float> angle(-3.14159f, 3.14159f);
   std::vector<float> values;
   for (std::size_t i = 0; i < n; ++i) {
      values.push_back(normal(random));
      values.push_back(std::pow(10.f, 4.5f + 0.4f * normal(random)));
      values.push_back(std::pow(10.f, 3.5f + 0.8f * normal(random)));
      values.push_back(10 * normal(random) * normal(random));
      values.push_back(angle(random));
      values.push_back(std::min(4.99f, 3 * normal(random)));
      if (model.HasLabel()) // 5 is no category
         values.push_back(std::vector<float>{-1, 0, 2, 5, 7}[random() % 5]);
   }
   return values;
}

void HaveSameBits(const std::vector<float> &got, const std::vector<float> &expected, const std::string &what)
{
   AreEqual(got.size(), expected.size(), what + ": the number of values");
   for (std::size_t i = 0; i < got.size(); ++i)
      if (std::memcmp(&got[i], &expected[i], sizeof(float)) != 0 && !(std::isnan(got[i]) && std::isnan(expected[i])))
         testing::Fail(what + ": value " + std::to_string(i) + " is " + std::to_string(got[i]) + ", expected " +
                          std::to_string(expected[i]),
                       __FILE__, __LINE__);
}

std::vector<float> Run(const aeplugin::Engine &engine, const std::vector<float> &in, std::size_t batch)
{
   const std::size_t n = in.size() / engine.Inputs();
   std::vector<float> out(n * engine.Outputs());
   for (std::size_t first = 0; first < n; first += batch)
      engine.Run(in.data() + first * engine.Inputs(), std::min(batch, n - first),
                 out.data() + first * engine.Outputs());
   return out;
}

double Activate(Activation activation, double x)
{
   switch (activation) {
   case Activation::kTanh:
      return std::tanh(x);
   case Activation::kRelu:
      return std::max(x, 0.);
   case Activation::kLeakyRelu:
      return x < 0 ? 0.01 * x : x;
   case Activation::kElu:
      return x < 0 ? std::expm1(x) : x;
   case Activation::kSilu:
      return x / (1 + std::exp(-x));
   case Activation::kGelu:
      return x / 2 * (1 + std::erf(x / std::sqrt(2.)));
   case Activation::kLinear:
      break;
   }
   return x;
}

/// Layer norm as its definition says.
void NormaliseInDouble(const Layer &layer, std::vector<double> &values)
{
   const auto n = static_cast<double>(values.size());
   double mean = 0;
   for (const double value : values)
      mean += value / n;
   double variance = 0;
   for (const double value : values)
      variance += (value - mean) * (value - mean) / n;
   for (std::size_t o = 0; o < values.size(); ++o)
      values[o] = double{layer.fGains[o]} * (values[o] - mean) / std::sqrt(variance + 1e-5) + double{layer.fShifts[o]};
}

std::vector<double> RunInDouble(const aeplugin::Network &network, std::vector<double> values)
{
   for (const Layer &layer : network) {
      std::vector<double> next(layer.fBiases.begin(), layer.fBiases.end());
      for (std::size_t o = 0; o < layer.fOutputs; ++o)
         for (std::size_t i = 0; i < layer.fInputs; ++i)
            next[o] += values[i] * double{layer.fWeights[o * layer.fInputs + i]};
      if (!layer.fGains.empty())
         NormaliseInDouble(layer, next);
      for (double &value : next)
         value = Activate(layer.fActivation, value);
      values = next;
   }
   return values;
}

double InterpolateInDouble(const std::vector<float> &from, const std::vector<float> &to, double x)
{
   std::size_t right = 1;
   while (right + 1 < from.size() && x >= double{from[right]})
      ++right;
   const double part = (x - double{from[right - 1]}) / (double{from[right]} - double{from[right - 1]});
   return double{to[right - 1]} + part * (double{to[right]} - double{to[right - 1]});
}

/// The features of one value; see docs/model-file.md.
void AddFeatures(const ModelColumn &column, double x, std::vector<double> &features)
{
   const auto add = [&](double value) { features.push_back((value - double{column.fMean}) / double{column.fScale}); };
   switch (column.fTransform) {
   case Transform::kLinear:
      add(x);
      break;
   case Transform::kLog10:
      add(std::log10(double{column.fFactor} * x + double{column.fOffset}));
      break;
   case Transform::kQuantile:
      add(InterpolateInDouble(column.fKnots, column.fKnotsTo, x));
      break;
   case Transform::kCircle:
      features.push_back(std::cos(x - double{column.fMean}));
      features.push_back(std::sin(x - double{column.fMean}));
      break;
   case Transform::kLabel:
      break;
   }
}

std::vector<double> FeaturesInDouble(const CollectionModel &model, const float *object)
{
   std::vector<double> features;
   for (std::size_t c = 0; c < model.fColumns.size(); ++c)
      AddFeatures(model.fColumns[c], double{object[c]}, features);
   return features;
}

/// Adds a one for the category of an object where the network of one half is told it.
void AddLabel(const CollectionModel &model, Condition half, float label, std::vector<double> &inputs)
{
   if (model.fCondition == half || model.fCondition == Condition::kBoth)
      for (const std::int32_t category : model.fColumns.back().fLabels)
         inputs.push_back(label == static_cast<float>(category) ? 1 : 0);
}

/// The results of both halves for one object, in features; `latents` are those of the engine.
struct InDouble {
   std::vector<double> fGiven;
   std::vector<double> fLatents;
   std::vector<double> fDecoded;

   InDouble(const CollectionModel &model, const float *object) : fGiven(FeaturesInDouble(model, object))
   {
      const float label = object[model.fColumns.size() - 1];
      auto inputs = fGiven;
      AddLabel(model, Condition::kEncoder, label, inputs);
      fLatents = RunInDouble(model.fEncoder, inputs);
      inputs = fLatents;
      AddLabel(model, Condition::kDecoder, label, inputs);
      fDecoded = RunInDouble(model.fDecoder, inputs);
   }
};

/// How much of a feature the rounding of its value to a float may hide: much where the value is about -offset / factor.
double LostBy(const ModelColumn &column, double feature)
{
   if (column.fTransform != Transform::kLog10)
      return 0;
   const double argument = std::pow(10., feature * double{column.fScale} + double{column.fMean});
   return 2e-7 * (std::abs(double{column.fOffset}) / argument) / double{column.fScale};
}

void TestAgainstDouble()
{
   for (const Condition condition : kConditions)
      for (const Activation activation : kActivations) {
         const CollectionModel model = testing::RichCollection(condition, activation);
         const std::size_t columns = model.fColumns.size();
         const auto objects = RandomObjects(model, 130);
         const Autoencoder autoencoder = MakeAutoencoder(model);
         AreEqual(autoencoder.fEncoder->Inputs(), columns, "inputs");
         AreEqual(autoencoder.fEncoder->Outputs(), model.LatentNames().size(), "latents");
         AreEqual(autoencoder.fDecoder->Inputs(), model.LatentNames().size(), "latents");
         AreEqual(autoencoder.fDecoder->Outputs(), columns, "outputs");
         const auto latents = Run(*autoencoder.fEncoder, objects, 130);
         const auto decoded = Run(*autoencoder.fDecoder, latents, 130);
         std::vector<float> errors(130);
         autoencoder.ReconstructionErrors(objects.data(), 130, errors.data());
         for (std::size_t row = 0; row < 130; ++row) {
            const float *object = objects.data() + row * columns;
            const InDouble expected(model, object);
            const std::size_t width = model.LatentNames().size();
            for (std::size_t k = 0; k < expected.fLatents.size(); ++k)
               AreClose(double{latents[row * width + k]}, expected.fLatents[k], 2e-5, "latent");
            const auto got = FeaturesInDouble(model, decoded.data() + row * columns);
            double sum = 0;
            std::size_t feature = 0;
            for (const ModelColumn &column : model.fColumns) {
               const double *values = expected.fDecoded.data() + feature;
               // A decoded circle is a point on it, in the direction of what the network gives.
               const double size = column.fTransform == Transform::kCircle ? std::hypot(values[0], values[1]) : 1;
               for (std::size_t f = 0; f < column.Features(); ++f) {
                  const double tolerance = 2e-5 / size * (1 + std::abs(values[f])) + LostBy(column, values[f]);
                  AreClose(got[feature + f], values[f] / size, tolerance, column.fVariable);
                  sum += std::pow(values[f] - expected.fGiven[feature + f], 2);
               }
               feature += column.Features();
            }
            AreEqual(feature, model.Features(), "features");
            AreClose(double{errors[row]}, sum / 7, 2e-5 * (1 + sum), "error");
            if (model.HasLabel()) {
               AreEqual(latents[(row + 1) * width - 1], object[columns - 1], "the label among the latents");
               AreEqual(decoded[(row + 1) * columns - 1], object[columns - 1], "the label among the columns");
            }
         }
      }
}

void TestSameBits()
{
   for (const Condition condition : kConditions)
      for (const Activation activation : kActivations) {
         const CollectionModel model = testing::RichCollection(condition, activation);
         auto objects = RandomObjects(model, 200);
         std::mt19937 random(7);
         for (std::size_t i = 0; i < objects.size(); i += 9)
            objects[i] =
               std::vector<float>{kNaN, kInfinity, -kInfinity, 0, -0.f, FLT_MAX, -FLT_MAX, 1e-40f, -999}[random() % 9];
         const Autoencoder best = MakeAutoencoder(model);
         const auto latents = Run(*best.fEncoder, objects, 200);
         const auto decoded = Run(*best.fDecoder, latents, 200);
         for (const auto &name : aeplugin::kernels::InstructionSets()) {
            const Autoencoder other = MakeAutoencoder(model, name);
            for (const std::size_t batch : {1u, 7u, 48u, 49u}) {
               HaveSameBits(Run(*other.fEncoder, objects, batch), latents, name + ", encoder");
               HaveSameBits(Run(*other.fDecoder, latents, batch), decoded, name + ", decoder");
            }
         }
      }
}

/// A label that is told changes what comes out; one that is no category counts as none.
void TestLabelMatters()
{
   const auto latentOf = [](const Autoencoder &autoencoder, float label) {
      auto object = RandomObjects(autoencoder.fModel, 1);
      object.back() = label;
      return Run(*autoencoder.fEncoder, object, 1).front();
   };
   const Autoencoder told = MakeAutoencoder(testing::RichCollection(Condition::kEncoder));
   IsTrue(latentOf(told, 0) != latentOf(told, 2), "the encoder is told");
   AreEqual(latentOf(told, 1), latentOf(told, 99), "no categories");
   AreEqual(latentOf(told, 1.5f), latentOf(told, 99), "no integer");
   IsTrue(latentOf(told, 1) != latentOf(told, 0), "no category is none of them");
   const Autoencoder untold = MakeAutoencoder(testing::RichCollection(Condition::kDecoder));
   AreEqual(latentOf(untold, 0), latentOf(untold, 2), "the encoder is not told");
}

void TestRoundTrip()
{
   const CollectionModel model = testing::RichCollection(Condition::kBoth);
   const Normaliser normaliser(model.fColumns, aeplugin::kernels::GetKernels());
   AreEqual(normaliser.Features(), 7u, "features");
   constexpr std::size_t kObjects = 1000;
   const auto objects = RandomObjects(model, kObjects);
   std::vector<float> features(kObjects * 7);
   std::vector<float> back(kObjects * 6);
   normaliser.Standardise(objects.data(), 7, kObjects, features.data(), 7);
   normaliser.Restore(features.data(), 7, kObjects, back.data(), 6);
   for (std::size_t row = 0; row < kObjects; ++row)
      for (std::size_t c = 0; c < 6; ++c) {
         const double x = double{objects[row * 7 + c]};
         // Of log10(factor x + offset) the argument comes back to a few units in its last place.
         const double size = c == 2 ? std::abs(x) + 1000 : c == 5 ? std::abs(x) + 5 : std::abs(x) + 1e-2;
         const double difference = double{back[row * 6 + c]} - x;
         AreClose(c == 4 ? std::remainder(difference, 6.283185307179586) : difference, 0, 3e-6 * size,
                  model.fColumns[c].fVariable);
      }
}

/// The map through knots: exact at them, and straight between and beyond them.
void TestQuantiles()
{
   const ModelColumn column{"x", "x", Transform::kQuantile, 0, 1, 1, 0, {-1, 0, 4}, {10, 20, 21}, {}};
   const Normaliser normaliser({column}, aeplugin::kernels::GetKernels());
   const std::vector<float> values = {-2, -1, -0.5f, 0, 1, 4, 12};
   const std::vector<float> expected = {0, 10, 15, 20, 20.25f, 21, 23};
   std::vector<float> got(values.size());
   normaliser.Standardise(values.data(), 1, values.size(), got.data(), 1);
   HaveSameBits(got, expected, "knots");
   normaliser.Restore(expected.data(), 1, values.size(), got.data(), 1);
   HaveSameBits(got, values, "knots, back");
   const float nan = kNaN;
   normaliser.Standardise(&nan, 1, 1, got.data(), 1);
   IsTrue(std::isnan(got[0]), "NaN");
}

void TestDomain()
{
   const CollectionModel model = testing::RichCollection(Condition::kBoth);
   const Autoencoder autoencoder = MakeAutoencoder(model);
   const auto isIn = [&](std::size_t column, float value) {
      auto object = RandomObjects(model, 1);
      object[column] = value;
      float error = 0;
      autoencoder.ReconstructionErrors(object.data(), 1, &error);
      return !std::isnan(error);
   };
   for (std::size_t column = 0; column < model.fColumns.size(); ++column)
      for (const float value : {kNaN, kInfinity, -kInfinity})
         IsTrue(!isIn(column, value), model.fColumns[column].fVariable + " is not finite");
   IsTrue(isIn(2, -999) && !isIn(2, -1000) && !isIn(2, -1001), "log10(x / 1000 + 1)");
   IsTrue(isIn(5, 4.999f) && !isIn(5, 5) && !isIn(5, 6), "log10(5 - x)");
   IsTrue(isIn(3, 1e30f) && isIn(4, -999) && isIn(6, 12345), "no other value is outside");
}

/// Layer norm does not see the padding of a row, and one output is its shift.
void TestLayerNorm()
{
   CollectionModel model = testing::RandomCollection(1, {1});
   model.fColumns[0].fTransform = Transform::kLinear;
   model.fEncoder = {{1, 1, Activation::kLinear, {2}, {3}, {5}, {7}}};
   const std::vector<float> one = {123};
   AreEqual(Run(*MakeAutoencoder(model).fEncoder, one, 1).front(), 7.f, "one output");
   model.fEncoder = {{1, 2, Activation::kLinear, {0, 0}, {-300, 300}, {2, 3}, {10, 20}}};
   model.fDecoder = {{2, 1, Activation::kLinear, {1, 1}, {0}, {}, {}}};
   HaveSameBits(Run(*MakeAutoencoder(model).fEncoder, one, 1), {8, 23}, "two outputs");
}

/// The results of engines for models of version 3; files depend on them. The weights and values of the model are those
/// that every platform builds alike.
void TestGolden()
{
   std::uint32_t state = 1;
   const auto next = [&state] { // from -1 to 1, exactly
      state = state * 1664525u + 1013904223u;
      return static_cast<float>(static_cast<std::int32_t>(state >> 8) - (1 << 23)) * 0x1p-23f;
   };
   std::vector<float> results;
   for (const Activation activation : kActivations) {
      CollectionModel model = testing::RichCollection(Condition::kBoth, activation);
      for (auto *network : {&model.fEncoder, &model.fDecoder})
         for (Layer &layer : *network)
            for (auto *values : {&layer.fWeights, &layer.fBiases, &layer.fGains, &layer.fShifts})
               for (float &value : *values)
                  value = next();
      std::vector<float> objects;
      for (int i = 0; i < 300; ++i)
         for (const float scale : {3.f, 9e4f, 9e3f, 60.f, 3.f, 4.f, 0.f})
            objects.push_back(scale > 0 ? (next() + (scale > 100 ? 1.f : 0.f)) * scale : static_cast<float>(i % 9 - 1));
      const Autoencoder autoencoder = MakeAutoencoder(model);
      const auto latents = Run(*autoencoder.fEncoder, objects, 300);
      const auto decoded = Run(*autoencoder.fDecoder, latents, 300);
      results.insert(results.end(), latents.begin(), latents.end());
      results.insert(results.end(), decoded.begin(), decoded.end());
   }
   AreEqual(aeplugin::Crc32(results.data(), results.size() * sizeof(float)), 0x5C232F3Bu, "latents and columns");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("agreement with double precision", TestAgainstDouble);
   suite.Case("same bits in every batch and instruction set", TestSameBits);
   suite.Case("labels matter", TestLabelMatters);
   suite.Case("values come back", TestRoundTrip);
   suite.Case("quantiles", TestQuantiles);
   suite.Case("domain", TestDomain);
   suite.Case("layer norm", TestLayerNorm);
   suite.Case("golden results", TestGolden);
   return suite.ExitCode();
}
