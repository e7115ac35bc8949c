#ifndef AEPLUGIN_KERNELS_SLICES_HXX
#define AEPLUGIN_KERNELS_SLICES_HXX

#include "density_calls.hxx"
#include "elementary.hxx"

#include <cstddef>
#include <cstdint>
#include <cstring>

// Frequencies of integers from the outputs of a network (docs/format.md, "Frequencies"; density_calls.hxx).
namespace aeplugin::kernels {
namespace {

template <typename L>
inline typename L::Ints SplatInts(std::int32_t value)
{
   return value - typename L::Ints{};
}

template <typename L, typename T>
inline typename L::Ints LoadInts(const T *from)
{
   static_assert(sizeof(T) == sizeof(std::int32_t));
   typename L::Ints value;
   std::memcpy(&value, from, sizeof value);
   return value;
}

template <typename L, typename T>
inline void StoreInts(T *to, typename L::Ints value)
{
   static_assert(sizeof(T) == sizeof(std::int32_t));
   std::memcpy(to, &value, sizeof value);
}

template <typename L>
inline typename L::Ints Truncated(typename L::Floats x)
{
   return __builtin_convertvector(x, typename L::Ints);
}

template <typename L>
inline typename L::Floats ToFloats(typename L::Ints x)
{
   return __builtin_convertvector(x, typename L::Floats);
}

/// Within [low, high]; a NaN counts as `low`.
template <typename L>
inline typename L::Floats Between(typename L::Floats x, float low, float high)
{
   return L::Min(L::Max(x, Splat<L>(low)), Splat<L>(high));
}

/// An output of a network within +-limit.
template <typename L>
inline typename L::Floats Output(const float *from, float limit)
{
   return Between<L>(Load<L>(from), -limit, limit);
}

constexpr float kLogitLimit = 64;
constexpr float kCentreLimit = 65536;
constexpr float kSteepnessLimit = 10;
constexpr float kWeightUnit = 0x1p20f; // the weight of the likeliest
constexpr float kSigmaUnit = 0x1p23f;  // t at the far end
/// Frequency that every category has at least.
constexpr std::int32_t kCategoryReserve = 256;
/// What t grows by from one integer to the next, at least: sigma never falls (tests/cxx/test_slices.cxx).
constexpr std::int32_t kGrowth = 4;
constexpr float kBelowOne = 0x1.fffffep-1f;
constexpr float kMostWeights = 0x1p26f; // more than all slices have
/// What a start grows by from one integer to the next beside the weights between them, whose sum may fall by 1 where it
/// is rounded, and the start then by 17.
constexpr std::int32_t kIntegerReserve = 32;
/// What is left above the last integer's start at least, whatever is rounded up.
constexpr std::int32_t kRangeReserve = 40;

/// 1 / (1 + e^-z), the arguments being brought into +-30.
template <typename L>
inline typename L::Floats Sigma(typename L::Floats z)
{
   return 1.0f / (ExpBounded<L>(-Between<L>(z, -30, 30)) + 1.0f);
}

/// How far up the distribution an integer stands, in 2^-23 and kGrowth per integer; `index` counts from the first.
template <typename L>
inline typename L::Ints Position(typename L::Ints index, std::int32_t first, typename L::Floats centre,
                                 typename L::Floats steepness)
{
   const auto z = ((ToFloats<L>(index + first) - 0.5f) - centre) * steepness;
   return Truncated<L>(Sigma<L>(z) * kSigmaUnit) + index * kGrowth;
}

/// Integer weights of some logits, in proportion to their exponentials, plus `extra`.
/// \param visit is called with the number of each, its weight, and the sum of those before
/// \return the sum of all
template <typename L, typename Visit>
inline typename L::Ints Weigh(const float *logits, std::size_t stride, std::size_t count, std::int32_t extra,
                              Visit &&visit)
{
   auto most = Output<L>(logits, kLogitLimit);
   for (std::size_t i = 1; i < count; ++i)
      most = L::Max(Output<L>(logits + i * stride, kLogitLimit), most);
   typename L::Ints sum{};
   for (std::size_t i = 0; i < count; ++i) {
      const auto below = Output<L>(logits + i * stride, kLogitLimit) - most;
      // Below -14 there is no weight; so nothing is lost at -32.
      const auto power = ExpBounded<L>(L::Max(below, Splat<L>(-32)));
      const typename L::Ints weight = Truncated<L>(power * kWeightUnit) + extra;
      visit(i, weight, sum);
      sum += weight;
   }
   return sum;
}

/// Starts of the categories of a vector of rows.
template <typename L>
inline void PrepareCategories(const float *logits, std::size_t stride, const SlicesPlanes &planes, std::size_t row)
{
   const std::size_t categories = planes.fShape.Categories();
   std::int32_t *starts = planes.fStarts + row;
   const auto sum = Weigh<L>(logits + row, stride, categories, 0, [&](std::size_t i, auto, auto before) {
      StoreInts<L>(starts + i * planes.fStride, before);
   });
   const std::int32_t reserve =
      static_cast<std::int32_t>(categories) * kCategoryReserve + 2 * kIntegerReserve * planes.fShape.fRange;
   const auto ratio = Splat<L>(static_cast<float>(kEscapeStart - reserve)) / ToFloats<L>(sum);
   for (std::size_t i = 0; i < categories; ++i) {
      std::int32_t *start = starts + i * planes.fStride;
      StoreInts<L>(start, Truncated<L>(ToFloats<L>(LoadInts<L>(start)) * ratio) +
                             static_cast<std::int32_t>(i) * kCategoryReserve);
   }
}

/// Weights of the slices of a vector of rows, from the logits of knots.
/// \return their sum
template <typename L>
inline typename L::Ints PrepareKnots(const float *logits, std::size_t stride, const SlicesPlanes &planes,
                                     std::size_t row)
{
   typename L::Ints last{};
   typename L::Ints sum{};
   Weigh<L>(logits + row, stride, planes.fShape.Knots(), 1, [&](std::size_t i, auto weight, auto) {
      if (i > 0)
         sum += last + weight;
      if (i < planes.fShape.fSlices)
         StoreInts<L>(planes.fSums + i * planes.fStride + row, sum);
      Store<L>(planes.fKnots + i * planes.fStride + row, ToFloats<L>(weight));
      last = weight;
   });
   return sum;
}

/// What the integers of a vector of rows need, from m, t and the logits of knots.
template <typename L>
inline void PrepareRange(const float *outputs, std::size_t stride, typename L::Ints limit, const SlicesPlanes &planes,
                         std::size_t row)
{
   const SlicesShape &shape = planes.fShape;
   const auto centre = L::Fma(Output<L>(outputs + row, kCentreLimit), Splat<L>(shape.fSpread), Splat<L>(shape.fMiddle));
   const auto steepness = ExpBounded<L>(Output<L>(outputs + stride + row, kSteepnessLimit)) * shape.fInverse;
   Store<L>(planes.fCentre + row, centre);
   Store<L>(planes.fSteepness + row, steepness);

   const auto lowest = Position<L>(SplatInts<L>(0), shape.fFirst, centre, steepness);
   const auto highest = Position<L>(limit, shape.fFirst, centre, steepness);
   StoreInts<L>(planes.fLimits + row, limit);
   StoreInts<L>(planes.fLowest + row, lowest);
   Store<L>(planes.fPerSlice + row, static_cast<float>(shape.fSlices) / ToFloats<L>(highest - lowest));

   const auto sum = PrepareKnots<L>(outputs + 2 * stride, stride, planes, row);
   const auto start = LoadInts<L>(planes.fStarts + shape.fAtoms * planes.fStride + row);
   const auto width = kEscapeStart - start;
   const std::int32_t reserve = kIntegerReserve * shape.fRange + kRangeReserve;
   Store<L>(planes.fRatio + row, ToFloats<L>(width - reserve) / ToFloats<L>(sum));
}

/// How many integers the ranges of a vector of rows have: rows beyond the last may say anything.
template <typename L>
inline typename L::Ints LimitOf(const std::int32_t *limits, std::size_t row, std::int32_t range)
{
   const auto most = SplatInts<L>(range);
   if (limits == nullptr)
      return most;
   const auto limit = LoadInts<L>(limits + row);
   const auto bounded = limit < most ? limit : most;
   return bounded < 1 ? SplatInts<L>(1) : bounded;
}

template <typename L>
void PrepareSlices(const float *outputs, std::size_t stride, std::size_t rows, const std::int32_t *limits,
                   const SlicesPlanes &planes)
{
   const SlicesPlanes local = planes; // in registers: what is written to the planes cannot change it
   const std::size_t categories = local.fShape.Categories();
   for (std::size_t row = 0; row < rows; row += L::kLanes) {
      if (categories > 0)
         PrepareCategories<L>(outputs, stride, local, row);
      else
         StoreInts<L>(local.fStarts + row, SplatInts<L>(0));
      if (local.fShape.fRange == 0)
         continue;
      PrepareRange<L>(outputs + categories * stride, stride, LimitOf<L>(limits, row, local.fShape.fRange), local, row);
   }
}

template <typename L>
inline typename L::Ints LaneNumbers()
{
   typename L::Ints lanes{};
   for (std::size_t lane = 0; lane < L::kLanes; ++lane)
      lanes[lane] = static_cast<int>(lane);
   return lanes;
}

/// The range of a vector of rows.
template <typename L>
class RangeOfRows {
public:
   using Floats = typename L::Floats;
   using Ints = typename L::Ints;

