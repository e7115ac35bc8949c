#ifndef AEPLUGIN_KERNELS_ELEMENTARY_HXX
#define AEPLUGIN_KERNELS_ELEMENTARY_HXX

#include <cstring>

// Elementary functions on vectors of lanes. `L` is an instruction set's description of its lanes (see generic.cxx);
// `L::Floats` and `L::Ints` are GCC vector types, so that everything but the fused multiply-add is plain arithmetic
// that rounds alike everywhere.
namespace aeplugin::kernels {
namespace {

template <typename L>
inline typename L::Floats Splat(float value)
{
   return value - typename L::Floats{};
}

template <typename L>
inline typename L::Floats Load(const float *from)
{
   typename L::Floats value;
   std::memcpy(&value, from, sizeof value);
   return value;
}

template <typename L>
inline void Store(float *to, typename L::Floats value)
{
   std::memcpy(to, &value, sizeof value);
}

template <typename L>
inline typename L::Floats Clamp(typename L::Floats x, float low, float high)
{
   x = x < low ? Splat<L>(low) : x;
   return x > high ? Splat<L>(high) : x;
}

/// tanh by a rational function x P(x^2) / Q(x^2), a minimax fit on |x| <= 8.3, beyond which float tanh is 1;
/// absolute and relative error below 3.1e-7, so it may exceed 1 by one unit in the last place. A NaN stays one.
template <typename L>
inline typename L::Floats Tanh(typename L::Floats x)
{
   x = Clamp<L>(x, -8.3f, 8.3f);
   const auto z = x * x;
   auto p = Splat<L>(1.4478796353823358e-08f);
   p = L::Fma(p, z, Splat<L>(2.1382311007084418e-05f));
   p = L::Fma(p, z, Splat<L>(3.541279234497501e-03f));
   p = L::Fma(p, z, Splat<L>(1.3419136139376694e-01f));
   p = L::Fma(p, z, Splat<L>(9.999999569068961e-01f));
   auto q = Splat<L>(8.224698291607879e-07f);
   q = L::Fma(q, z, Splat<L>(3.36121357486893e-04f));
   q = L::Fma(q, z, Splat<L>(2.604966252204316e-02f));
   q = L::Fma(q, z, Splat<L>(4.6752451841949383e-01f));
   q = L::Fma(q, z, Splat<L>(1.0f));
   return x * p / q;
}

/// log10 of normal positive floats: x = 2^e m with m in [sqrt(1/2), sqrt(2)), log10 m = 2 s / ln 10 (1 + s^2/3 + ...)
/// with s = (m - 1) / (m + 1). Error below 3.2 units in the last place, and below 1e-8 for x from 0.9 to 1.1.
/// Smaller arguments count as the smallest normal float, infinity as the largest; a NaN stays one.
template <typename L>
inline typename L::Floats Log10(typename L::Floats x)
{
   using Ints = typename L::Ints;
   x = Clamp<L>(x, 1.17549435e-38f, 3.40282347e+38f);
   const auto bits = reinterpret_cast<Ints>(x);
   // Subtracting the bits of sqrt(1/2) makes the exponent field count from there.
   const Ints exponent = (bits - 0x3f3504f3) >> 23;
   const auto m = reinterpret_cast<typename L::Floats>(bits - (exponent << 23));
   const auto e = __builtin_convertvector(exponent, typename L::Floats);

   const auto s = (m - 1.0f) / (m + 1.0f);
   const auto z = s * s;
   // 2/ln(10) / (2k + 1), highest power first; z is at most 0.0295, so five terms reach float precision.
   auto series = Splat<L>(0.09650988f);
   series = L::Fma(series, z, Splat<L>(0.12408414f));
   series = L::Fma(series, z, Splat<L>(0.17371780f));
   series = L::Fma(series, z, Splat<L>(0.28952965f));
   const auto logMantissa = L::Fma(series * z, s, s * 0.86858896f);
   // log10(2) in two parts: the first has few bits, so its product with the exponent is exact.
   constexpr float kLog2High = 0.30102539f;
   constexpr float kLog2Low = 4.6050390e-06f;
   const auto result = L::Fma(e, Splat<L>(kLog2High), L::Fma(e, Splat<L>(kLog2Low), logMantissa));
   return x != x ? x : result; // the bits of a NaN would have passed for those of a large number
}

/// p 2^n; in two factors, because 2^n alone may be no normal float where the result is one.
template <typename L>
inline typename L::Floats Scale(typename L::Floats p, typename L::Floats n)
{
   using Ints = typename L::Ints;
   const Ints exponent = __builtin_convertvector(n, Ints);
   const Ints half = exponent >> 1;
   const auto powerOfTwo = [](Ints k) { return reinterpret_cast<typename L::Floats>((k + 127) << 23); };
   return p * powerOfTwo(half) * powerOfTwo(exponent - half);
}

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
constexpr float kRoundFloats = 12582912.0f;

/// 10^x = 2^n 10^r with |r| <= log10(2) / 2. Relative error below 1e-7 where the result is a normal float,
/// and one more rounding below; a NaN stays one.
template <typename L>
inline typename L::Floats Exp10(typename L::Floats x)
{
   x = Clamp<L>(x, -46.0f, 39.0f);
   const auto n = L::Fma(x, Splat<L>(3.3219281f), Splat<L>(kRoundFloats)) - kRoundFloats;
   auto r = L::Fma(n, Splat<L>(-0.30102539f), x);
   r = L::Fma(n, Splat<L>(-4.6050390e-06f), r);
   // ln(10)^k / k!, highest power first
   auto p = Splat<L>(0.068089365f);
   p = L::Fma(p, r, Splat<L>(0.20699585f));
   p = L::Fma(p, r, Splat<L>(0.53938293f));
   p = L::Fma(p, r, Splat<L>(1.1712551f));
   p = L::Fma(p, r, Splat<L>(2.0346785f));
   p = L::Fma(p, r, Splat<L>(2.6509491f));
   p = L::Fma(p, r, Splat<L>(2.3025851f));
   p = L::Fma(p, r, Splat<L>(1.0f));
   return Scale<L>(p, n);
}

/// e^x - 1 = 2^n (e^r - 1) + (2^n - 1) in the terms of its parts, with x = n ln 2 + r and |r| <= ln(2) / 2.
template <typename L>
struct ExpParts {
   typename L::Floats fNumber; ///< n
   typename L::Floats fRest;   ///< e^r - 1

