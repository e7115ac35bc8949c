#include "number.hxx"

#include <cfloat>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <string>
#if __has_include(<xlocale.h>)
#include <xlocale.h>
#else
#include <locale.h>
#endif

namespace aeplugin::darkmachines::internal {

static_assert(FLT_EVAL_METHOD == 0, "the single rounding of the fast paths needs arithmetic in the type itself");

namespace {

constexpr int kMaxDigits = 19; // the most that always fit into 64 bits

class DigitCollector {
public:
   explicit DigitCollector(Decimal &decimal) : fDecimal(decimal) {}

   /// Takes the digits at `p`, which weigh ten times less from one to the next where `fraction`.
   const char *Take(const char *p, bool fraction)
   {
      for (; IsDigit(*p); ++p) {
         if (fTaken < kMaxDigits) {
            fDecimal.fDigits = fDecimal.fDigits * 10 + static_cast<std::uint64_t>(*p - '0');
            fTaken += fDecimal.fDigits != 0 ? 1 : 0;
            fDecimal.fExponent -= fraction ? 1 : 0;
         } else {
            fDecimal.fTruncated = true;
            fDecimal.fExponent += fraction ? 0 : 1;
         }
      }
      return p;
   }

private:
   Decimal &fDecimal;
   int fTaken = 0;
};

/// strtof and strtod follow the program's locale; these do not. They round correctly and, unlike std::from_chars, give
/// the denormal or zero that a tiny number rounds to (and exist in every libc++).
locale_t CLocale()
{
   static const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
   return locale;
}

} // namespace

const char *ScanExponent(const char *at, int &exponent)
{
   const char *p = at + 1;
   const bool negative = *p == '-';
   if (*p == '-' || *p == '+')
      ++p;
   if (!IsDigit(*p))
      return nullptr;
   constexpr int kEnough = 10000000; // beyond the longest line: any more changes nothing
   int size = 0;
   for (; IsDigit(*p); ++p)
      size = size < kEnough ? size * 10 + (*p - '0') : size;
   exponent += negative ? -size : size;
   return p;
}

const char *ScanLongDecimal(const char *begin, Decimal &decimal)
{
   decimal = {};
   const char *p = begin;
   decimal.fNegative = *p == '-';
   if (*p == '-' || *p == '+')
      ++p;
   DigitCollector collector(decimal);
   p = collector.Take(p, false);
   if (*p == '.') {
      if (!IsDigit(p[1]))
         return nullptr;
      p = collector.Take(p + 1, true);
   }
   return *p == 'e' || *p == 'E' ? ScanExponent(p, decimal.fExponent) : p;
}

bool ConvertSlowly(const char *begin, const char *end, float &value)
{
   value = strtof_l(std::string(begin, end).c_str(), nullptr, CLocale());
   return std::isfinite(value);
}

bool ConvertSlowly(const char *begin, const char *end, double &value)
{
   value = strtod_l(std::string(begin, end).c_str(), nullptr, CLocale());
   return std::isfinite(value);
}

} // namespace aeplugin::darkmachines::internal