   RangeOfRows(const SlicesPlanes &planes, std::size_t row)
      : fSums(planes.fSums + row), fKnots(planes.fKnots + row), fPlane(planes.fStride),
        fStride(static_cast<std::int32_t>(planes.fStride)), fSlices(planes.fShape.fSlices),
        fFirst(planes.fShape.fFirst), fLimit(LoadInts<L>(planes.fLimits + row)),
        fStart(LoadInts<L>(planes.fStarts + planes.fShape.fAtoms * planes.fStride + row)),
        fLowest(LoadInts<L>(planes.fLowest + row)), fCentre(Load<L>(planes.fCentre + row)),
        fSteepness(Load<L>(planes.fSteepness + row)), fPerSlice(Load<L>(planes.fPerSlice + row)),
        fRatio(Load<L>(planes.fRatio + row)), fLanes(LaneNumbers<L>())
   {
   }

   /// Where the frequencies of the range begin.
   Ints Start() const { return fStart; }

   /// Where the place of an integer begins; 0 <= index <= limit, counted from the first integer.
   Ints StartOf(Ints index) const
   {
      const auto above = ToFloats<L>(Position<L>(index, fFirst, fCentre, fSteepness) - fLowest);
      const auto slices = L::Min(above * fPerSlice, Splat<L>(static_cast<float>(fSlices) * kBelowOne));
      const Ints slice = Truncated<L>(slices);
      const auto fraction = slices - ToFloats<L>(slice);
      const auto left = At(fKnots, slice);
      const auto rise = At(fKnots + fPlane, slice) - left;
      const Ints sum = At(fSums, slice) + Truncated<L>(fraction * (left * 2.0f + fraction * rise));
      const Ints start = fStart + index * kIntegerReserve + Truncated<L>(ToFloats<L>(sum) * fRatio);
      return index == fLimit ? SplatInts<L>(kEscapeStart) : start;
   }

