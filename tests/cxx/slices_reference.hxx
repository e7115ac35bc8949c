#ifndef AEPLUGIN_TESTS_SLICES_REFERENCE_HXX
#define AEPLUGIN_TESTS_SLICES_REFERENCE_HXX

#include "kernels/density_calls.hxx"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

/// Frequencies of one row after docs/format.md, in plain loops: what the kernels must agree with bit by bit. To be
/// compiled with -ffp-contract=off.
namespace testing {

namespace kernels = aeplugin::kernels;

inline float ReferenceExp(float x)
{
   constexpr float kRound = 12582912.0f;
   x = std::max(x, -104.0f);
   const float n = std::fma(x, 1.44269504f, kRound) - kRound;
   float r = std::fma(n, -0.693145752f, x);
   r = std::fma(n, -1.42860677e-06f, r);
   float p = 1.98412698e-04f;
   for (const float c : {1.38888889e-03f, 8.33333333e-03f, 4.16666667e-02f, 1.66666667e-01f, 0.5f})
      p = std::fma(p, r, c);
   const float rest = std::fma(p * r, r, r);
   return std::ldexp(rest + 1.0f, static_cast<int>(n));
}

class SlicesReference {
public:
   /// \param outputs of the network, for one row
   /// \param limit how many integers its range has
   SlicesReference(const kernels::SlicesShape &shape, const std::vector<float> &outputs, std::int32_t limit)
      : fShape(shape), fLimit(limit)
   {
      const std::size_t categories = shape.Categories();
      if (categories > 0)
         PrepareCategories({outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(categories)});
      if (shape.fRange > 0)
         PrepareRange({outputs.begin() + static_cast<std::ptrdiff_t>(categories), outputs.end()});
   }

   /// Where the place of a symbol begins and ends.
   std::pair<std::int32_t, std::int32_t> PlaceOf(kernels::Symbol symbol) const
   {
      if (symbol >= 0 && symbol < fLimit)
         return {StartOf(symbol), StartOf(symbol + 1)};
      const auto atom = static_cast<std::size_t>(symbol - fShape.fRange);
      if (symbol >= fShape.fRange && atom < fShape.fAtoms)
         return {fStarts[atom], atom + 1 < fStarts.size() ? fStarts[atom + 1] : kEnd};
      return {kEnd, kEnd + 256};
   }

private:
   static constexpr std::int32_t kEnd = (1 << 24) - 256;

   static float Clean(float x, float limit) { return std::isnan(x) ? -limit : std::min(std::max(x, -limit), limit); }

   static std::vector<std::int32_t> Weights(const std::vector<float> &logits, std::int32_t extra)
   {
      std::vector<float> clean;
      for (const float logit : logits)
         clean.push_back(Clean(logit, 64));
      const float most = *std::max_element(clean.begin(), clean.end());
      std::vector<std::int32_t> weights;
      for (const float logit : clean)
         weights.push_back(static_cast<std::int32_t>(ReferenceExp(logit - most) * 1048576.0f) + extra);
      return weights;
   }

   void PrepareCategories(const std::vector<float> &logits)
   {
      const auto weights = Weights(logits, 0);
      std::int32_t total = 0;
      for (const std::int32_t weight : weights)
         total += weight;
      const auto n = static_cast<std::int32_t>(logits.size());
      const float ratio = static_cast<float>(kEnd - (256 * n + 64 * fShape.fRange)) / static_cast<float>(total);
      std::int32_t sum = 0;
      for (std::int32_t i = 0; i < n; ++i) {
         fStarts.push_back(256 * i + static_cast<std::int32_t>(static_cast<float>(sum) * ratio));
         sum += weights[static_cast<std::size_t>(i)];
      }
      fRangeStart = fStarts.back();
   }

   void PrepareRange(const std::vector<float> &outputs)
   {
      fCentre = std::fma(Clean(outputs[0], 65536), fShape.fSpread, fShape.fMiddle);
      fSteepness = ReferenceExp(Clean(outputs[1], 10)) * fShape.fInverse;
      fKnots = Weights({outputs.begin() + 2, outputs.end()}, 1);
      fSums = {0};
      for (std::size_t slice = 0; slice < fShape.fSlices; ++slice)
         fSums.push_back(fSums.back() + fKnots[slice] + fKnots[slice + 1]);
      fPerSlice = static_cast<float>(fShape.fSlices) / static_cast<float>(Position(fLimit) - Position(0));
      const std::int32_t reserve = 32 * fShape.fRange + 40;
      fRatio = static_cast<float>(kEnd - fRangeStart - reserve) / static_cast<float>(fSums.back());
   }

   std::int32_t Position(std::int32_t index) const
   {
      const float z = ((static_cast<float>(fShape.fFirst + index) - 0.5f) - fCentre) * fSteepness;
      const float bounded = std::isnan(z) ? -30 : std::min(std::max(z, -30.0f), 30.0f);
      const float sigma = 1.0f / (1.0f + ReferenceExp(-bounded));
      return static_cast<std::int32_t>(sigma * 8388608.0f) + 4 * index;
   }

   std::int32_t StartOf(std::int32_t index) const
   {
      if (index == fLimit)
         return kEnd;
      const float end = std::nextafter(static_cast<float>(fShape.fSlices), 0.f);
      const float u = std::min(static_cast<float>(Position(index) - Position(0)) * fPerSlice, end);
      const auto slice = static_cast<std::size_t>(u);
      const float fraction = u - static_cast<float>(slice);
      const auto twice = static_cast<float>(2 * fKnots[slice]);
      const auto rise = static_cast<float>(fKnots[slice + 1] - fKnots[slice]);
      const std::int32_t sum = fSums[slice] + static_cast<std::int32_t>(fraction * (twice + fraction * rise));
      return fRangeStart + 32 * index + static_cast<std::int32_t>(static_cast<float>(sum) * fRatio);
   }

   kernels::SlicesShape fShape;
   std::int32_t fLimit;
   std::vector<std::int32_t> fStarts;
   std::int32_t fRangeStart = 0;
   std::vector<std::int32_t> fKnots;
   std::vector<std::int32_t> fSums;
   float fCentre = 0;
   float fSteepness = 0;
   float fPerSlice = 0;
   float fRatio = 0;
};

} // namespace testing

#endif
