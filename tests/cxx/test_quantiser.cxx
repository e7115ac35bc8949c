#include "testing.hxx"

#include "kernels/kernels.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/quantiser.hxx>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

constexpr auto kAbs = ToleranceKind::kAbs;
constexpr auto kRel = ToleranceKind::kRel;
constexpr double kTolerances[] = {1e-7, 2.5e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.1, 0.3, 0.5};

template <typename T>
using BitsOf = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;

template <typename T>
constexpr ColumnType kTypeOf = std::is_same_v<T, float> ? ColumnType::kFloat32 : ColumnType::kFloat64;

template <typename T>
constexpr int kMantissaBits = std::numeric_limits<T>::digits - 1;

template <typename T>
BitsOf<T> Bits(T value)
{
   BitsOf<T> bits;
   std::memcpy(&bits, &value, sizeof bits);
   return bits;
}

template <typename T>
T FromBits(BitsOf<T> bits)
{
   T value;
   std::memcpy(&value, &bits, sizeof value);
   return value;
}

template <typename T>
struct Encoded {
   std::vector<Grid> fGrid;
   std::vector<std::uint64_t> fExact;
   QuantiserSummary fSummary;
   std::vector<T> fDecoded;
};

/// Values there and back.
template <typename T>
Encoded<T> Convert(const Quantiser &quantiser, const std::vector<T> &values)
{
   Encoded<T> result;
   result.fGrid.resize(values.size());
   result.fDecoded.resize(values.size());
   quantiser.Encode(values.data(), values.size(), result.fGrid.data(), result.fExact, result.fSummary);
   quantiser.Decode(result.fGrid.data(), values.size(), result.fExact, result.fDecoded.data());
   return result;
}

/// Whether `decoded` may stand for `value`.
template <typename T>
bool IsWithin(const Tolerance &tolerance, T value, T decoded)
{
   const double allowed = tolerance.fKind == kAbs ? tolerance.fValue : tolerance.fValue * std::abs(double{value});
   return std::abs(double{decoded} - double{value}) <= allowed;
}

/// Checks every promise about `values` that can be checked from outside; gives the number of special values.
template <typename T>
std::uint64_t CheckPromises(const Tolerance &tolerance, const std::vector<T> &values, const Encoded<T> &got)
{
   std::uint64_t special = 0;
   double worst = 0;
   for (std::size_t i = 0; i < values.size(); ++i) {
      const T x = values[i];
      const T y = got.fDecoded[i];
      if (got.fGrid[i] < -kGridLimit) {
         ++special;
         AreEqual(Bits(y), Bits(x), "bits of a special value");
         continue;
      }
      IsTrue(got.fGrid[i] <= kGridLimit, "on the grid");
      if (!IsWithin(tolerance, x, y))
         testing::Fail("value " + std::to_string(double{x}) + " moved too far", __FILE__, __LINE__);
      if (x != 0 || tolerance.fKind == kAbs) {
         const double error = std::abs(double{y} - double{x});
         worst = std::max(worst, tolerance.fKind == kAbs ? error : error / std::abs(double{x}));
      }
      if (tolerance.fKind == kRel)
         AreEqual(std::signbit(y), std::signbit(x), "sign");
   }
   AreEqual(got.fSummary.fSpecial, special, "special values");
   AreEqual(got.fSummary.fValues, values.size(), "values");
   AreEqual(got.fSummary.fMaxError, worst, "largest error");
   return special;
}

/// Random mantissas and signs with every exponent, denormal numbers, infinities and NaNs among them.
template <typename T>
std::vector<T> Sweep(std::size_t perExponent, std::uint64_t seed)
{
   constexpr std::uint64_t kExponents = std::uint64_t{1} << (8 * sizeof(T) - 1 - kMantissaBits<T>);
   std::mt19937_64 random(seed);
   std::vector<T> values;
   for (std::uint64_t exponent = 0; exponent < kExponents; ++exponent)
      for (std::size_t i = 0; i < perExponent; ++i) {
         const std::uint64_t bits = random();
         const auto mantissa = bits >> (64 - kMantissaBits<T>);
         const auto sign = (bits & 1) << (8 * sizeof(T) - 1);
         values.push_back(FromBits<T>(static_cast<BitsOf<T>>(sign | exponent << kMantissaBits<T> | mantissa)));
      }
   return values;
}