   /// The index in whose place a slot is (where it is wanted: there the slot must be in the range), and that place.
   Ints Find(Ints slot, Ints isWanted, Ints &start, Ints &end) const
   {
      constexpr int kSteps = 3; // by what the slope promises, before halving what is left
      Ints low{};
      Ints high = fLimit;
      Ints index = Guess(slot);
      for (int round = 0;; ++round) {
         start = StartOf(index);
         end = StartOf(index + 1);
         const Ints isBelow = (slot < start) & isWanted;
         const Ints isAbove = (slot >= end) & isWanted;
         if (!L::Any(isBelow | isAbove))
            return index;
         high = isBelow ? index : high;
         low = isAbove ? index + 1 : low;
         const auto distance = ToFloats<L>(slot - start) / ToFloats<L>(end - start);
         const Ints there = index + Truncated<L>(Between<L>(distance, -kMostIntegers, kMostIntegers)) - (isBelow & 1);
         const Ints inside = there < low ? low : there >= high ? high - 1 : there;
         const Ints next = round < kSteps ? inside : (low + high) >> 1;
         index = (isBelow | isAbove) ? next : index;
      }
   }

private:
   static constexpr float kMostIntegers = 16384;
   static constexpr std::size_t kFewSlices = 8; ///< that are looked up faster one after the other than gathered

