#include <aeplugin/quantiser.hxx>

#include <aeplugin/error.hxx>

#include "floating_point_scope.hxx"
#include "kernels/kernels.hxx"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>
#include <type_traits>

namespace aeplugin {
namespace {

/// Values are worked on this many at a time: what the passes over a chunk share stays in the fastest cache.
constexpr std::size_t kChunk = 1024;
static_assert(kChunk % kernels::kAlign == 0, "kernels take whole vectors");

/// Unsigned integers as wide as T.
template <typename T>
using BitsOf = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;

template <typename T>
BitsOf<T> ToBits(T value)
{
   BitsOf<T> bits;
   std::memcpy(&bits, &value, sizeof bits);
   return bits;
}

std::string Text(double value)
{
   std::ostringstream text;
   text.precision(17);
   text << value;
   return text.str();
}

/// A chunk of values and its grid integers.
template <typename T>
struct Chunk {
   alignas(64) T fValues[kChunk];
   alignas(64) Grid fGrid[kChunk];
};

template <typename T>
using EncodeKernel = bool (*)(const kernels::GridScale &, const T *, std::size_t, double, Grid *, double &);

/// Marked values whose nearest grid point broke the bound after rounding may keep it at the next one, on either side.
template <typename T>
void TryNeighbours(EncodeKernel<T> encode, const kernels::GridScale &scale, Chunk<T> &chunk, std::size_t n,
                   double &maxError)
{
   std::uint16_t where[kChunk];
   Chunk<T> few;
   for (const double shift : {-1., 1.}) {
      std::size_t marked = 0;
      for (std::size_t i = 0; i < n; ++i) {
         // Without a branch, which a chunk with many sentinels would mispredict.
         few.fValues[marked] = chunk.fValues[i];
         where[marked] = static_cast<std::uint16_t>(i);
         marked += static_cast<std::size_t>((chunk.fGrid[i] == kExactMark) & std::isfinite(chunk.fValues[i]));
      }
      if (marked == 0)
         return;
      const auto padded = kernels::PaddedWidth(marked);
      std::fill(few.fValues + marked, few.fValues + padded, std::numeric_limits<T>::quiet_NaN());
      encode(scale, few.fValues, padded, shift, few.fGrid, maxError);
      for (std::size_t k = 0; k < marked; ++k)
         chunk.fGrid[where[k]] = few.fGrid[k];
   }
}

/// Makes every sentinel a NaN, which the kernels mark: it shall neither become a grid integer nor count as an error.
template <typename T>
void HideSentinels(const std::vector<std::uint64_t> &sentinels, std::size_t n, T *values)
{
   if (sentinels.empty())
      return;
   BitsOf<T> bits[kChunk];
   std::memcpy(bits, values, n * sizeof(T));
   for (const auto sentinel : sentinels)
      for (std::size_t i = 0; i < n; ++i)
         values[i] = bits[i] == static_cast<BitsOf<T>>(sentinel) ? std::numeric_limits<T>::quiet_NaN() : values[i];
}

/// Gives every sentinel among `values` its own mark.
template <typename T>
void MarkSentinels(const std::vector<std::uint64_t> &sentinels, const T *values, std::size_t n, Grid *grid)
{
   for (std::size_t k = 0; k < sentinels.size(); ++k)
      for (std::size_t i = 0; i < n; ++i)
         grid[i] =
            ToBits(values[i]) == static_cast<BitsOf<T>>(sentinels[k]) ? kSentinelMark + static_cast<Grid>(k) : grid[i];
}

[[noreturn]] void ThrowMissing(std::size_t exact)
{
   throw CorruptionError("grid integers mark more exactly kept values than the " + std::to_string(exact) +
                         " that are there; the data are damaged");
}

[[noreturn]] void ThrowOffGrid(Grid grid, std::size_t at, std::size_t sentinels)
{
   throw CorruptionError("grid integer " + std::to_string(grid) + " at position " + std::to_string(at) +
                         " is neither on the grid nor the mark of one of the " + std::to_string(sentinels) +
                         " sentinels; the data are damaged");
}

bool AllOnGrid(const Grid *grid, std::size_t n)
{
   int outside = 0;
   for (std::size_t i = 0; i < n; ++i)
      outside |= (grid[i] > kGridLimit) | (grid[i] < -kGridLimit);
   return outside == 0;
}

/// The part of a relative tolerance that is left to the grid: rounding to the column's type, and in double precision
/// the elementary functions, take the rest. Without it, values at the edges of a cell would be special.
/// Grid integers have room for all magnitudes of float32 in steps of this.
constexpr double kSmallestRel = 9e-8;

double GridTolerance(double tolerance, ColumnType type)
{
   const double rounding = type == ColumnType::kFloat32 ? 0x1p-24 : 0x1p-46;
   return tolerance >= 2 * rounding ? tolerance - rounding : tolerance;
}

void CheckTolerance(const Tolerance &tolerance)
{
   if (tolerance.fKind != ToleranceKind::kAbs && tolerance.fKind != ToleranceKind::kRel)
      throw RecipeError("a column that is kept exactly has no grid; a quantiser takes an abs or rel tolerance");
   const bool isRelative = tolerance.fKind == ToleranceKind::kRel;
   // Half of the largest number, because the step is twice the tolerance.
   const double end = isRelative ? 1 : std::numeric_limits<double>::max() / 2;
   if (!(tolerance.fValue > 0 && tolerance.fValue < end))
      throw RecipeError(std::string(isRelative ? "a rel" : "an abs") + " tolerance of " + Text(tolerance.fValue) +
                        " cannot be kept; it must be above 0 and " + (isRelative ? "below 1" : "finite"));
   if (isRelative && tolerance.fValue < kSmallestRel)
      throw RecipeError("a rel tolerance of " + Text(tolerance.fValue) +
                        " is finer than a grid can be; it must be at least 9e-8, or the column exact");
}

} // namespace

Quantiser::Quantiser(Tolerance tolerance, ColumnType type, std::vector<double> sentinels,
                     const std::string &instructionSet)
   : fTolerance(tolerance), fType(type), fKernels(&kernels::GetKernels(instructionSet))
{
   const FloatingPointScope scope;
   CheckTolerance(fTolerance);
   if (fType != ColumnType::kFloat32 && fType != ColumnType::kFloat64)
      throw RecipeError("only columns of float32 and float64 can have a tolerance; others are kept exactly");
   if (sentinels.size() > kMaxSentinels)
      throw RecipeError(std::to_string(sentinels.size()) + " sentinels are declared; at most " +
                        std::to_string(kMaxSentinels) + " are possible");
   for (const double sentinel : sentinels) {
      const auto bits = fType == ColumnType::kFloat32 ? ToBits(static_cast<float>(sentinel)) : ToBits(sentinel);
      if (std::count(fSentinelBits.begin(), fSentinelBits.end(), bits) != 0)
         throw RecipeError("sentinel " + Text(sentinel) + " stands twice in the column's type");
      fSentinelBits.push_back(bits);
   }

   if (fTolerance.fKind == ToleranceKind::kAbs) {
      fStep = 2 * fTolerance.fValue;
      return;
   }
   alignas(64) double logs[kernels::kAlign] = {1 + GridTolerance(fTolerance.fValue, fType), 0x1p-149, 0x1p128};
   fKernels->fDoubles.fLog(logs, kernels::kAlign);
   fStep = 2 * logs[0];
   // A tolerance below the precision of 1 has a step of 0 and infinite ends: then nothing but zero is on the grid.
   fFloor = std::nearbyint(logs[1] / fStep) - 1;
   fLargest = std::min(fLargest, std::nearbyint(logs[2] / fStep) - fFloor);
}

kernels::GridScale Quantiser::Scale() const
{
   return {fTolerance.fKind == ToleranceKind::kRel, fTolerance.fValue, fStep, fFloor, fLargest};
}

template <typename T>
void Quantiser::CheckType() const
{
   constexpr bool kIsFloat = std::is_same_v<T, float>;
   if ((fType == ColumnType::kFloat32) != kIsFloat)
      throw InputError(std::string("a quantiser of ") + (kIsFloat ? "float64" : "float32") +
                       " values was given values of " + (kIsFloat ? "float32" : "float64"));
}

template <typename T>
void Quantiser::EncodeValues(const T *values, std::size_t n, Grid *grid, std::vector<std::uint64_t> &exact,
                             QuantiserSummary &summary) const
{
   CheckType<T>();
   const FloatingPointScope scope;
   const auto scale = Scale();
   EncodeKernel<T> encode;
   if constexpr (std::is_same_v<T, float>)
      encode = fKernels->fQuantiser.fEncodeFloats;
   else
      encode = fKernels->fQuantiser.fEncodeDoubles;

   Chunk<T> chunk;
   for (std::size_t first = 0; first < n; first += kChunk) {
      const std::size_t size = std::min(kChunk, n - first);
      const auto padded = kernels::PaddedWidth(size);
      std::memcpy(chunk.fValues, values + first, size * sizeof(T));
      std::fill(chunk.fValues + size, chunk.fValues + padded, std::numeric_limits<T>::quiet_NaN());
      HideSentinels(fSentinelBits, size, chunk.fValues);
      if (encode(scale, chunk.fValues, padded, 0, chunk.fGrid, summary.fMaxError)) {
         TryNeighbours(encode, scale, chunk, size, summary.fMaxError);
         MarkSentinels(fSentinelBits, values + first, size, chunk.fGrid);
         for (std::size_t i = 0; i < size; ++i) {
            summary.fSpecial += static_cast<std::uint64_t>(!IsOnGrid(chunk.fGrid[i]));
            if (chunk.fGrid[i] == kExactMark)
               exact.push_back(ToBits(values[first + i]));
         }
      }
      std::memcpy(grid + first, chunk.fGrid, size * sizeof(Grid));
   }
   summary.fValues += n;
}

template <typename T>
void Quantiser::DecodeValues(const Grid *grid, std::size_t n, const std::vector<std::uint64_t> &exact, T *values) const
{
   CheckType<T>();
   const FloatingPointScope scope;
   const auto scale = Scale();
   std::size_t next = 0;
   Chunk<T> chunk;
   for (std::size_t first = 0; first < n; first += kChunk) {
      const std::size_t size = std::min(kChunk, n - first);
      const auto padded = kernels::PaddedWidth(size);
      std::memcpy(chunk.fGrid, grid + first, size * sizeof(Grid));
      std::fill(chunk.fGrid + size, chunk.fGrid + padded, 0);
      if constexpr (std::is_same_v<T, float>)
         fKernels->fQuantiser.fDecodeFloats(scale, chunk.fGrid, padded, chunk.fValues);
      else
         fKernels->fQuantiser.fDecodeDoubles(scale, chunk.fGrid, padded, chunk.fValues);

      if (!AllOnGrid(chunk.fGrid, size)) {
         for (std::size_t i = 0; i < size; ++i) {
            const Grid mark = chunk.fGrid[i];
            if (IsOnGrid(mark))
               continue;
            if (mark == kExactMark && next == exact.size())
               ThrowMissing(exact.size());
            const auto sentinel = static_cast<std::uint32_t>(mark) - static_cast<std::uint32_t>(kSentinelMark);
            if (mark != kExactMark && sentinel >= fSentinelBits.size())
               ThrowOffGrid(mark, first + i, fSentinelBits.size());
            const auto bits = static_cast<BitsOf<T>>(mark == kExactMark ? exact[next++] : fSentinelBits[sentinel]);
            std::memcpy(&chunk.fValues[i], &bits, sizeof bits);
         }
      }
      std::memcpy(values + first, chunk.fValues, size * sizeof(T));
   }
   if (next != exact.size())
      throw CorruptionError("of " + std::to_string(exact.size()) + " exactly kept values only " + std::to_string(next) +
                            " are marked; the data are damaged");
}

void Quantiser::Encode(const float *values, std::size_t n, Grid *grid, std::vector<std::uint64_t> &exact,
                       QuantiserSummary &summary) const
{
   EncodeValues(values, n, grid, exact, summary);
}

void Quantiser::Encode(const double *values, std::size_t n, Grid *grid, std::vector<std::uint64_t> &exact,
                       QuantiserSummary &summary) const
{
   EncodeValues(values, n, grid, exact, summary);
}

void Quantiser::Decode(const Grid *grid, std::size_t n, const std::vector<std::uint64_t> &exact, float *values) const
{
   DecodeValues(grid, n, exact, values);
}

void Quantiser::Decode(const Grid *grid, std::size_t n, const std::vector<std::uint64_t> &exact, double *values) const
{
   DecodeValues(grid, n, exact, values);
}

void Quantiser::Value(const Grid *grid, std::size_t n, double *values) const
{
   const FloatingPointScope scope;
   const auto scale = Scale();
   Chunk<double> chunk;
   for (std::size_t first = 0; first < n; first += kChunk) {
      const std::size_t size = std::min(kChunk, n - first);
      const auto padded = kernels::PaddedWidth(size);
      std::memcpy(chunk.fGrid, grid + first, size * sizeof(Grid));
      std::fill(chunk.fGrid + size, chunk.fGrid + padded, 0);
      fKernels->fQuantiser.fDecodeDoubles(scale, chunk.fGrid, padded, chunk.fValues);
      for (std::size_t i = 0; i < size; ++i)
         values[first + i] = IsOnGrid(chunk.fGrid[i]) ? chunk.fValues[i] : std::numeric_limits<double>::quiet_NaN();
   }
}

void Quantiser::Nearest(const double *values, std::size_t n, Grid otherwise, Grid *grid) const
{
   const FloatingPointScope scope;
   const auto scale = Scale();
   Chunk<double> chunk;
   for (std::size_t first = 0; first < n; first += kChunk) {
      const std::size_t size = std::min(kChunk, n - first);
      const auto padded = kernels::PaddedWidth(size);
      std::memcpy(chunk.fValues, values + first, size * sizeof(double));
      std::fill(chunk.fValues + size, chunk.fValues + padded, 0.);
      fKernels->fQuantiser.fNearest(scale, chunk.fValues, padded, chunk.fGrid);
      for (std::size_t i = 0; i < size; ++i)
         grid[first + i] = chunk.fGrid[i] == kExactMark ? otherwise : chunk.fGrid[i];
   }
}

void Quantiser::Locate(const double *values, std::size_t n, Grid *grid, float *beyond) const
{
   Nearest(values, n, kExactMark, grid);
   const FloatingPointScope scope;
   const bool isRelative = fTolerance.fKind == ToleranceKind::kRel;
   alignas(64) double places[kChunk];
   for (std::size_t first = 0; first < n; first += kChunk) {
      const std::size_t size = std::min(kChunk, n - first);
      const auto padded = kernels::PaddedWidth(size);
      if (isRelative) {
         for (std::size_t i = 0; i < size; ++i)
            places[i] = grid[first + i] == kExactMark || grid[first + i] == 0 ? 1. : std::abs(values[first + i]);
         std::fill(places + size, places + padded, 1.);
         fKernels->fDoubles.fLog(places, padded);
      }
      for (std::size_t i = 0; i < size; ++i) {
         Grid &nearest = grid[first + i];
         const bool isOff = nearest == kExactMark || (isRelative && nearest == 0);
         const double place = isRelative ? places[i] / fStep - fFloor : values[first + i] / fStep;
         beyond[first + i] = isOff ? 0.f : static_cast<float>(place - (isRelative ? std::abs(nearest) : nearest));
         nearest = nearest == kExactMark ? 0 : nearest;
      }
   }
}

} // namespace aeplugin
