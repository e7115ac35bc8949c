#include "momentum.hxx"

#include <algorithm>
#include <cmath>

namespace aeplugin::density {
namespace {

constexpr double kSmallest = 0x1p-20; ///< of what a logarithm is taken of
constexpr double kLargestEta = 20;

/// As many values, padded to whole vectors.
std::vector<double> Padded(std::size_t n)
{
   return std::vector<double>(kernels::PaddedWidth(n));
}

/// The values of grid integers, 0 for marks.
void Values(const Quantiser &quantiser, const Grid *integers, std::size_t n, double *values)
{
   quantiser.Value(integers, n, values);
   for (std::size_t i = 0; i < n; ++i)
      values[i] = IsMark(integers[i]) ? 0. : values[i];
}

/// Logarithms as floats.
void Logarithms(const kernels::KernelSet &kernels, const std::vector<double> &values, std::size_t n, float *out)
{
   auto logs = Padded(n);
   for (std::size_t i = 0; i < n; ++i)
      logs[i] = std::isfinite(values[i]) && values[i] > kSmallest ? values[i] : kSmallest;
   std::fill(logs.begin() + static_cast<std::ptrdiff_t>(n), logs.end(), 1.);
   kernels.fDoubles.fLog(logs.data(), logs.size());
   for (std::size_t i = 0; i < n; ++i)
      out[i] = static_cast<float>(logs[i]);
}

} // namespace

void Circle::Resize(std::size_t n)
{
   fCosines.resize(n);
   fSines.resize(n);
}

void Circle::Fill(const Quantiser &quantiser, const Grid *integers, std::size_t first, std::size_t n,
                  const kernels::KernelSet &kernels)
{
   auto angles = Padded(n);
   Values(quantiser, integers, n, angles.data());
   auto sines = angles;
   kernels.fDoubles.fCos(angles.data(), angles.size());
   kernels.fDoubles.fSin(sines.data(), sines.size());
   std::copy_n(angles.begin(), n, fCosines.begin() + static_cast<std::ptrdiff_t>(first));
   std::copy_n(sines.begin(), n, fSines.begin() + static_cast<std::ptrdiff_t>(first));
}

MomentumBalance::MomentumBalance(std::size_t events, const kernels::KernelSet &kernels)
   : fKernels(&kernels), fX(events), fY(events), fPt(events), fZ(events), fSize(events), fDirectionX(events),
     fDirectionY(events), fAngle(kernels::PaddedWidth(events)), fMissing(events), fActivity(events),
     fLongitudinal(events)
{
}

void MomentumBalance::Begin(const PreparedDensity &density, const Grid *pt, const Grid *phi, const Circle &angles)
{
   std::vector<double> sizes(fX.size());
   Values(density.QuantiserOf(density.Get().fMissing->fPt), pt, sizes.size(), sizes.data());
   for (std::size_t i = 0; i < sizes.size(); ++i) {
      const double size = IsMark(phi[i]) ? 0. : sizes[i];
      fX[i] = -(size * angles.fCosines[i]);
      fY[i] = -(size * angles.fSines[i]);
   }
}

void MomentumBalance::Permute(const std::vector<std::uint32_t> &order, bool back)
{
   std::vector<double> permuted(order.size());
   for (std::vector<double> *sums : {&fX, &fY, &fPt, &fZ, &fSize}) {
      for (std::size_t i = 0; i < order.size(); ++i)
         permuted[back ? order[i] : i] = (*sums)[back ? i : order[i]];
      sums->swap(permuted);
   }
}

void MomentumBalance::Reorder(const std::vector<std::uint32_t> &order)
{
   Permute(order, false);
}

void MomentumBalance::Restore(const std::vector<std::uint32_t> &order)
{
   Permute(order, true);
}

void MomentumBalance::Add(const PreparedDensity &density, const DensityMomentum &momentum, const Grid *pt,
                          const Grid *phi, const Grid *eta, const Circle &angles, std::size_t first, std::size_t rows)
{
   std::vector<double> sizes(rows);
   Values(density.QuantiserOf(momentum.fPt), pt, rows, sizes.data());
   auto along = Padded(rows);
   if (eta)
      Values(density.QuantiserOf(momentum.fEta), eta, rows, along.data());
   for (double &value : along)
      value = std::clamp(value, -kLargestEta, kLargestEta);
   auto total = along;
   fKernels->fDoubles.fSinh(along.data(), along.size());
   fKernels->fDoubles.fCosh(total.data(), total.size());
   for (std::size_t i = 0; i < rows; ++i) {
      const double size = IsMark(phi[i]) ? 0. : sizes[i];
      fX[i] = fX[i] - size * angles.fCosines[first + i];
      fY[i] = fY[i] - size * angles.fSines[first + i];
      fPt[i] = fPt[i] + size;
      fZ[i] = fZ[i] + size * along[i];
      fSize[i] = fSize[i] + size * total[i];
   }
}

void MomentumBalance::Update(std::size_t rows)
{
   auto sizes = Padded(rows);
   for (std::size_t i = 0; i < rows; ++i)
      sizes[i] = fX[i] * fX[i] + fY[i] * fY[i];
   fKernels->fDoubles.fSqrt(sizes.data(), sizes.size());
   auto heights = Padded(rows);
   for (std::size_t i = 0; i < rows; ++i) {
      const bool isNone = !std::isfinite(sizes[i]) || sizes[i] == 0;
      sizes[i] = isNone ? 0. : sizes[i];
      fDirectionX[i] = isNone ? 1. : fX[i] / sizes[i];
      fDirectionY[i] = isNone ? 0. : fY[i] / sizes[i];
      fAngle[i] = isNone ? 1. : fX[i];
      heights[i] = isNone ? 0. : fY[i];
      const double ratio = fZ[i] / fSize[i];
      fLongitudinal[i] = std::isfinite(ratio) ? static_cast<float>(ratio) : 0.f;
   }
   fKernels->fDoubles.fAtan2(heights.data(), fAngle.data(), heights.size());
   Logarithms(*fKernels, sizes, rows, fMissing.data());
   Logarithms(*fKernels, fPt, rows, fActivity.data());
}

} // namespace aeplugin::density
