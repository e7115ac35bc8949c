#include "native_engine.hxx"

#include "scorer.hxx"

#include <algorithm>
#include <cmath>

namespace aeplugin {
namespace {

/// Rows that run through all layers together: few enough for their activations to stay in the cache, many enough to
/// reuse the weights. A multiple of every kernel's tile.
constexpr std::size_t kBlockRows = 48;

/// Per thread, so that one engine serves any number of threads without locks or allocations per call.
float *Scratch(std::size_t size)
{
   thread_local kernels::AlignedFloats buffer;
   if (buffer.size() < size)
      buffer = kernels::AlignedFloats(size);
   return buffer.data();
}

kernels::MapFunction FunctionOf(Activation activation, const kernels::KernelSet &kernels)
{
   switch (activation) {
   case Activation::kTanh:
      return kernels.fTanh;
   case Activation::kRelu:
      return kernels.fRelu;
   case Activation::kLeakyRelu:
      return kernels.fLeakyRelu;
   case Activation::kElu:
      return kernels.fElu;
   case Activation::kSilu:
      return kernels.fSilu;
   case Activation::kGelu:
      return kernels.fGelu;
   case Activation::kLinear:
      break;
   }
   return nullptr;
}

/// Layer norm of one object, in double precision and summed in the order of the outputs.
void NormaliseLayer(const std::vector<float> &gains, const std::vector<float> &shifts, float *values)
{
   const std::size_t width = gains.size();
   double sum = 0;
   for (std::size_t o = 0; o < width; ++o)
      sum += double{values[o]};
   const double mean = sum / static_cast<double>(width);
   double squares = 0;
   for (std::size_t o = 0; o < width; ++o) {
      const double difference = double{values[o]} - mean;
      squares += difference * difference;
   }
   const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
   for (std::size_t o = 0; o < width; ++o)
      values[o] = static_cast<float>((double{values[o]} - mean) * scale * double{gains[o]} + double{shifts[o]});
}

/// The categories of the label that a half of the model is told; none where it is told nothing.
std::vector<float> CategoriesFor(const CollectionModel &model, Half half)
{
   const Condition own = half == Half::kEncoder ? Condition::kEncoder : Condition::kDecoder;
   if (model.fCondition != own && model.fCondition != Condition::kBoth)
      return {};
   const std::vector<std::int32_t> &labels = model.fColumns.back().fLabels;
   return {labels.begin(), labels.end()};
}

} // namespace

NativeEngine::NativeEngine(const CollectionModel &model, Half half, const kernels::KernelSet &kernels)
   : fKernels(kernels), fHalf(half), fNormaliser(model.fColumns, kernels), fHasLabel(model.HasLabel()),
     fCategories(CategoriesFor(model, half))
{
   const std::size_t columns = model.fColumns.size();
   const std::size_t latents = model.Latents() + (fHasLabel ? 1 : 0);
   fInputs = half == Half::kEncoder ? columns : latents;
   fOutputs = half == Half::kEncoder ? latents : columns;
   for (const Layer &layer : half == Half::kEncoder ? model.fEncoder : model.fDecoder) {
      fLayers.push_back(Pack(layer));
      fStride = std::max({fStride, fLayers.back().fOutputs, kernels::PaddedWidth(layer.fInputs)});
   }
}

NativeEngine::PackedLayer NativeEngine::Pack(const Layer &layer) const
{
   const std::size_t inputs = layer.fInputs;
   const std::size_t outputs = kernels::PaddedWidth(layer.fOutputs);
   PackedLayer packed{inputs,
                      outputs,
                      FunctionOf(layer.fActivation, fKernels),
                      kernels::AlignedFloats(inputs * outputs),
                      kernels::AlignedFloats(outputs),
                      layer.fGains,
                      layer.fShifts};
   std::copy(layer.fBiases.begin(), layer.fBiases.end(), packed.fBiases.data());
   float *weight = packed.fWeights.data();
   for (std::size_t panel = 0; panel < outputs; panel += kernels::kPanel)
      for (std::size_t i = 0; i < inputs; ++i)
         for (std::size_t o = panel; o < std::min(panel + kernels::kPanel, outputs); ++o)
            *weight++ = o < layer.fOutputs ? layer.fWeights[o * inputs + i] : 0.f;
   return packed;
}

void NativeEngine::Run(const float *in, std::size_t n, float *out) const
{
   for (std::size_t first = 0; first < n; first += kBlockRows) {
      const std::size_t rows = std::min(kBlockRows, n - first);
      const float *given = in + first * fInputs;
      float *results = out + first * fOutputs;
      const std::size_t computed = fOutputs - (fHasLabel ? 1 : 0);
      const Activations values = RunNetwork(given, rows);
      if (fHalf == Half::kDecoder)
         fNormaliser.Restore(values.fFirst, values.fStride, rows, results, fOutputs);
      else
         for (std::size_t r = 0; r < rows; ++r)
            std::copy_n(values.fFirst + r * values.fStride, computed, results + r * fOutputs);
      if (fHasLabel)
         for (std::size_t r = 0; r < rows; ++r)
            results[r * fOutputs + computed] = given[(r + 1) * fInputs - 1];
   }
}

void NativeEngine::RunToFeatures(const float *in, std::size_t n, float *out) const
{
   const std::size_t features = fNormaliser.Features();
   for (std::size_t first = 0; first < n; first += kBlockRows) {
      const std::size_t rows = std::min(kBlockRows, n - first);
      const Activations values = RunNetwork(in + first * fInputs, rows);
      for (std::size_t r = 0; r < rows; ++r)
         std::copy_n(values.fFirst + r * values.fStride, features, out + (first + r) * features);
   }
}

NativeEngine::Activations NativeEngine::RunNetwork(const float *in, std::size_t rows) const
{
   float *current = Scratch(2 * kBlockRows * fStride);
   float *next = current + kBlockRows * fStride;
   FillInputs(in, rows, current);
   std::size_t stride = fStride;
   for (const PackedLayer &layer : fLayers) {
      RunLayer(layer, {current, stride}, rows, next);
      stride = layer.fOutputs;
      std::swap(current, next);
   }
   return {current, stride};
}

void NativeEngine::FillInputs(const float *in, std::size_t rows, float *inputs) const
{
   const std::size_t given = fLayers.front().fInputs - fCategories.size();
   if (fHalf == Half::kEncoder)
      fNormaliser.Standardise(in, fInputs, rows, inputs, fStride);
   else
      for (std::size_t r = 0; r < rows; ++r)
         std::copy_n(in + r * fInputs, given, inputs + r * fStride);
   for (std::size_t c = 0; c < fCategories.size(); ++c)
      for (std::size_t r = 0; r < rows; ++r)
         inputs[r * fStride + given + c] = in[(r + 1) * fInputs - 1] == fCategories[c] ? 1.f : 0.f;
}

void NativeEngine::RunLayer(const PackedLayer &layer, const Activations &in, std::size_t rows, float *out) const
{
   // Rows of a result lie side by side, so that the activation runs over all of them at once.
   fKernels.fDense({in.fFirst, in.fStride, layer.fWeights.data(), layer.fBiases.data(), layer.fInputs, layer.fOutputs,
                    out, layer.fOutputs, rows});
   if (!layer.fGains.empty())
      for (std::size_t r = 0; r < rows; ++r)
         NormaliseLayer(layer.fGains, layer.fShifts, out + r * layer.fOutputs);
   if (layer.fActivation)
      layer.fActivation(out, rows * layer.fOutputs);
}

Autoencoder MakeAutoencoder(const CollectionModel &model, const std::string &instructionSet)
{
   model.Validate();
   const auto &kernels = kernels::GetKernels(instructionSet);
   const auto encoder = std::make_shared<NativeEngine>(model, Half::kEncoder, kernels);
   const auto decoder = std::make_shared<NativeEngine>(model, Half::kDecoder, kernels);
   return {model, encoder, decoder, std::make_shared<Scorer>(encoder, decoder)};
}

} // namespace aeplugin
