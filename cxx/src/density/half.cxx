#include "half.hxx"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace aeplugin {
namespace {

constexpr int kMantissaBits = 10;
constexpr int kExponentBias = 15;
constexpr int kSmallestExponent = 1 - kExponentBias; ///< of numbers with all their digits

} // namespace

float FromHalf(std::uint16_t half)
{
   const int exponent = (half >> kMantissaBits) & 0x1f;
   const int mantissa = half & 0x3ff;
   const float sign = (half & 0x8000) != 0 ? -1.f : 1.f;
   if (exponent == 0x1f)
      return mantissa == 0 ? sign * HUGE_VALF : std::nanf("");
   if (exponent == 0)
      return sign * std::ldexp(static_cast<float>(mantissa), kSmallestExponent - kMantissaBits);
   return sign *
          std::ldexp(static_cast<float>(mantissa + (1 << kMantissaBits)), exponent - kExponentBias - kMantissaBits);
}

bool ToHalf(float value, std::uint16_t &half)
{
   std::uint32_t bits;
   std::memcpy(&bits, &value, sizeof bits);
   const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
   int exponent = 0;
   const float fraction = std::frexp(std::fabs(value), &exponent); // in [1/2, 1)
   if (value == 0) {
      half = sign;
      return true;
   }
   if (!std::isfinite(value) || exponent - 1 > kExponentBias)
      return false;
   // In units of the last digit that a half has there.
   const int lowest = std::max(exponent - 1, kSmallestExponent);
   const float mantissa = std::ldexp(fraction, exponent - lowest + kMantissaBits);
   if (mantissa != std::floor(mantissa))
      return false;
   const bool isNormal = exponent - 1 >= kSmallestExponent;
   const int digits = static_cast<int>(mantissa) - (isNormal ? 1 << kMantissaBits : 0);
   half = static_cast<std::uint16_t>(sign | ((isNormal ? lowest + kExponentBias : 0) << kMantissaBits) | digits);
   return true;
}

bool AreHalves(const std::vector<float> &values)
{
   std::uint16_t half;
   return std::all_of(values.begin(), values.end(), [&](float value) { return ToHalf(value, half); });
}

} // namespace aeplugin