/// Values that programs get wrong.
template <typename T>
std::vector<T> EdgeValues()
{
   using Limits = std::numeric_limits<T>;
   std::vector<T> values = {0,
                            1,
                            static_cast<T>(0.1),
                            3,
                            Limits::denorm_min(),
                            Limits::min(),
                            Limits::max(),
                            Limits::infinity(),
                            Limits::quiet_NaN(),
                            FromBits<T>(static_cast<BitsOf<T>>(Bits(Limits::infinity()) | 0x1234)), // signalling
                            FromBits<T>(static_cast<BitsOf<T>>(Bits(Limits::quiet_NaN()) | 0x4321)),
                            static_cast<T>(0x1p-149),
                            static_cast<T>(0x1p-148),
                            static_cast<T>(FLT_MAX),
                            static_cast<T>(FLT_MIN)};
   if constexpr (std::is_same_v<T, double>)
      values.insert(values.end(), {0x1p128, 0x1p-150, 0x1p-1074, 1e300, 1e-300});
   const std::size_t positive = values.size();
   for (std::size_t i = 0; i < positive; ++i)
      values.push_back(-values[i]);
   for (std::size_t i = 0; i < 2 * positive; ++i)
      if (std::isfinite(values[i])) {
         values.push_back(std::nextafter(values[i], Limits::infinity()));
         values.push_back(std::nextafter(values[i], -Limits::infinity()));
      }
   return values;
}

/// Around the middles between grid points and at the ends of the grid, a few units in the last place to either side.
template <typename T>
std::vector<T> GridEdges(const Quantiser &quantiser)
{
   std::vector<Grid> grid;
   for (const Grid g : {1, 2, 3, 10, 1000, 12345, 1 << 20, kGridLimit - 1, kGridLimit})
      grid.insert(grid.end(), {g, -g});
   std::vector<double> points(grid.size());
   quantiser.Value(grid.data(), grid.size(), points.data());
   const auto &tolerance = quantiser.GetTolerance();
   std::vector<T> values;
   for (const double point : points)
      for (const double sign : {-1., 1.}) {
         const double edge =
            tolerance.fKind == kAbs ? point + sign * tolerance.fValue : point * std::pow(1 + tolerance.fValue, sign);
         if (std::abs(edge) > double{std::numeric_limits<T>::max()})
            continue;
         const T value = static_cast<T>(edge);
         values.insert(values.end(), {value, std::nextafter(value, T{0}), std::nextafter(value, 2 * value)});
      }
   return values;
}

/// Calls `check(quantiser)` for all tolerances of both kinds.
template <typename T, typename Check>
void ForTolerances(Check &&check, const std::vector<double> &sentinels = {}, const std::string &instructionSet = "")
{
   for (const auto kind : {kAbs, kRel})
      for (const double value : kTolerances)
         check(Quantiser({kind, value}, kTypeOf<T>, sentinels, instructionSet));
}

template <typename T>
void TestPromises()
{
   auto values = Sweep<T>(std::is_same_v<T, float> ? 200 : 25, 1);
   const auto edges = EdgeValues<T>();
   values.insert(values.end(), edges.begin(), edges.end());
   ForTolerances<T>([&](const Quantiser &quantiser) {
      CheckPromises(quantiser.GetTolerance(), values, Convert(quantiser, values));
      const auto more = GridEdges<T>(quantiser);
      CheckPromises(quantiser.GetTolerance(), more, Convert(quantiser, more));
   });
}

