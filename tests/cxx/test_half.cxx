#include "testing.hxx"

#include "density/half.hxx"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>

namespace {

using aeplugin::AreHalves;
using aeplugin::FromHalf;
using aeplugin::ToHalf;
using testing::AreEqual;
using testing::IsTrue;

/// What IEEE 754 says of the bits of a half.
double Meaning(std::uint16_t half)
{
   const int exponent = half >> 10 & 31;
   const int mantissa = half & 1023;
   const double sign = half >> 15 == 1 ? -1 : 1;
   if (exponent == 31)
      return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
   return exponent == 0 ? sign * mantissa / 16777216. : sign * (1024 + mantissa) * std::pow(2., exponent - 25);
}

void TestEveryHalf()
{
   for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      const auto half = static_cast<std::uint16_t>(bits);
      const float value = FromHalf(half);
      const double expected = Meaning(half);
      IsTrue(std::isnan(expected) ? std::isnan(value) : value == expected, "half " + std::to_string(bits));
      std::uint16_t back = 0;
      if (!std::isfinite(value)) {
         IsTrue(!ToHalf(value, back), "no weight is half " + std::to_string(bits));
         continue;
      }
      AreEqual(std::signbit(value), bits >= 0x8000, "sign");
      IsTrue(ToHalf(value, back), "half " + std::to_string(bits) + " is one");
      AreEqual(back, half, "half again");
   }
}

/// The floats beside halves are none.
void TestNeighbours()
{
   for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
      const float value = FromHalf(static_cast<std::uint16_t>(bits));
      for (const float beside : {std::nextafter(value, -1e30f), std::nextafter(value, 1e30f)}) {
         std::uint16_t half = 0;
         IsTrue(!ToHalf(beside, half), "beside half " + std::to_string(bits));
      }
   }
   for (const float value : {65519.f, 65520.f, 65536.f, 1e30f, -65536.f, 1e-30f, 1e-45f, 0x1p-25f, 0x1.8p-24f}) {
      std::uint16_t half = 0;
      IsTrue(!ToHalf(value, half), std::to_string(value));
   }
}

void TestLists()
{
   IsTrue(AreHalves({}), "none");
   IsTrue(AreHalves({0, -0.f, 1.5f, 65504, 0x1p-24f}), "halves");
   IsTrue(!AreHalves({0, 0.1f}), "a tenth");
   IsTrue(!AreHalves({std::numeric_limits<float>::quiet_NaN()}), "NaN");
}

/// Any float: exactly those are halves that a half gives back.
void TestRandomFloats()
{
   std::mt19937 random(1);
   for (int i = 0; i < 1'000'000; ++i) {
      // Exponents around those of halves, and often few digits.
      const auto exponent = static_cast<std::uint32_t>(127 - 30 + random() % 50);
      const auto digits = static_cast<std::uint32_t>(random()) & 0x7fffff & ~((1u << random() % 24) - 1);
      const std::uint32_t bits = (static_cast<std::uint32_t>(random() % 2) << 31) | exponent << 23 | digits;
      float value;
      std::memcpy(&value, &bits, sizeof value);
      std::uint16_t half = 0;
      const double scaled = std::abs(double{value}) * 16777216; // in units of the smallest half
      const double unit = std::max(1., std::pow(2., std::floor(std::log2(scaled)) - 10));
      const bool expected = std::abs(value) <= 65504 && scaled / unit == std::floor(scaled / unit);
      AreEqual(ToHalf(value, half), expected, "whether " + std::to_string(bits) + " is a half");
      IsTrue(!expected || FromHalf(half) == value, "the value again");
   }
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("every half", TestEveryHalf);
   suite.Case("floats beside halves", TestNeighbours);
   suite.Case("lists", TestLists);
   suite.Case("random floats", TestRandomFloats);
   return suite.ExitCode();
}
