#ifndef AEPLUGIN_QUANTISER_HXX
#define AEPLUGIN_QUANTISER_HXX

#include <aeplugin/table.hxx>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

namespace kernels {
struct GridScale;
struct KernelSet;
} // namespace kernels

/// A value in steps of its tolerance, or the mark of a special value (docs/format.md, "Grid integers").
using Grid = std::int32_t;

/// Grid integers lie in [-kGridLimit, kGridLimit]; what does not is a special value.
constexpr Grid kGridLimit = (Grid{1} << 30) - 1;
/// The mark of a value that is kept exactly in a list beside the grid integers.
constexpr Grid kExactMark = INT32_MIN;
/// The mark of the first declared sentinel; the k-th is kSentinelMark + k.
constexpr Grid kSentinelMark = INT32_MIN + 1;
constexpr std::size_t kMaxSentinels = 16;

/// Whether an integer stands for a special value.
constexpr bool IsMark(Grid integer)
{
   return integer < -kGridLimit;
}
/// Whether it stands for a grid point: neither a mark nor beyond the grid, as in damaged files.
constexpr bool IsOnGrid(Grid integer)
{
   return integer >= -kGridLimit && integer <= kGridLimit;
}

enum class ToleranceKind : std::uint8_t {
   kExact = 0, ///< the value does not change
   kAbs = 1,   ///< |x' - x| <= tolerance
   kRel = 2    ///< |x' - x| <= tolerance |x|
};

/// How far a value may move.
struct Tolerance {
   ToleranceKind fKind = ToleranceKind::kExact;
   double fValue = 0;
};

/// What happened to the values of a column.
struct QuantiserSummary {
   std::uint64_t fValues = 0;
   std::uint64_t fSpecial = 0; ///< kept exactly: NaN, infinities, sentinels, values off the grid
   double fMaxError = 0;       ///< largest |x' - x| (abs) or |x' - x| / |x| (rel) of the others
};

/// Turns the values of a column into grid integers and back. What Decode gives is within the tolerance of what Encode
/// took, in the column's own type, for every value: Encode checks each one and keeps exactly those that would not be.
/// The same bits on every machine.
class Quantiser {
public:
   /// \param type kFloat32 or kFloat64
   /// \param sentinels values that stand for something else and are kept exactly, in the column's type
   /// \throws RecipeError for a tolerance that is none (exact, not finite, not positive, rel of 1 or more), other
   /// types, too many sentinels or one that stands twice
   Quantiser(Tolerance tolerance, ColumnType type, std::vector<double> sentinels = {},
             const std::string &instructionSet = "");

   const Tolerance &GetTolerance() const { return fTolerance; }
   ColumnType Type() const { return fType; }
   std::size_t Sentinels() const { return fSentinelBits.size(); }

   /// Grid integers of `n` values; the bits of each kExactMark are appended to `exact`. Adds to `summary`.
   /// \throws InputError for values of another type than the column's
   void Encode(const float *values, std::size_t n, Grid *grid, std::vector<std::uint64_t> &exact,
               QuantiserSummary &summary) const;
   void Encode(const double *values, std::size_t n, Grid *grid, std::vector<std::uint64_t> &exact,
               QuantiserSummary &summary) const;

   /// The values again. `exact` holds the bits of all kExactMark in `grid`, in order.
   /// \throws CorruptionError for marks without a value, values without a mark and integers off the grid
   /// \throws InputError for values of another type than the column's
   void Decode(const Grid *grid, std::size_t n, const std::vector<std::uint64_t> &exact, float *values) const;
   void Decode(const Grid *grid, std::size_t n, const std::vector<std::uint64_t> &exact, double *values) const;

   /// What grid integers stand for, in double precision and before rounding to the column's type; NaN for marks.
   void Value(const Grid *grid, std::size_t n, double *values) const;
   /// The grid integer nearest to each value, for predictions; `otherwise` for what is not finite or off the grid.
   /// The same bits on every machine, but not checked against the tolerance.
   void Nearest(const double *values, std::size_t n, Grid otherwise, Grid *grid) const;
   /// The same, with 0 for what is off the grid, and how far beyond its integer each value lies, in steps: from -1/2 to
   /// 1/2, and 0 where the integer is 0 by a relative tolerance or because the value is off the grid.
   void Locate(const double *values, std::size_t n, Grid *grid, float *beyond) const;

private:
   template <typename T>
   void EncodeValues(const T *values, std::size_t n, Grid *grid, std::vector<std::uint64_t> &exact,
                     QuantiserSummary &summary) const;
   template <typename T>
   void DecodeValues(const Grid *grid, std::size_t n, const std::vector<std::uint64_t> &exact, T *values) const;
   template <typename T>
   void CheckType() const;
   kernels::GridScale Scale() const;

   Tolerance fTolerance;
   ColumnType fType;
   std::vector<std::uint64_t> fSentinelBits; ///< in the column's type, zero-extended
   double fStep = 0;                         ///< distance of grid points, in x (abs) or ln |x| (rel)
   double fFloor = 0;            ///< rel: the grid integer of |x| is round(ln |x| / step) - floor, above 0; zero is 0
   double fLargest = kGridLimit; ///< grid integer
   const kernels::KernelSet *fKernels = nullptr;
};

} // namespace aeplugin

#endif