   /// What the lanes have in the planes of their slices.
   template <typename T>
   auto At(const T *planes, Ints slice) const
   {
      using Lanes = decltype(L::Gather(planes, slice));
      if (fSlices > kFewSlices)
         return L::Gather(planes, slice * fStride + fLanes);
      const auto load = [this, planes](std::size_t i) {
         Lanes lanes;
         std::memcpy(&lanes, planes + i * fPlane, sizeof lanes);
         return lanes;
      };
      Lanes value = load(0);
      for (std::size_t i = 1; i < fSlices; ++i)
         value = slice >= static_cast<std::int32_t>(i) ? load(i) : value;
      return value;
   }

   /// The slice in which a weight is.
   Ints SliceOf(Ints weights) const
   {
      Ints even{};
      Ints odd{};
      for (std::size_t slice = 1; slice + 1 < fSlices; slice += 2) {
         odd -= LoadInts<L>(fSums + slice * fPlane) <= weights;
         even -= LoadInts<L>(fSums + (slice + 1) * fPlane) <= weights;
      }
      return fSlices % 2 == 0 ? even + odd - (LoadInts<L>(fSums + (fSlices - 1) * fPlane) <= weights) : even + odd;
   }

   /// ln (p / q) to 1e-5 for normal numbers: with p / q = 2^n m and s = (m - 1) / (m + 1), ln m = 2 (s + s^3/3 + ...).
   static Floats LogOfRatio(Floats p, Floats q)
   {
      const Ints n = (reinterpret_cast<Ints>(p) - reinterpret_cast<Ints>(q) + (1 << 22)) >> 23;
      const auto scaled = reinterpret_cast<Floats>(reinterpret_cast<Ints>(q) + (n << 23));
      const auto s = (p - scaled) / (p + scaled);
      const auto z = s * s;
      const auto series = L::Fma(L::Fma(z, Splat<L>(0.4f), Splat<L>(0.66666667f)), z, Splat<L>(2.0f));
      return L::Fma(ToFloats<L>(n), Splat<L>(0.69314718f), s * series);
   }

   /// About the argument of sigma for a slot so far above the start, were all slices of one weight.
   Floats LogisticAlone(Floats above, Floats lowest, Floats width) const
   {
      constexpr float kPerBit = 0.69314718f * 0x1p-23f; // the bits of a float are about its logarithm
      const auto perFrequency = width * static_cast<float>(fSlices) / ToFloats<L>(kEscapeStart - fStart);
      const auto p = Between<L>(L::Fma(above, perFrequency, lowest), 2, kSigmaUnit - 2);
      const auto q = kSigmaUnit - p;
      return ToFloats<L>(reinterpret_cast<Ints>(p) - reinterpret_cast<Ints>(q)) * kPerBit;
   }