/// Bits of the values that must be special are; those that need not be are not.
void TestSpecialValues()
{
   const float nan = FromBits<float>(0x7fc12345);
   const float infinity = std::numeric_limits<float>::infinity();
   const std::vector<float> values = {0.f, -0.f, 1.f, nan, -nan, infinity, -infinity, FLT_MAX, -FLT_MAX, 0x1p-149f};
   const Quantiser relative({kRel, 0.02}, ColumnType::kFloat32);
   const auto rel = Convert(relative, values);
   AreEqual(rel.fExact.size(), std::size_t{5}, "negative zero, NaNs, infinities");
   AreEqual(rel.fExact[0], std::uint64_t{0x80000000}, "negative zero");
   AreEqual(rel.fExact[1], std::uint64_t{0x7fc12345}, "NaN");
   AreEqual(rel.fGrid[0], 0, "zero");
   AreEqual(rel.fGrid[2] > 0, true, "one");
   AreEqual(rel.fGrid[8], -rel.fGrid[7], "the sign is kept");
   AreEqual(rel.fGrid[9], 1, "the smallest float");
   AreEqual(Bits(rel.fDecoded[0]), 0u, "zero");
   AreEqual(Bits(rel.fDecoded[1]), 0x80000000u, "negative zero");

   const Quantiser absolute({kAbs, 0.5}, ColumnType::kFloat32);
   const auto abs = Convert(absolute, values);
   AreEqual(abs.fExact.size(), std::size_t{6}, "NaNs, infinities, what is off the grid");
   AreEqual(abs.fGrid[1], 0, "negative zero");
   AreEqual(Bits(abs.fDecoded[1]), 0u, "negative zero");
   AreEqual(abs.fGrid[2], 1, "one");

   // The last point of the grid, and what comes after it.
   const Quantiser wide({kAbs, 0.5}, ColumnType::kFloat64);
   const auto ends = Convert<double>(wide, {double{kGridLimit}, double{-kGridLimit}, double{kGridLimit} + 1,
                                            -double{kGridLimit} - 1, 2147483648., -2147483648., 1e300});
   const std::vector<Grid> expected = {kGridLimit, -kGridLimit, kExactMark, kExactMark,
                                       kExactMark, kExactMark,  kExactMark};
   IsTrue(ends.fGrid == expected, "the ends of the grid");

   // Tolerances that no grid can keep: everything that has no grid integer is kept exactly.
   for (const double tiny : {1e-9, 1e-12, 1e-16, 1e-17, 5e-324}) {
      const auto sweep = Sweep<double>(3, 2);
      const Quantiser quantiser({kAbs, tiny}, ColumnType::kFloat64);
      CheckPromises(quantiser.GetTolerance(), sweep, Convert(quantiser, sweep));
   }
}

template <typename T>
void TestSentinels()
{
   const T nan = FromBits<T>(static_cast<BitsOf<T>>(Bits(std::numeric_limits<T>::quiet_NaN()) | 77));
   const std::vector<double> sentinels = {-999, 0.1, double{nan}, -0.0, 1e-45};
   std::vector<T> values;
   std::vector<Grid> marks;
   for (std::size_t i = 0; i < 5000; ++i) {
      const auto k = i % 7;
      values.push_back(k < sentinels.size() ? static_cast<T>(sentinels[k]) : static_cast<T>(i) + T(0.5));
      marks.push_back(k < sentinels.size() ? kSentinelMark + static_cast<Grid>(k) : 0);
   }
   values.push_back(std::nextafter(T{-999}, T{0}));
   marks.push_back(0);
   ForTolerances<T>(
      [&](const Quantiser &quantiser) {
         const auto got = Convert(quantiser, values);
         CheckPromises(quantiser.GetTolerance(), values, got);
         for (std::size_t i = 0; i < values.size(); ++i)
            if (marks[i] != 0)
               AreEqual(got.fGrid[i], marks[i], "mark of a sentinel");
            else
               IsTrue(got.fGrid[i] == kExactMark || got.fGrid[i] >= -kGridLimit, "no sentinel");
      },
      sentinels);
}

/// What was decoded is encoded to the same grid integers.
template <typename T>
void TestIdempotence()
{
   const auto values = Sweep<T>(std::is_same_v<T, float> ? 100 : 15, 3);
   ForTolerances<T>([&](const Quantiser &quantiser) {
      const auto once = Convert(quantiser, values);
      const auto twice = Convert(quantiser, once.fDecoded);
      for (std::size_t i = 0; i < values.size(); ++i)
         AreEqual(twice.fGrid[i], once.fGrid[i], "the grid integer of " + std::to_string(double{values[i]}));
      IsTrue(once.fExact == twice.fExact, "exact values");
   });
}

/// Number and kind of special values that rounding to float causes; printed, because docs/format.md quotes it.
void TestRoundingCosts()
{
   std::mt19937_64 random(4);
   std::vector<float> values(200000);
   for (float &value : values)
      value = static_cast<float>(std::exp(11 + 2 * (static_cast<double>(random() >> 11) * 0x1p-52 - 1)));
   for (const double tolerance : {1e-6, 1e-5, 1e-3, 0.02}) {
      const auto got = Convert(Quantiser({kRel, tolerance}, ColumnType::kFloat32), values);
      AreEqual(got.fSummary.fSpecial, std::uint64_t{0}, "special values at rel " + std::to_string(tolerance));
   }
   for (float &value : values)
      value = static_cast<float>(6 * (static_cast<double>(random() >> 11) * 0x1p-53) - 3);
   const auto got = Convert(Quantiser({kAbs, 0.01}, ColumnType::kFloat32), values);
   IsTrue(got.fSummary.fSpecial < values.size() / 50000, "special values at abs 0.01");
}

