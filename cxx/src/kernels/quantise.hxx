#ifndef AEPLUGIN_KERNELS_QUANTISE_HXX
#define AEPLUGIN_KERNELS_QUANTISE_HXX

#include "elementary_double.hxx"
#include "kernels.hxx"

#include <cstring>
#include <type_traits>

// The quantiser's arithmetic on vectors of lanes (see elementary.hxx): without branches, so that a value that cannot be
// on the grid costs the others nothing.
namespace aeplugin::kernels {
namespace {

/// A grid integer per lane.
template <typename L>
struct GridPoint {
   typename L::Doubles fGrid;
   typename L::Mask fOnGrid;
};

/// Values are multiples of the step.
template <typename L>
struct AbsGrid {
   using Doubles = typename L::Doubles;

   static GridPoint<L> Nearest(const GridScale &scale, Doubles x, double shift)
   {
      const auto grid = Round<L>(x / scale.fStep) + shift;
      return {grid, Abs<L>(grid) <= scale.fLargest};
   }
   static Doubles Value(const GridScale &scale, Doubles grid) { return grid * scale.fStep; }
   static typename L::Mask MayMove(Doubles x) { return x == x; }
   static Doubles Unit(Doubles) { return All<L>(1); }
};

/// Sizes are powers of e^step, from the smallest float on; zero is a point of its own.
template <typename L>
struct RelGrid {
   using Doubles = typename L::Doubles;
   /// Of what has a logarithm here: further out than any cell of the grid, whose ends are those of float.
   static constexpr double kSmallest = 0x1p-151;
   static constexpr double kLargest = 0x1p130;

   static GridPoint<L> Nearest(const GridScale &scale, Doubles x, double shift)
   {
      const auto size = Abs<L>(x);
      const auto inRange = (size >= kSmallest) & (size <= kLargest);
      const auto log = LogNormal<L>(inRange ? size : All<L>(1));
      const auto grid = (Round<L>(log / scale.fStep) + shift) - scale.fFloor;
      const auto isZero = x == 0;
      const auto onGrid = (inRange & (grid >= 1) & (grid <= scale.fLargest)) | isZero;
      return {isZero ? All<L>(0) : WithSign<L>(Abs<L>(grid), x), onGrid};
   }
   static Doubles Value(const GridScale &scale, Doubles grid)
   {
      const auto size = ExpNormal<L>((Abs<L>(grid) + scale.fFloor) * scale.fStep);
      return grid == 0 ? All<L>(0) : WithSign<L>(size, grid);
   }
   /// All but the negative zero, whose sign would be lost.
   static typename L::Mask MayMove(Doubles x) { return BitsOf<L>(x) != kSignBit; }
   static Doubles Unit(Doubles x) { return Abs<L>(x); }
};

template <typename L, typename T>
using Values = std::conditional_t<std::is_same_v<T, float>, typename L::HalfFloats, typename L::Doubles>;

template <typename L, typename T>
inline typename L::Doubles LoadValues(const T *from)
{
   Values<L, T> values;
   std::memcpy(&values, from, sizeof values);
   return __builtin_convertvector(values, typename L::Doubles);
}

/// Marks what is not `kept`.
template <typename L>
inline void StoreGrid(Grid *to, typename L::Doubles grid, typename L::Mask kept)
{
   const auto marked = kept ? grid : All<L>(kExactMark);
   const auto integers = __builtin_convertvector(marked, typename L::HalfInts);
   std::memcpy(to, &integers, sizeof integers);
}

/// Vectors between one step of the encoder and the next: a few values' logarithms and exponentials overlap in the CPU,
/// which one long chain of both would keep from.
constexpr std::size_t kStride = 8;

template <typename L, typename T, typename G>
bool EncodeOn(const GridScale &scale, const T *values, std::size_t n, double shift, Grid *grid, double &maxError)
{
   const GridScale local = scale; // in registers: what is written to `grid` cannot change it
   auto worst = All<L>(maxError);
   typename L::Mask allKept = ~typename L::Mask{};
   const std::size_t vectors = n / L::kDoubles;
   for (std::size_t first = 0; first < vectors; first += kStride) {
      const std::size_t count = vectors - first < kStride ? vectors - first : kStride;
      GridPoint<L> points[kStride];
      typename L::Doubles results[kStride];
      for (std::size_t v = 0; v < count; ++v)
         points[v] = G::Nearest(local, LoadValues<L, T>(values + (first + v) * L::kDoubles), shift);
      for (std::size_t v = 0; v < count; ++v)
         results[v] = G::Value(local, points[v].fGrid);
      for (std::size_t v = 0; v < count; ++v) {
         const std::size_t i = (first + v) * L::kDoubles;
         const auto x = LoadValues<L, T>(values + i);
         const auto rounded = __builtin_convertvector(results[v], Values<L, T>);
         const auto error = Abs<L>(__builtin_convertvector(rounded, typename L::Doubles) - x);
         const auto unit = G::Unit(x);
         const typename L::Mask kept = points[v].fOnGrid & G::MayMove(x) & (error <= local.fTolerance * unit);
         StoreGrid<L>(grid + i, points[v].fGrid, kept);
         const auto measured = error / unit;
         worst = (kept & (measured > worst)) ? measured : worst;
         allKept &= kept;
      }
   }
   bool marked = false;
   for (std::size_t lane = 0; lane < L::kDoubles; ++lane) {
      maxError = worst[lane] > maxError ? worst[lane] : maxError;
      marked |= allKept[lane] == 0;
   }
   return marked;
}

template <typename L, typename T>
bool Encode(const GridScale &scale, const T *values, std::size_t n, double shift, Grid *grid, double &maxError)
{
   return scale.fRelative ? EncodeOn<L, T, RelGrid<L>>(scale, values, n, shift, grid, maxError)
                          : EncodeOn<L, T, AbsGrid<L>>(scale, values, n, shift, grid, maxError);
}

template <typename L, typename T, typename G>
void DecodeOn(const GridScale &scale, const Grid *grid, std::size_t n, T *values)
{
   const GridScale local = scale;
   for (std::size_t i = 0; i < n; i += L::kDoubles) {
      typename L::HalfInts integers;
      std::memcpy(&integers, grid + i, sizeof integers);
      const auto points = __builtin_convertvector(integers, typename L::Doubles);
      const auto results = __builtin_convertvector(G::Value(local, points), Values<L, T>);
      std::memcpy(values + i, &results, sizeof results);
   }
}

template <typename L, typename T>
void Decode(const GridScale &scale, const Grid *grid, std::size_t n, T *values)
{
   if (scale.fRelative)
      DecodeOn<L, T, RelGrid<L>>(scale, grid, n, values);
   else
      DecodeOn<L, T, AbsGrid<L>>(scale, grid, n, values);
}

template <typename L, typename G>
void NearestOn(const GridScale &scale, const double *values, std::size_t n, Grid *grid)
{
   const GridScale local = scale;
   for (std::size_t i = 0; i < n; i += L::kDoubles) {
      const auto point = G::Nearest(local, LoadValues<L, double>(values + i), 0);
      StoreGrid<L>(grid + i, point.fGrid, point.fOnGrid);
   }
}

template <typename L>
void Nearest(const GridScale &scale, const double *values, std::size_t n, Grid *grid)
{
   if (scale.fRelative)
      NearestOn<L, RelGrid<L>>(scale, values, n, grid);
   else
      NearestOn<L, AbsGrid<L>>(scale, values, n, grid);
}

} // namespace
} // namespace aeplugin::kernels

#endif
