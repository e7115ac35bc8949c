#ifndef AEPLUGIN_KERNELS_ELEMENTARY_DOUBLE_HXX
#define AEPLUGIN_KERNELS_ELEMENTARY_DOUBLE_HXX

#include <cstdint>

// Elementary functions in double precision on vectors of lanes (see elementary.hxx). Plain products and sums in the
// order written, nothing fused: every CPU has those, and they round alike everywhere.
namespace aeplugin::kernels {
namespace {

/// Adding this rounds to the nearest integer, ties to even, and leaves it in the low bits; exact below 2^51.
constexpr double kRoundDoubles = 6755399441055744.0; // 1.5 * 2^52
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
constexpr double kInfinity = __builtin_inf();
constexpr double kNaN = __builtin_nan("");

/// ln 2 in two parts: the first has 20 zeros at its end, so its product with an exponent is exact.
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

template <typename L>
inline typename L::Doubles All(double value)
{
   return value - typename L::Doubles{};
}

template <typename L>
inline typename L::Bits BitsOf(typename L::Doubles x)
{
   return reinterpret_cast<typename L::Bits>(x);
}

template <typename L>
inline typename L::Doubles FromBits(typename L::Bits bits)
{
   return reinterpret_cast<typename L::Doubles>(bits);
}

template <typename L>
inline typename L::Doubles Abs(typename L::Doubles x)
{
   return FromBits<L>(BitsOf<L>(x) & ~kSignBit);
}

/// The size of `x` (which has no sign) with the sign of `sign`.
template <typename L>
inline typename L::Doubles WithSign(typename L::Doubles x, typename L::Doubles sign)
{
   return FromBits<L>(BitsOf<L>(x) | (BitsOf<L>(sign) & kSignBit));
}

template <typename L>
inline typename L::Doubles Round(typename L::Doubles x)
{
   return (x + kRoundDoubles) - kRoundDoubles;
}

/// Within [low, high]; a NaN stays one.
template <typename L>
inline typename L::Doubles Within(typename L::Doubles x, double low, double high)
{
   x = x < low ? All<L>(low) : x;
   return x > high ? All<L>(high) : x;
}

/// c[0] + c[1] x + c[2] x^2 + ..., the highest power first.
template <typename L, std::size_t N>
inline typename L::Doubles Polynomial(const double (&c)[N], typename L::Doubles x)
{
   auto sum = All<L>(c[N - 1]);
   for (std::size_t i = N - 1; i-- > 0;)
      sum = sum * x + c[i];
   return sum;
}

/// 2^n for integers -1022 <= n <= 1023, given n + kRoundDoubles.
template <typename L>
inline typename L::Doubles PowerOfTwo(typename L::Doubles rounded)
{
   return FromBits<L>((BitsOf<L>(rounded) + 1023) << 52);
}

/// e^r for r = x - n ln 2 by its Taylor series: |r| <= ln(2) / 2, where 13 powers leave 1e-17.
template <typename L>
inline typename L::Doubles ExpReduced(typename L::Doubles x, typename L::Doubles n)
{
   static constexpr double kFactorials[] = {
      1.,        1.,         1. / 2,      1. / 6,       1. / 24,       1. / 120,       1. / 720,
      1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
   return Polynomial<L>(kFactorials, (x - n * kLn2High) - n * kLn2Low);
}

constexpr double kLog2e = 1.44269504088896338700;

/// e^x where it is a normal number: arguments are brought into [-700, 700].
template <typename L>
inline typename L::Doubles ExpNormal(typename L::Doubles x)
{
   x = Within<L>(x, -700, 700);
   const auto rounded = x * kLog2e + kRoundDoubles;
   return ExpReduced<L>(x, rounded - kRoundDoubles) * PowerOfTwo<L>(rounded);
}

/// e^x; overflows to infinity, underflows to zero, a NaN stays one.
template <typename L>
inline typename L::Doubles Exp(typename L::Doubles x)
{
   const auto bounded = Within<L>(x, -746, 710);
   const auto n = Round<L>(bounded * kLog2e);
   // Two factors, because 2^n alone may be no normal number where the result is one.
   const auto half = n * 0.5 + kRoundDoubles;
   const auto rest = (n - (half - kRoundDoubles)) + kRoundDoubles;
   const auto result = ExpReduced<L>(bounded, n) * PowerOfTwo<L>(half) * PowerOfTwo<L>(rest);
   return x != x ? x : result;
}

/// ln x of normal positive numbers: x = 2^e m with m = 1 + f in [sqrt(1/2), sqrt(2)), and with s = f / (2 + f)
/// ln m = f - (f^2/2 - s (f^2/2 + R)), R = 2 s^2 (1/3 + s^2/5 + ...); s^2 <= 0.0295, where ten terms leave 1e-17.
/// The exact f leads the sum, so that the result keeps its relative precision around 1.
template <typename L>
inline typename L::Doubles LogNormal(typename L::Doubles x)
{
   constexpr std::uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
   constexpr std::uint64_t kOne = 0x3ff0000000000000;
   // Counting from the bits of sqrt(1/2), with the exponent's bias put back so that nothing is negative.
   const auto counted = BitsOf<L>(x) - kSqrtHalf + kOne;
   const auto m = FromBits<L>((counted & 0x000fffffffffffff) + kSqrtHalf);
   const auto e = FromBits<L>((counted >> 52) | 0x4330000000000000) - (4503599627370496.0 + 1023);

   static constexpr double kSeries[] = {2. / 3,  2. / 5,  2. / 7,  2. / 9,  2. / 11,
                                        2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21};
   const auto f = m - 1.0;
   const auto s = f / (f + 2.0);
   const auto z = s * s;
   const auto series = Polynomial<L>(kSeries, z) * z;
   const auto square = f * f * 0.5;
   return e * kLn2High - ((square - (s * (square + series) + e * kLn2Low)) - f);
}

/// ln x; minus infinity at zero, NaN below.
template <typename L>
inline typename L::Doubles Log(typename L::Doubles x)
{
   constexpr double kSmallestNormal = 2.2250738585072014e-308;
   const auto small = x < kSmallestNormal;
   const auto scaled = small ? x * 18014398509481984.0 : x; // 2^54
   auto result = LogNormal<L>(scaled) - (small ? All<L>(54 * 6.93147180559945309417e-01) : All<L>(0));
   result = x == 0 ? All<L>(-kInfinity) : result;
   result = x == kInfinity ? x : result;
   return x >= 0 ? result : All<L>(kNaN);
}

/// x - n pi/2 in [-pi/4, pi/4] by Cody and Waite: the parts of pi/2 have 33 bits, so their products with n are exact.
template <typename L>
struct Quadrant {
   typename L::Doubles fAngle;
   typename L::Bits fNumber; ///< n; its lowest two bits count

   explicit Quadrant(typename L::Doubles x)
   {
      x = Within<L>(x, -1e5, 1e5);
      const auto rounded = x * 6.36619772367581382433e-01 + kRoundDoubles;
      const auto n = rounded - kRoundDoubles;
      fAngle = ((x - n * 1.57079632673412561417e+00) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21;
      fNumber = BitsOf<L>(rounded);
   }
};

/// The sine at the angle plus `quarters` quarter turns.
template <typename L>
inline typename L::Doubles SineOf(const Quadrant<L> &quadrant, std::uint64_t quarters)
{
   static constexpr double kSine[] = {-1. / 6,         1. / 120,         -1. / 5040,           1. / 362880,
                                      -1. / 39916800., 1. / 6227020800., -1. / 1307674368000., 1. / 355687428096000.};
   static constexpr double kCosine[] = {-1. / 2,       1. / 24,         -1. / 720,          1. / 40320,
                                        -1. / 3628800, 1. / 479001600., -1. / 87178291200., 1. / 20922789888000.};
   const auto r = quadrant.fAngle;
   const auto z = r * r;
   const auto sine = r + r * (z * Polynomial<L>(kSine, z));
   const auto cosine = z * Polynomial<L>(kCosine, z) + 1.0;
   const auto number = quadrant.fNumber + quarters;
   const auto result = (number & 1) != 0 ? cosine : sine;
   return FromBits<L>(BitsOf<L>(result) ^ ((number & 2) << 62));
}

template <typename L>
inline typename L::Doubles Sin(typename L::Doubles x)
{
   return Abs<L>(x) < kInfinity ? SineOf<L>(Quadrant<L>(x), 0) : All<L>(kNaN);
}

template <typename L>
inline typename L::Doubles Cos(typename L::Doubles x)
{
   return Abs<L>(x) < kInfinity ? SineOf<L>(Quadrant<L>(x), 1) : All<L>(kNaN);
}

/// Overflows with e^|x|, a little before the function itself would.
template <typename L>
inline typename L::Doubles Cosh(typename L::Doubles x)
{
   const auto e = Exp<L>(Abs<L>(x));
   return (e + 1.0 / e) * 0.5;
}

/// Likewise; below 1, where the difference would lose digits, by the Taylor series.
template <typename L>
inline typename L::Doubles Sinh(typename L::Doubles x)
{
   static constexpr double kSeries[] = {1. / 6,        1. / 120,         1. / 5040,           1. / 362880,
                                        1. / 39916800, 1. / 6227020800., 1. / 1307674368000., 1. / 355687428096000.};
   const auto size = Abs<L>(x);
   const auto e = Exp<L>(size);
   const auto z = x * x;
   const auto series = x + x * (z * Polynomial<L>(kSeries, z));
   return size < 1.0 ? series : WithSign<L>((e - 1.0 / e) * 0.5, x);
}

/// atan x for |x| <= tan(pi / 8), by the polynomial of FreeBSD's s_atan.c, which holds up to 7 / 16.
template <typename L>
inline typename L::Doubles AtanReduced(typename L::Doubles x)
{
   static constexpr double kSeries[] = {
      3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01, -1.11111104054623557880e-01,
      9.09088713343650656196e-02, -7.69187620504482999495e-02, 6.66107313738753120669e-02, -5.83357013379057348645e-02,
      4.97687799461593236017e-02, -3.65315727442169155270e-02, 1.62858201153657823623e-02};
   const auto z = x * x;
   return x - x * (z * Polynomial<L>(kSeries, z));
}

/// The angle of the point (x, y), from -pi to pi, with an error below 3 units in the last place; 0 at the origin.
/// Infinity counts as the largest number; a NaN gives one.
template <typename L>
inline typename L::Doubles Atan2(typename L::Doubles y, typename L::Doubles x)
{
   constexpr double kLargest = 1.7976931348623157e308;
   constexpr double kPiHigh = 3.14159265358979311600e+00;
   constexpr double kPiLow = 1.22464679914735317636e-16;
   const auto height = Abs<L>(Within<L>(y, -kLargest, kLargest));
   const auto width = Abs<L>(Within<L>(x, -kLargest, kLargest));
   const auto steep = height > width;
   const auto larger = steep ? height : width;
   const auto ratio = larger == 0 ? larger : (steep ? width : height) / larger;
   // atan r = pi / 4 + atan((r - 1) / (r + 1))
   const auto far = ratio > 0.41421356237309503;
   const auto reduced = AtanReduced<L>(far ? (ratio - 1.0) / (ratio + 1.0) : ratio);
   auto angle = far ? kPiHigh / 4 + (reduced + kPiLow / 4) : reduced;
   angle = steep ? kPiHigh / 2 - (angle - kPiLow / 2) : angle;
   angle = x < 0 ? kPiHigh - (angle - kPiLow) : angle;
   angle = x == x ? angle : x;
   return y == y ? WithSign<L>(angle, y) : y;
}

} // namespace
} // namespace aeplugin::kernels

#endif