template <typename T>
bool Same(const Encoded<T> &a, const Encoded<T> &b)
{
   return a.fGrid == b.fGrid && a.fExact == b.fExact && a.fSummary.fSpecial == b.fSummary.fSpecial &&
          a.fSummary.fMaxError == b.fSummary.fMaxError &&
          std::memcmp(a.fDecoded.data(), b.fDecoded.data(), a.fDecoded.size() * sizeof(T)) == 0;
}

/// Value and Nearest as one list of bits.
std::vector<std::uint64_t> Predict(const Quantiser &quantiser, const std::vector<Grid> &grid,
                                   const std::vector<double> &values)
{
   std::vector<double> points(grid.size());
   std::vector<Grid> nearest(values.size());
   quantiser.Value(grid.data(), grid.size(), points.data());
   quantiser.Nearest(values.data(), values.size(), 7, nearest.data());
   std::vector<std::uint64_t> bits(nearest.begin(), nearest.end());
   for (const double point : points)
      bits.push_back(std::isnan(point) ? 0 : Bits(point));
   return bits;
}

template <typename T>
void TestInstructionSets()
{
   auto values = Sweep<T>(std::is_same_v<T, float> ? 50 : 6, 5);
   const auto edges = EdgeValues<T>();
   values.insert(values.end(), edges.begin(), edges.end());
   const std::vector<double> wide(values.begin(), values.end());
   for (const auto &name : kernels::InstructionSets())
      ForTolerances<T>(
         [&](const Quantiser &quantiser) {
            const Quantiser generic(quantiser.GetTolerance(), kTypeOf<T>, {-999}, "generic");
            const auto got = Convert(quantiser, values);
            IsTrue(Same(got, Convert(generic, values)), name + " agrees with generic");
            IsTrue(Predict(quantiser, got.fGrid, wide) == Predict(generic, got.fGrid, wide), name + " predicts alike");
         },
         {-999}, name);
}

/// Values are independent of each other: any cut of the input gives the same.
void TestBatches()
{
   const auto values = Sweep<float>(20, 6);
   const Quantiser quantiser({kRel, 0.02}, ColumnType::kFloat32);
   const auto whole = Convert(quantiser, values);
   for (const std::size_t batch : {1u, 3u, 16u, 17u, 1000u, 1023u, 1024u, 1025u, 4000u}) {
      Encoded<float> parts;
      parts.fGrid.resize(values.size());
      for (std::size_t i = 0; i < values.size(); i += batch) {
         const auto size = std::min(batch, values.size() - i);
         quantiser.Encode(values.data() + i, size, parts.fGrid.data() + i, parts.fExact, parts.fSummary);
      }
      parts.fDecoded.resize(values.size());
      quantiser.Decode(parts.fGrid.data(), values.size(), parts.fExact, parts.fDecoded.data());
      IsTrue(Same(parts, whole), "batches of " + std::to_string(batch));
      AreEqual(parts.fSummary.fValues, whole.fSummary.fValues, "values");
   }
}

#if defined(__x86_64__)
/// What the host program set makes no difference, and is as it was afterwards.
void TestHostModes()
{
   constexpr unsigned kDefault = 0x1f80;
   constexpr unsigned kFlushToZero = 0x8040; // and denormals are zero
   constexpr unsigned kRoundUp = 0x4000;
   constexpr unsigned kRoundDown = 0x2000;
   auto values = Sweep<float>(10, 7);
   const auto edges = EdgeValues<float>();
   values.insert(values.end(), edges.begin(), edges.end());
   std::vector<double> wide(edges.begin(), edges.end());
   wide.insert(wide.end(), {1e-310, 1e300, 0.3});
   for (const auto kind : {kAbs, kRel})
      for (const double tolerance : {1e-6, 1e-3, 0.02}) {
         const Quantiser expected({kind, tolerance}, ColumnType::kFloat32, {1e-45});
         const auto encoded = Convert(expected, values);
         const auto predicted = Predict(expected, encoded.fGrid, wide);
         for (const unsigned mode : {kFlushToZero, kRoundUp, kRoundDown, kFlushToZero | kRoundUp}) {
            _mm_setcsr(kDefault | mode);
            const Quantiser quantiser({kind, tolerance}, ColumnType::kFloat32, {1e-45});
            const auto got = Convert(quantiser, values);
            const auto prediction = Predict(quantiser, got.fGrid, wide);
            const unsigned after = _mm_getcsr() & 0xffc0;
            _mm_setcsr(kDefault);
            AreEqual(after, (kDefault | mode) & 0xffc0, "the host's mode");
            IsTrue(Same(got, encoded), "the same values in mode " + std::to_string(mode));
            IsTrue(prediction == predicted, "the same predictions in mode " + std::to_string(mode));
         }
      }
}
#endif