   /// About the index in whose place a slot is: the place undone, the growth per integer taken from about where it is
   /// in the logistic alone, then one step of Newton's to mend that. Whatever it is, it is one of the range.
   Ints Guess(Ints slot) const
   {
      constexpr auto kPerInteger = static_cast<float>(kIntegerReserve);
      constexpr float kTail = 0x1p-6f; // of t, below which nothing depends on it
      const auto most = ToFloats<L>(fLimit - 1);
      const auto middle = (fCentre + 0.5f) - static_cast<float>(fFirst);
      const auto width = 1.0f / fPerSlice;
      const auto scale = 1.0f / fSteepness;
      const auto lowest = ToFloats<L>(fLowest);
      const auto above = ToFloats<L>(slot - fStart);

      const auto rough = L::Fma(LogisticAlone(above, lowest, width), scale, middle);
      const auto expected = L::Min(L::Max(rough, Splat<L>(0)), most);
      const auto weights = L::Fma(expected, Splat<L>(-kPerInteger), above + 0.5f) * (1.0f / fRatio);
      const Ints slice = SliceOf(Truncated<L>(Between<L>(weights, 0, kMostWeights)));
      const auto left = At(fKnots, slice);
      const auto right = At(fKnots + fPlane, slice);
      // The integral of a density that goes linearly from left to right, undone; beyond the ends the density stays.
      const auto inside = weights - ToFloats<L>(At(fSums, slice));
      const auto bounded = L::Min(L::Max(inside, Splat<L>(0)), left + right);
      const auto density = L::Sqrt(L::Max(L::Fma(bounded, right - left, left * left), Splat<L>(1)));
      const auto fraction = L::Fma(inside - bounded, 0.5f / density, bounded / (left + density));
      const auto position = L::Fma(ToFloats<L>(slice) + fraction, width, lowest);
      const auto wanted = L::Fma(expected, Splat<L>(-static_cast<float>(kGrowth)), position);

      const auto p = Between<L>(wanted, kTail, kSigmaUnit);
      const auto q = Between<L>(kSigmaUnit - wanted, kTail, kSigmaUnit);
      // In frequency: what one unit of t, and what one integer brings.
      const auto perUnit = fRatio * (density * 2.0f) * fPerSlice;
      const auto perInteger = L::Fma(perUnit, Splat<L>(static_cast<float>(kGrowth)), Splat<L>(kPerInteger));
      const auto perFrequency = 1.0f / L::Fma(perUnit * (1.0f / kSigmaUnit) * fSteepness, p * q, perInteger);
      const auto index = L::Fma(LogOfRatio(p, q), scale, middle);
      const auto excess = L::Fma(index - expected, perInteger, perUnit * (p - wanted));
      return Truncated<L>(L::Min(L::Max(index - excess * perFrequency, Splat<L>(0)), most));
   }

   const std::int32_t *fSums;
   const float *fKnots;
   std::size_t fPlane;
   std::int32_t fStride;
   std::size_t fSlices;
   std::int32_t fFirst;
   Ints fLimit;
   Ints fStart;
   Ints fLowest;
   Floats fCentre;
   Floats fSteepness;
   Floats fPerSlice;
   Floats fRatio;
   Ints fLanes;
};

/// The categories of a vector of rows.
template <typename L>
class CategoriesOfRows {
public:
   using Ints = typename L::Ints;

   CategoriesOfRows(const SlicesPlanes &planes, std::size_t row)
      : fStarts(planes.fStarts + row), fStride(static_cast<std::int32_t>(planes.fStride)),
        fCount(static_cast<std::int32_t>(planes.fShape.Categories())), fLanes(LaneNumbers<L>())
   {
   }

   /// Where a category begins; 0 <= index <= count.
   Ints StartOf(Ints index) const
   {
      const Ints isEnd = index == fCount;
      const Ints start = L::Gather(fStarts, (isEnd ? SplatInts<L>(0) : index) * fStride + fLanes);
      return isEnd ? SplatInts<L>(kEscapeStart) : start;
   }

