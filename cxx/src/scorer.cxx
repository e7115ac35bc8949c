#include "scorer.hxx"

#include <aeplugin/engine.hxx>

#include <algorithm>
#include <limits>
#include <vector>

namespace aeplugin {
namespace {

constexpr std::size_t kRows = 192; ///< a few blocks of the engines at a time

/// Per thread: the features of objects, their latents, and what the decoder makes of these.
struct Buffers {
   std::vector<float> fGiven;
   std::vector<float> fLatents;
   std::vector<float> fDecoded;

   static Buffers &OfThread()
   {
      thread_local Buffers buffers;
      return buffers;
   }
   void Resize(std::size_t features, std::size_t latents)
   {
      fGiven.resize(std::max(fGiven.size(), kRows * features));
      fLatents.resize(std::max(fLatents.size(), kRows * latents));
      fDecoded.resize(std::max(fDecoded.size(), kRows * features));
   }
};

} // namespace

Scorer::Scorer(std::shared_ptr<const NativeEngine> encoder, std::shared_ptr<const NativeEngine> decoder)
   : fEncoder(std::move(encoder)), fDecoder(std::move(decoder))
{
}

void Scorer::Run(const float *in, std::size_t n, float *errors) const
{
   for (std::size_t row = 0; row < n; row += kRows)
      RunBlock(in + row * fEncoder->Inputs(), std::min(kRows, n - row), errors + row);
}

void Scorer::RunBlock(const float *in, std::size_t rows, float *errors) const
{
   const std::size_t columns = fEncoder->Inputs();
   const Normaliser &normaliser = fEncoder->GetNormaliser();
   const std::size_t features = normaliser.Features();
   Buffers &buffers = Buffers::OfThread();
   buffers.Resize(features, fEncoder->Outputs());
   normaliser.Standardise(in, columns, rows, buffers.fGiven.data(), features);
   fEncoder->Run(in, rows, buffers.fLatents.data());
   fDecoder->RunToFeatures(buffers.fLatents.data(), rows, buffers.fDecoded.data());
   for (std::size_t row = 0; row < rows; ++row) {
      double sum = 0;
      for (std::size_t i = row * features; i < (row + 1) * features; ++i) {
         const double difference = double{buffers.fDecoded[i]} - double{buffers.fGiven[i]};
         sum += difference * difference;
      }
      errors[row] = normaliser.IsInDomain(in + row * columns) ? static_cast<float>(sum / static_cast<double>(features))
                                                              : std::numeric_limits<float>::quiet_NaN();
   }
}

void Autoencoder::ReconstructionErrors(const float *in, std::size_t n, float *errors) const
{
   fScorer->Run(in, n, errors);
}

void EventScores(const float *errors, const std::uint64_t *offsets, std::size_t events, float *scores)
{
   for (std::size_t event = 0; event < events; ++event) {
      double sum = 0;
      for (std::uint64_t i = offsets[event]; i < offsets[event + 1]; ++i)
         sum += errors[i];
      const std::uint64_t objects = offsets[event + 1] - offsets[event];
      scores[event] = objects == 0 ? 0.f : static_cast<float>(sum / static_cast<double>(objects));
   }
}

} // namespace aeplugin