void TestNearestAndValue()
{
   const double infinity = std::numeric_limits<double>::infinity();
   const double nan = std::numeric_limits<double>::quiet_NaN();
   const Quantiser absolute({kAbs, 0.5}, ColumnType::kFloat32);
   const std::vector<double> values = {0, -0.0, 2.4, -2.6, 2.5, 3.5, infinity, -infinity, nan, 1e10, -1e300};
   std::vector<Grid> grid(values.size());
   absolute.Nearest(values.data(), values.size(), 42, grid.data());
   IsTrue(grid == std::vector<Grid>{0, 0, 2, -3, 2, 4, 42, 42, 42, 42, 42}, "nearest, ties to even");

   const Quantiser relative({kRel, 0.02}, ColumnType::kFloat32);
   const std::vector<double> sizes = {0, -0.0, 1, -1, infinity, nan, 0x1p129, 0x1p-151, 0x1p-149};
   grid.resize(sizes.size());
   relative.Nearest(sizes.data(), sizes.size(), -5, grid.data());
   IsTrue(grid == std::vector<Grid>{0, 0, grid[2], -grid[2], -5, -5, -5, -5, 1}, "nearest of sizes");

   const std::vector<Grid> points = {0, grid[2], -grid[2], kExactMark, kSentinelMark, -kGridLimit - 1};
   std::vector<double> back(points.size());
   relative.Value(points.data(), points.size(), back.data());
   AreEqual(Bits(back[0]), std::uint64_t{0}, "zero");
   AreEqual(back[1], 1., "one"); // e^0
   AreEqual(back[2], -1., "minus one");
   for (std::size_t i = 3; i < back.size(); ++i)
      IsTrue(std::isnan(back[i]), "marks are no numbers");
}

void TestErrors()
{
   const auto make = [](ToleranceKind kind, double value) { return Quantiser({kind, value}, ColumnType::kFloat32); };
   Throws<RecipeError>([&] { make(ToleranceKind::kExact, 0); }, "exactly");
   for (const double bad :
        {0., -1., std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), DBL_MAX}) {
      Throws<RecipeError>([&] { make(kAbs, bad); }, "an abs tolerance of");
      Throws<RecipeError>([&] { make(kRel, bad); }, "below 1");
   }
   Throws<RecipeError>([&] { make(kRel, 1); }, "a rel tolerance of 1 ");
   Throws<RecipeError>([&] { make(kRel, 8e-8); }, "at least 9e-8");
   Throws<RecipeError>([] { Quantiser({kAbs, 1}, ColumnType::kInt32); }, "float32 and float64");
   Throws<RecipeError>([] { Quantiser({kAbs, 1}, ColumnType::kFloat32, std::vector<double>(17)); }, "at most 16");
   Throws<RecipeError>([] { Quantiser({kAbs, 1}, ColumnType::kFloat32, {-999, 0.1, 0.1 + 1e-12}); }, "twice");
   Quantiser({kAbs, 1}, ColumnType::kFloat64, {-999, 0.1, 0.1 + 1e-12, 0., -0.});
   Throws<CompatibilityError>([] { Quantiser({kAbs, 1}, ColumnType::kFloat32, {}, "mmx"); }, "mmx");

   const Quantiser quantiser({kAbs, 0.5}, ColumnType::kFloat32, {-999, -1});
   double wide = 0;
   Grid none = 0;
   std::vector<std::uint64_t> exact;
   QuantiserSummary summary;
   Throws<InputError>([&] { quantiser.Encode(&wide, 1, &none, exact, summary); }, "given values of float64");
   Throws<InputError>([&] { quantiser.Decode(&none, 1, exact, &wide); }, "of float32 values");

   const auto decode = [&](std::vector<Grid> grid, const std::vector<std::uint64_t> &bits) {
      std::vector<float> values(grid.size());
      quantiser.Decode(grid.data(), grid.size(), bits, values.data());
      return values;
   };
   AreEqual(decode({5, kSentinelMark + 1, kExactMark, kSentinelMark}, {0x40490fdb})[2], 3.14159274f, "exact");
   Throws<CorruptionError>([&] { decode({1, kSentinelMark + 2}, {}); }, "at position 1");
   Throws<CorruptionError>([&] { decode({kGridLimit + 1}, {}); }, "1073741824");
   Throws<CorruptionError>([&] { decode({-kGridLimit - 1}, {}); }, "2 sentinels");
   Throws<CorruptionError>([&] { decode({INT32_MAX}, {}); }, "neither on the grid");
   Throws<CorruptionError>([&] { decode({kExactMark, kExactMark}, {1}); }, "more exactly kept values than the 1");
   Throws<CorruptionError>([&] { decode({kExactMark}, {1, 2}); }, "of 2 exactly kept values only 1");
   Throws<CorruptionError>([&] { decode({}, {1}); }, "only 0");
   IsTrue(decode({}, {}).empty(), "nothing");
}

