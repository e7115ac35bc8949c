#ifndef AEPLUGIN_KERNELS_ELEMENTARY_HXX
#define AEPLUGIN_KERNELS_ELEMENTARY_HXX

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

/// 10^x = 2^n 10^r with |r| <= log10(2) / 2. Relative error below 1e-7 where the result is a normal float,
/// and one more rounding below; a NaN stays one.
template <typename L>
inline typename L::Floats Exp10(typename L::Floats x)
{
   using Ints = typename L::Ints;
   x = Clamp<L>(x, -46.0f, 39.0f);
   constexpr float kRound = 12582912.0f; // adding and subtracting 1.5 * 2^23 rounds to the nearest integer
   const auto n = L::Fma(x, Splat<L>(3.3219281f), Splat<L>(kRound)) - kRound;
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
   // Two factors, because 2^n alone may be no normal float where the result is one.
   const Ints exponent = __builtin_convertvector(n, Ints);
   const Ints half = exponent >> 1;
   const auto powerOfTwo = [](Ints k) { return reinterpret_cast<typename L::Floats>((k + 127) << 23); };
   return p * powerOfTwo(half) * powerOfTwo(exponent - half);
}

} // namespace
} // namespace aeplugin::kernels

#endif
