#include "normaliser.hxx"

#include <algorithm>
#include <cmath>

namespace aeplugin {
namespace {

constexpr std::size_t kRows = 48; ///< at a time: those of a block of NativeEngine
static_assert(kernels::PaddedWidth(kRows) == kRows, "kernels run on whole vectors");

/// One number of up to kRows objects, the rest being zeros.
using Numbers = float[kRows];
using Doubles = double[kRows];

/// The place of one column or feature in rows: element r is fFirst[r * fStride].
template <typename Float>
struct Slice {
   Float *fFirst;
   std::size_t fStride;

   Float &operator[](std::size_t row) const { return fFirst[row * fStride]; }
};

/// The line through the two knots around a value, or through the first or last two. In double precision, where the
/// differences of floats have no rounding to speak of.
float Interpolate(const std::vector<float> &from, const std::vector<float> &to, float value)
{
   const auto above = std::upper_bound(from.begin() + 1, from.end() - 1, value); // a NaN stays one at any place
   const auto right = static_cast<std::size_t>(above - from.begin());
   const std::size_t left = right - 1;
   const double slope = (double{to[right]} - double{to[left]}) / (double{from[right]} - double{from[left]});
   return static_cast<float>(double{to[left]} + (double{value} - double{from[left]}) * slope);
}

/// What log10 is taken of, which is most often the value itself.
float Argument(const ModelColumn &column, float value)
{
   return column.fFactor == 1 && column.fOffset == 0 ? value : std::fma(column.fFactor, value, column.fOffset);
}

void Transformed(const ModelColumn &column, const kernels::KernelSet &kernels, std::size_t rows, Numbers &values)
{
   if (column.fTransform == Transform::kLog10) {
      for (std::size_t r = 0; r < rows; ++r)
         values[r] = Argument(column, values[r]);
      kernels.fLog10(values, kernels::PaddedWidth(rows));
   } else if (column.fTransform == Transform::kQuantile) {
      for (std::size_t r = 0; r < rows; ++r)
         values[r] = Interpolate(column.fKnots, column.fKnotsTo, values[r]);
   }
}

void InverseTransformed(const ModelColumn &column, const kernels::KernelSet &kernels, std::size_t rows, Numbers &values)
{
   if (column.fTransform == Transform::kLog10) {
      kernels.fExp10(values, kernels::PaddedWidth(rows));
      for (std::size_t r = 0; r < rows; ++r)
         values[r] = (values[r] - column.fOffset) / column.fFactor;
   } else if (column.fTransform == Transform::kQuantile) {
      for (std::size_t r = 0; r < rows; ++r)
         values[r] = Interpolate(column.fKnotsTo, column.fKnots, values[r]);
   }
}

void ToCircle(const ModelColumn &column, const kernels::KernelSet &kernels, Slice<const float> in, std::size_t rows,
              Slice<float> cosines, Slice<float> sines)
{
   Doubles cosine{};
   Doubles sine{};
   for (std::size_t r = 0; r < rows; ++r)
      cosine[r] = sine[r] = double{in[r]} - double{column.fMean};
   kernels.fDoubles.fCos(cosine, kernels::PaddedWidth(rows));
   kernels.fDoubles.fSin(sine, kernels::PaddedWidth(rows));
   for (std::size_t r = 0; r < rows; ++r) {
      cosines[r] = static_cast<float>(cosine[r]);
      sines[r] = static_cast<float>(sine[r]);
   }
}

void FromCircle(const ModelColumn &column, const kernels::KernelSet &kernels, Slice<const float> cosines,
                Slice<const float> sines, std::size_t rows, Slice<float> out)
{
   Doubles x{};
   Doubles y{};
   for (std::size_t r = 0; r < rows; ++r) {
      x[r] = double{cosines[r]};
      y[r] = double{sines[r]};
   }
   kernels.fDoubles.fAtan2(y, x, kernels::PaddedWidth(rows));
   for (std::size_t r = 0; r < rows; ++r)
      out[r] = static_cast<float>(double{column.fMean} + x[r]);
}

void ToFeature(const ModelColumn &column, const kernels::KernelSet &kernels, Slice<const float> in, std::size_t rows,
               Slice<float> out)
{
   Numbers values{};
   for (std::size_t r = 0; r < rows; ++r)
      values[r] = in[r];
   Transformed(column, kernels, rows, values);
   for (std::size_t r = 0; r < rows; ++r)
      out[r] = (values[r] - column.fMean) / column.fScale;
}

void FromFeature(const ModelColumn &column, const kernels::KernelSet &kernels, Slice<const float> in, std::size_t rows,
                 Slice<float> out)
{
   Numbers values{};
   for (std::size_t r = 0; r < rows; ++r)
      values[r] = std::fma(in[r], column.fScale, column.fMean);
   InverseTransformed(column, kernels, rows, values);
   for (std::size_t r = 0; r < rows; ++r)
      out[r] = values[r];
}

} // namespace

Normaliser::Normaliser(std::vector<ModelColumn> columns, const kernels::KernelSet &kernels)
   : fColumns(std::move(columns)), fKernels(kernels)
{
   for (const ModelColumn &column : fColumns)
      fFeatures += column.Features();
}

void Normaliser::Standardise(const float *in, std::size_t inStride, std::size_t rows, float *out,
                             std::size_t outStride) const
{
   for (std::size_t first = 0; first < rows; first += kRows) {
      const std::size_t n = std::min(kRows, rows - first);
      std::size_t feature = 0;
      for (std::size_t c = 0; c < fColumns.size(); ++c) {
         const ModelColumn &column = fColumns[c];
         const Slice<const float> values{in + first * inStride + c, inStride};
         float *features = out + first * outStride + feature;
         if (column.fTransform == Transform::kCircle)
            ToCircle(column, fKernels, values, n, {features, outStride}, {features + 1, outStride});
         else if (column.fTransform != Transform::kLabel)
            ToFeature(column, fKernels, values, n, {features, outStride});
         feature += column.Features();
      }
   }
}

void Normaliser::Restore(const float *in, std::size_t inStride, std::size_t rows, float *out,
                         std::size_t outStride) const
{
   for (std::size_t first = 0; first < rows; first += kRows) {
      const std::size_t n = std::min(kRows, rows - first);
      std::size_t feature = 0;
      for (std::size_t c = 0; c < fColumns.size(); ++c) {
         const ModelColumn &column = fColumns[c];
         const float *features = in + first * inStride + feature;
         const Slice<float> values{out + first * outStride + c, outStride};
         if (column.fTransform == Transform::kCircle)
            FromCircle(column, fKernels, {features, inStride}, {features + 1, inStride}, n, values);
         else if (column.fTransform != Transform::kLabel)
            FromFeature(column, fKernels, {features, inStride}, n, values);
         feature += column.Features();
      }
   }
}

bool Normaliser::IsInDomain(const float *object) const
{
   for (std::size_t c = 0; c < fColumns.size(); ++c) {
      const ModelColumn &column = fColumns[c];
      if (!std::isfinite(object[c]) || (column.fTransform == Transform::kLog10 && !(Argument(column, object[c]) > 0)))
         return false;
   }
   return true;
}

} // namespace aeplugin
