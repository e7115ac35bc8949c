#include "momentum.hxx"

#include <algorithm>
#include <cmath>

namespace aeplugin::density {
namespace {

constexpr double kSmallest = 0x1p-20; ///< of what a logarithm is taken of
constexpr double kLargestEta = 20;

/// Values of some rows, of whole vectors.
struct Column {
   alignas(64) double fValues[kMostRows];

   /// Sets those of the last vector that are of no row.
   void Pad(std::size_t n, double value) { std::fill(fValues + n, fValues + kernels::PaddedWidth(n), value); }
};

/// The values of grid integers, 0 for marks.
void Values(const Quantiser &quantiser, const Grid *integers, std::size_t n, Column &values)
{
   quantiser.Value(integers, n, values.fValues);
   for (std::size_t i = 0; i < n; ++i)
      values.fValues[i] = IsMark(integers[i]) ? 0. : values.fValues[i];
   values.Pad(n, 0);
}

/// Logarithms as floats.
void Logarithms(const kernels::KernelSet &kernels, const double *values, std::size_t n, float *out)
{
   Column logs;
   for (std::size_t i = 0; i < n; ++i)
      logs.fValues[i] = std::isfinite(values[i]) && values[i] > kSmallest ? values[i] : kSmallest;
   logs.Pad(n, 1);
   kernels.fDoubles.fLog(logs.fValues, kernels::PaddedWidth(n));
   for (std::size_t i = 0; i < n; ++i)
      out[i] = static_cast<float>(logs.fValues[i]);
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
   Column angles;
   Values(quantiser, integers, n, angles);
   Column sines = angles;
   kernels.fDoubles.fCos(angles.fValues, kernels::PaddedWidth(n));
   kernels.fDoubles.fSin(sines.fValues, kernels::PaddedWidth(n));
   std::copy_n(angles.fValues, n, fCosines.data() + first);
   std::copy_n(sines.fValues, n, fSines.data() + first);
}

MomentumBalance::MomentumBalance(std::size_t events, const kernels::KernelSet &kernels)
   : fKernels(&kernels), fX(events), fY(events), fPt(events), fZ(events), fSize(events)
{
}

void MomentumBalance::Begin(const PreparedDensity &density, const Grid *pt, const Grid *phi, const Circle &angles)
{
   const Quantiser &quantiser = density.QuantiserOf(density.Get().fMissing->fPt);
   for (std::size_t first = 0; first < fX.size(); first += kMostRows) {
      const std::size_t rows = std::min(kMostRows, fX.size() - first);
      Column sizes;
      Values(quantiser, pt + first, rows, sizes);
      for (std::size_t i = 0; i < rows; ++i) {
         const double size = IsMark(phi[first + i]) ? 0. : sizes.fValues[i];
         fX[first + i] = -(size * angles.fCosines[first + i]);
         fY[first + i] = -(size * angles.fSines[first + i]);
      }
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
                          const Grid *phi, const Grid *eta, const Circle &angles, std::size_t place, std::size_t first,
                          std::size_t rows)
{
   Column sizes;
   Values(density.QuantiserOf(momentum.fPt), pt, rows, sizes);
   Column along{};
   if (eta)
      Values(density.QuantiserOf(momentum.fEta), eta, rows, along);
   const std::size_t padded = kernels::PaddedWidth(rows);
   for (std::size_t i = 0; i < padded; ++i)
      along.fValues[i] = std::clamp(along.fValues[i], -kLargestEta, kLargestEta);
   Column total = along;
   fKernels->fDoubles.fSinh(along.fValues, padded);
   fKernels->fDoubles.fCosh(total.fValues, padded);
   for (std::size_t i = 0; i < rows; ++i) {
      const double size = IsMark(phi[i]) ? 0. : sizes.fValues[i];
      fX[first + i] = fX[first + i] - size * angles.fCosines[place + i];
      fY[first + i] = fY[first + i] - size * angles.fSines[place + i];
      fPt[first + i] = fPt[first + i] + size;
      fZ[first + i] = fZ[first + i] + size * along.fValues[i];
      fSize[first + i] = fSize[first + i] + size * total.fValues[i];
   }
}

void MomentumBalance::Update(std::size_t first, std::size_t rows)
{
   const std::size_t padded = kernels::PaddedWidth(rows);
   Column sizes;
   for (std::size_t i = 0; i < rows; ++i)
      sizes.fValues[i] = fX[first + i] * fX[first + i] + fY[first + i] * fY[first + i];
   sizes.Pad(rows, 0);
   fKernels->fDoubles.fSqrt(sizes.fValues, padded);
   Column heights;
   for (std::size_t i = 0; i < rows; ++i) {
      double &size = sizes.fValues[i];
      const bool isNone = !std::isfinite(size) || size == 0;
      size = isNone ? 0. : size;
      fDirectionX[i] = isNone ? 1. : fX[first + i] / size;
      fDirectionY[i] = isNone ? 0. : fY[first + i] / size;
      fAngle[i] = isNone ? 1. : fX[first + i];
      heights.fValues[i] = isNone ? 0. : fY[first + i];
      const double ratio = fZ[first + i] / fSize[first + i];
      fLongitudinal[i] = std::isfinite(ratio) ? static_cast<float>(ratio) : 0.f;
   }
   heights.Pad(rows, 0);
   std::fill(fAngle + rows, fAngle + padded, 1.);
   fKernels->fDoubles.fAtan2(heights.fValues, fAngle, padded);
   Logarithms(*fKernels, sizes.fValues, rows, fMissing);
   Logarithms(*fKernels, fPt.data() + first, rows, fActivity);
}

} // namespace aeplugin::density