   explicit ExpParts(typename L::Floats x)
   {
      fNumber = L::Fma(x, Splat<L>(1.44269504f), Splat<L>(kRoundFloats)) - kRoundFloats;
      // ln(2) in two parts: the first has few bits, so its product with n is exact.
      auto r = L::Fma(fNumber, Splat<L>(-0.693145752f), x);
      r = L::Fma(fNumber, Splat<L>(-1.42860677e-06f), r);
      // 1 / k!, highest power first
      auto p = Splat<L>(1.98412698e-04f);
      p = L::Fma(p, r, Splat<L>(1.38888889e-03f));
      p = L::Fma(p, r, Splat<L>(8.33333333e-03f));
      p = L::Fma(p, r, Splat<L>(4.16666667e-02f));
      p = L::Fma(p, r, Splat<L>(1.66666667e-01f));
      p = L::Fma(p, r, Splat<L>(0.5f));
      fRest = L::Fma(p * r, r, r);
   }
};

/// e^x for x up to 0; what is below -104 counts as that and gives 0. Relative error below 1e-7 where the result is a
/// normal float; a NaN stays one.
template <typename L>
inline typename L::Floats ExpOfNegative(typename L::Floats x)
{
   const ExpParts<L> parts(Clamp<L>(x, -104.0f, 0.0f));
   return Scale<L>(parts.fRest + 1.0f, parts.fNumber);
}

/// e^x for |x| up to 32, where one factor is enough. Relative error below 1e-7.
template <typename L>
inline typename L::Floats ExpBounded(typename L::Floats x)
{
   const ExpParts<L> parts(x);
   const auto exponent = __builtin_convertvector(parts.fNumber, typename L::Ints);
   return (parts.fRest + 1.0f) * reinterpret_cast<typename L::Floats>((exponent + 127) << 23);
}

template <typename L>
inline typename L::Floats Relu(typename L::Floats x)
{
   return x < 0.0f ? Splat<L>(0.0f) : x;
}

template <typename L>
inline typename L::Floats LeakyRelu(typename L::Floats x)
{
   return x < 0.0f ? x * 0.01f : x;
}

/// x above 0, else e^x - 1, which below -20 is -1. Relative error below 1e-7; a NaN stays one.
template <typename L>
inline typename L::Floats Elu(typename L::Floats x)
{
   const ExpParts<L> parts(Clamp<L>(x, -20.0f, 0.0f));
   const auto power = Scale<L>(Splat<L>(1.0f), parts.fNumber);
   return x > 0.0f ? x : L::Fma(parts.fRest, power, power - 1.0f);
}

/// x / (1 + e^-x), from e^-|x| so that nothing overflows; x below -104 gives -0. Relative error below 3e-7 for x above
/// -87, where e^x is a normal float; a NaN stays one.
template <typename L>
inline typename L::Floats Silu(typename L::Floats x)
{
   x = x < -104.0f ? Splat<L>(-104.0f) : x;
   const auto size = x < 0.0f ? -x : x;
   const auto e = ExpOfNegative<L>(-size);
   return (x < 0.0f ? x * e : x) / (e + 1.0f);
}

/// x Phi(x), Phi being the normal distribution: x / 2 (1 + erf(x / sqrt 2)). With a = |x| at most 15, where float
/// Phi(-a) is 0, Phi(-a) = e^(-a^2 / 2) R(t), R a fit in t = 1 / (1 + a / 4) with a relative error of 5e-8.
/// Absolute error below 1.5e-7 up to 1 and, above 0, relative error below 6e-7; a NaN stays one.
template <typename L>
inline typename L::Floats Gelu(typename L::Floats x)
{
   const auto bounded = Clamp<L>(x, -15.0f, 15.0f);
   const auto a = bounded < 0.0f ? -bounded : bounded;
   const auto t = 1.0f / L::Fma(a, Splat<L>(0.25f), Splat<L>(1.0f));
   auto p = Splat<L>(0.033482738f);
   p = L::Fma(p, t, Splat<L>(-0.19354747f));
   p = L::Fma(p, t, Splat<L>(0.38855401f));
   p = L::Fma(p, t, Splat<L>(-0.32451367f));
   p = L::Fma(p, t, Splat<L>(0.29673576f));
   p = L::Fma(p, t, Splat<L>(-0.016057586f));
   p = L::Fma(p, t, Splat<L>(0.12001333f));
   p = L::Fma(p, t, Splat<L>(0.095166489f));
   p = L::Fma(p, t, Splat<L>(0.10018567f));
   p = L::Fma(p, t, Splat<L>(-1.9280389e-05f));
   const auto tail = a * (p * ExpOfNegative<L>(a * a * -0.5f));
   return (x < 0.0f ? Splat<L>(0.0f) : x) - tail;
}

} // namespace
} // namespace aeplugin::kernels

#endif