/// Any grid integers that are no marks decode to something: readers meet damaged files.
void TestHostileGrids()
{
   std::vector<Grid> grid;
   for (Grid g = -kGridLimit; g < kGridLimit - (1 << 19); g += 1 << 19)
      grid.push_back(g);
   grid.push_back(kGridLimit);
   ForTolerances<float>([&](const Quantiser &quantiser) {
      std::vector<float> values(grid.size());
      quantiser.Decode(grid.data(), grid.size(), {}, values.data());
      IsTrue(std::none_of(values.begin(), values.end(), [](float x) { return std::isnan(x); }), "no NaN");
   });
}

/// Fowler, Noll and Vo's checksum.
template <typename T>
std::uint64_t Checksum(const std::vector<T> &values, std::uint64_t sum = 0xcbf29ce484222325)
{
   const auto *bytes = reinterpret_cast<const unsigned char *>(values.data());
   for (std::size_t i = 0; i < values.size() * sizeof(T); ++i)
      sum = (sum ^ bytes[i]) * 0x100000001b3;
   return sum;
}

template <typename T>
std::uint64_t ChecksumOfSweep(ToleranceKind kind)
{
   auto values = Sweep<T>(40, 8);
   std::replace_if(values.begin(), values.end(), [](T x) { return std::isnan(x); }, T{-999});
   std::uint64_t sum = Checksum<char>({});
   for (const double tolerance : {1e-6, 1e-3, 0.02, 0.5}) {
      const auto got = Convert(Quantiser({kind, tolerance}, kTypeOf<T>, {-999}), values);
      sum = Checksum(got.fDecoded, Checksum(got.fExact, Checksum(got.fGrid, sum)));
   }
   return sum;
}

/// A change of these is a change of the format: files that are written already would decode to other values.
void TestGolden()
{
   AreEqual(ChecksumOfSweep<float>(kAbs), std::uint64_t{15194365792048616867u}, "abs, float32");
   AreEqual(ChecksumOfSweep<float>(kRel), std::uint64_t{7742502466079227491u}, "rel, float32");
   AreEqual(ChecksumOfSweep<double>(kAbs), std::uint64_t{15698927370004684060u}, "abs, float64");
   AreEqual(ChecksumOfSweep<double>(kRel), std::uint64_t{850408489526319370u}, "rel, float64");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("every float32 keeps its bound", TestPromises<float>);
   suite.Case("every float64 keeps its bound", TestPromises<double>);
   suite.Case("special values", TestSpecialValues);
   suite.Case("sentinels, float32", TestSentinels<float>);
   suite.Case("sentinels, float64", TestSentinels<double>);
   suite.Case("encoding again changes nothing, float32", TestIdempotence<float>);
   suite.Case("encoding again changes nothing, float64", TestIdempotence<double>);
   suite.Case("rounding to float makes few values special", TestRoundingCosts);
   suite.Case("instruction sets agree, float32", TestInstructionSets<float>);
   suite.Case("instruction sets agree, float64", TestInstructionSets<double>);
   suite.Case("batches", TestBatches);
#if defined(__x86_64__)
   suite.Case("the host's floating-point modes", TestHostModes);
#endif
   suite.Case("nearest and value", TestNearestAndValue);
   suite.Case("errors", TestErrors);
   suite.Case("hostile grid integers", TestHostileGrids);
   suite.Case("golden checksums", TestGolden);
   return suite.ExitCode();
}
