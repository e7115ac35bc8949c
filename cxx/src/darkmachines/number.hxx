#ifndef AEPLUGIN_DARKMACHINES_NUMBER_HXX
#define AEPLUGIN_DARKMACHINES_NUMBER_HXX

#include <array>
#include <cstdint>
#include <cstring>

/// Numbers of the format: [+-]digits[.digits][e[+-]digits], correctly rounded, whatever the locale.
///
/// Two groups of up to eight digits are each read at once from a 64-bit word, which avoids a mispredicted branch per
/// digit count. Hence every function here may read kPadding bytes past the number it is given.
namespace aeplugin::darkmachines::internal {

constexpr int kPadding = 32;

/// A number as written: fDigits * 10^fExponent. Digits beyond the 19th are dropped (fTruncated).
struct Decimal {
   std::uint64_t fDigits = 0;
   int fExponent = 0;
   bool fNegative = false;
   bool fTruncated = false;
};

/// The forms that the fast path below leaves alone: any number of digits.
/// \return the position after the number, or nullptr
const char *ScanLongDecimal(const char *begin, Decimal &decimal);

/// Reads "e+06" at `at`, adding to `exponent`.
const char *ScanExponent(const char *at, int &exponent);

/// Converts [begin, end), which ScanDecimal has accepted, with the C library in the "C" locale; false on overflow.
/// A value too small for the type becomes the nearest one there is, a denormal or zero.
bool ConvertSlowly(const char *begin, const char *end, float &value);
bool ConvertSlowly(const char *begin, const char *end, double &value);

inline bool IsDigit(char c)
{
   return c >= '0' && c <= '9';
}

constexpr std::uint64_t EveryByte(std::uint64_t byte)
{
   return byte * 0x0101010101010101u;
}

/// Eight characters, the first in the lowest byte, with digits mapped to 0..9 (compilers make this one load).
inline std::uint64_t LoadDigits(const char *p)
{
   const auto byte = [p](int i) { return std::uint64_t{static_cast<std::uint8_t>(p[i])} << (8 * i); };
   const auto word = byte(0) | byte(1) | byte(2) | byte(3) | byte(4) | byte(5) | byte(6) | byte(7);
   return word ^ EveryByte('0');
}

/// How many bytes of LoadDigits, from the first on, are digits. A carry out of a byte that is no digit can only
/// disturb the bytes after it.
inline int CountDigits(std::uint64_t word)
{
   const std::uint64_t others = ((word + EveryByte(0x80 - 10)) | word) & EveryByte(0x80);
   return others == 0 ? 8 : __builtin_ctzll(others) / 8;
}

/// The number that the first `count` (1 to 8) bytes of LoadDigits spell.
inline std::uint64_t JoinDigits(std::uint64_t word, int count)
{
   word <<= 64 - 8 * count;
   word = word * 10 + (word >> 8);
   constexpr std::uint64_t kPairs = 0x000000FF000000FFu;
   constexpr std::uint64_t kHigh = 100 + (std::uint64_t{1000000} << 32);
   constexpr std::uint64_t kLow = 1 + (std::uint64_t{10000} << 32);
   return ((word & kPairs) * kHigh + ((word >> 16) & kPairs) * kLow) >> 32;
}

/// \return the position after the number, or nullptr where there is none
inline const char *ScanDecimal(const char *begin, Decimal &decimal)
{
   constexpr std::array<std::uint64_t, 9> kPowers{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
   const char *p = begin;
   decimal.fNegative = *p == '-';
   p += static_cast<int>(*p == '-') | static_cast<int>(*p == '+');
   auto word = LoadDigits(p);
   auto count = CountDigits(word);
   if (count == 0)
      return nullptr;
   if (count == 8 && IsDigit(p[8]))
      return ScanLongDecimal(begin, decimal);
   auto digits = JoinDigits(word, count);
   int exponent = 0;
   p += count;
   if (*p == '.') {
      word = LoadDigits(++p);
      count = CountDigits(word);
      if (count == 0)
         return nullptr;
      if (count == 8 && IsDigit(p[8]))
         return ScanLongDecimal(begin, decimal);
      digits = digits * kPowers[static_cast<unsigned>(count)] + JoinDigits(word, count);
      exponent = -count;
      p += count;
   }
   if (*p == 'e' || *p == 'E')
      p = ScanExponent(p, exponent);
   if (!p)
      return nullptr;
   decimal.fDigits = digits;
   decimal.fExponent = exponent;
   decimal.fTruncated = false;
   return p;
}

constexpr std::array<float, 11> kFloatPowers{1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f, 1e8f, 1e9f, 1e10f};
constexpr std::array<double, 23> kDoublePowers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Scales with one operation on exact operands, so that the result is correctly rounded.
template <typename T, typename Powers>
T Scale(T digits, int exponent, const Powers &powers)
{
   return exponent <= 0 ? digits / powers[static_cast<unsigned>(-exponent)]
                        : digits * powers[static_cast<unsigned>(exponent)];
}

/// Rounds by way of double. Its two roundings and dropped digits err by less than three units in its last place, so the
/// float is the right one unless the double lies that close to the middle between two floats.
inline bool RoundThroughDouble(const Decimal &decimal, float &value)
{
   constexpr int kMinExponent = -22, kMaxExponent = 18; // neither overflow nor denormal floats with 19 digits
   if (decimal.fExponent < kMinExponent || decimal.fExponent > kMaxExponent)
      return false;
   const double approximation = Scale(static_cast<double>(decimal.fDigits), decimal.fExponent, kDoublePowers);
   std::uint64_t bits;
   std::memcpy(&bits, &approximation, sizeof bits);
   constexpr std::uint64_t kDropped = (std::uint64_t{1} << 29) - 1, kMiddle = std::uint64_t{1} << 28, kMargin = 4;
   if ((bits & kDropped) - (kMiddle - kMargin) <= 2 * kMargin)
      return false;
   value = static_cast<float>(decimal.fNegative ? -approximation : approximation);
   return true;
}

/// Reads a number that is finite in its type. \return the position after it, or nullptr
inline const char *ParseReal(const char *begin, float &value)
{
   Decimal decimal;
   const char *const end = ScanDecimal(begin, decimal);
   if (!end)
      return nullptr;
   if (decimal.fDigits < (1u << 24) && decimal.fExponent >= -10 && decimal.fExponent <= 10) {
      const float size =
         Scale(static_cast<float>(static_cast<std::int32_t>(decimal.fDigits)), decimal.fExponent, kFloatPowers);
      constexpr std::array<float, 2> kSigns{1.f, -1.f}; // half of all angles are negative: a branch would stall
      value = size * kSigns[decimal.fNegative];
      return end;
   }
   return RoundThroughDouble(decimal, value) || ConvertSlowly(begin, end, value) ? end : nullptr;
}

inline const char *ParseReal(const char *begin, double &value)
{
   Decimal decimal;
   const char *const end = ScanDecimal(begin, decimal);
   if (!end)
      return nullptr;
   if (!decimal.fTruncated && decimal.fDigits <= (std::uint64_t{1} << 53) && decimal.fExponent >= -22 &&
       decimal.fExponent <= 22) {
      const double size = Scale(static_cast<double>(decimal.fDigits), decimal.fExponent, kDoublePowers);
      value = decimal.fNegative ? -size : size;
      return end;
   }
   return ConvertSlowly(begin, end, value) ? end : nullptr;
}

/// Reads digits only. \return the position after them, or nullptr where there are none or too many
inline const char *ParseUnsigned(const char *p, std::uint64_t &value)
{
   if (!IsDigit(*p))
      return nullptr;
   std::uint64_t sum = 0;
   for (; IsDigit(*p); ++p) {
      const auto digit = static_cast<std::uint64_t>(*p - '0');
      constexpr auto kLimit = UINT64_MAX / 10;
      if (sum > kLimit || (sum == kLimit && digit > UINT64_MAX % 10))
         return nullptr;
      sum = sum * 10 + digit;
   }
   value = sum;
   return p;
}

} // namespace aeplugin::darkmachines::internal

#endif