   /// The category in whose place a slot below the escape is.
   Ints Find(Ints slot) const
   {
      Ints index{};
      std::int32_t step = 1;
      while (2 * step < fCount)
         step *= 2;
      for (; step > 0; step /= 2) {
         const Ints next = index + step;
         const Ints isInside = next < fCount;
         const Ints start = L::Gather(fStarts, (isInside ? next : index) * fStride + fLanes);
         index = (isInside & (start <= slot)) ? next : index;
      }
      return index;
   }

private:
   const std::int32_t *fStarts;
   std::int32_t fStride;
   std::int32_t fCount;
   Ints fLanes;
};

template <typename L>
void EncodeSlices(const SlicesPlanes &planes, const Symbol *symbols, std::size_t rows, std::uint32_t *starts,
                  std::uint32_t *frequencies)
{
   using Ints = typename L::Ints;
   const SlicesPlanes local = planes;
   const std::int32_t range = local.fShape.fRange;
   const auto atoms = static_cast<std::int32_t>(local.fShape.fAtoms);
   for (std::size_t row = 0; row < rows; row += L::kLanes) {
      const auto symbol = LoadInts<L>(symbols + row);
      const Ints limit = range > 0 ? LoadInts<L>(local.fLimits + row) : Ints{};
      const Ints isInRange = (symbol >= 0) & (symbol < limit);
      const Ints isAtom = (symbol >= range) & (symbol < range + atoms);
      Ints start = SplatInts<L>(kEscapeStart);
      Ints end = start + kEscapeFrequency;
      if (L::Any(isInRange)) {
         const RangeOfRows<L> integers(local, row);
         const Ints index = isInRange ? symbol : Ints{};
         start = isInRange ? integers.StartOf(index) : start;
         end = isInRange ? integers.StartOf(index + 1) : end;
      }
      if (L::Any(isAtom)) {
         const CategoriesOfRows<L> categories(local, row);
         const Ints index = isAtom ? symbol - range : Ints{};
         start = isAtom ? categories.StartOf(index) : start;
         end = isAtom ? categories.StartOf(index + 1) : end;
      }
      StoreInts<L>(starts + row, start);
      StoreInts<L>(frequencies + row, end - start);
   }
}

template <typename L>
void DecodeSlices(const SlicesPlanes &planes, std::size_t firstRow, const std::uint32_t *slots, Symbol *symbols,
                  std::uint32_t *starts, std::uint32_t *frequencies)
{
   static_assert(kDecodedRows % L::kLanes == 0);
   using Ints = typename L::Ints;
   const SlicesPlanes local = planes;
   const std::int32_t range = local.fShape.fRange;
   for (std::size_t i = 0; i < kDecodedRows; i += L::kLanes) {
      const std::size_t row = firstRow + i;
      const auto slot = LoadInts<L>(slots + i);
      const auto rangeStart = range > 0 ? LoadInts<L>(local.fStarts + local.fShape.fAtoms * local.fStride + row)
                                        : SplatInts<L>(kEscapeStart);
      const Ints isAtom = slot < rangeStart;
      const Ints isInRange = (slot >= rangeStart) & (slot < kEscapeStart);
      Ints symbol = SplatInts<L>(kEscapeSymbol);
      Ints start = SplatInts<L>(kEscapeStart);
      Ints end = start + kEscapeFrequency;
      if (L::Any(isInRange)) {
         Ints from;
         Ints to;
         const Ints index = RangeOfRows<L>(local, row).Find(slot, isInRange, from, to);
         symbol = isInRange ? index : symbol;
         start = isInRange ? from : start;
         end = isInRange ? to : end;
      }
      if (L::Any(isAtom)) {
         const CategoriesOfRows<L> categories(local, row);
         const Ints index = categories.Find(slot);
         symbol = isAtom ? index + range : symbol;
         start = isAtom ? categories.StartOf(index) : start;
         end = isAtom ? categories.StartOf(index + 1) : end;
      }
      StoreInts<L>(symbols + i, symbol);
      StoreInts<L>(starts + i, start);
      StoreInts<L>(frequencies + i, end - start);
   }
}

} // namespace
} // namespace aeplugin::kernels

#endif
