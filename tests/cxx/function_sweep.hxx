#ifndef AEPLUGIN_TESTS_FUNCTION_SWEEP_HXX
#define AEPLUGIN_TESTS_FUNCTION_SWEEP_HXX

#include "testing.hxx"

#include "bytes.hxx"
#include "kernels/kernels.hxx"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

/// Elementary functions of the reference kernels over all that floats can be.
namespace testing {

namespace kernels = aeplugin::kernels;

using Member = kernels::MapFunction kernels::KernelSet::*;

inline std::uint32_t Bits(float value)
{
   std::uint32_t bits;
   std::memcpy(&bits, &value, sizeof bits);
   return bits;
}

inline float FromBits(std::uint32_t bits)
{
   float value;
   std::memcpy(&value, &bits, sizeof value);
   return value;
}

/// The sign of zero counts; all NaNs are one.
inline bool Same(float a, float b)
{
   return Bits(a) == Bits(b) || (std::isnan(a) && std::isnan(b));
}

/// The function of one instruction set on any number of values.
inline std::vector<float> Apply(const std::string &instructionSet, Member member, std::vector<float> values)
{
   const auto n = values.size();
   values.resize((n + kernels::kAlign - 1) / kernels::kAlign * kernels::kAlign);
   (kernels::GetKernels(instructionSet).*member)(values.data(), values.size());
   values.resize(n);
   return values;
}

/// The same from every instruction set, which must agree bit by bit.
inline std::vector<float> Apply(Member member, const std::vector<float> &values)
{
   const auto expected = Apply("generic", member, values);
   for (const auto &name : kernels::InstructionSets()) {
      const auto got = Apply(name, member, values);
      for (std::size_t i = 0; i < values.size(); ++i)
         if (!Same(got[i], expected[i]))
            Fail(name + " differs from generic", __FILE__, __LINE__);
   }
   return expected;
}

inline float Apply(Member member, float value)
{
   return Apply(member, std::vector<float>{value}).front();
}

/// The distance between two floats around `value`.
inline double Ulp(double value)
{
   int exponent = 0;
   std::frexp(std::max(std::abs(value), double{FLT_MIN}), &exponent);
   return std::ldexp(1., exponent - 24);
}

/// Calls `check(value, result)` for every `stride`th float from `first` to `last`, both of one sign.
template <typename Check>
void Sweep(Member member, float first, float last, std::uint32_t stride, Check &&check)
{
   constexpr std::size_t kBlock = 16384;
   std::vector<float> values;
   for (std::uint64_t bits = Bits(first); bits <= Bits(last);) {
      values.clear();
      for (; values.size() < kBlock && bits <= Bits(last); bits += stride)
         values.push_back(FromBits(static_cast<std::uint32_t>(bits)));
      const auto results = Apply(member, values);
      for (std::size_t i = 0; i < values.size(); ++i)
         check(values[i], results[i]);
   }
}

/// The largest error of a sweep, and where it is.
struct Worst {
   double fError = 0;
   float fAt = 0;

   void Add(double error, float at)
   {
      if (!(error <= fError)) {
         fError = error;
         fAt = at;
      }
   }
   void IsBelow(double limit, const std::string &what, int line = __builtin_LINE()) const
   {
      std::ostringstream text;
      text.precision(9);
      text << what << ": " << fError << " at " << fAt << "; the limit is " << limit;
      std::cout << "        " << text.str() << std::endl;
      if (!(fError < limit))
         Fail(text.str(), __FILE__, line);
   }
};

/// Any bit patterns, a third of them numbers of usual size.
inline std::vector<float> AnyFloats(std::size_t n)
{
   std::mt19937 random(2);
   std::vector<float> anything(n);
   for (float &value : anything)
      value = FromBits(static_cast<std::uint32_t>(random()));
   std::uniform_real_distribution<float> usual(-50, 50);
   for (std::size_t i = 0; i < anything.size(); i += 3)
      anything[i] = usual(random);
   return anything;
}

/// Of the results for a sweep through all floats; all NaNs are one.
inline std::uint32_t ChecksumOf(Member member)
{
   std::vector<float> values;
   for (std::uint64_t bits = 0; bits <= 0xFFFFFFFFu; bits += 4099)
      values.push_back(FromBits(static_cast<std::uint32_t>(bits)));
   values = Apply(member, values);
   for (float &value : values)
      value = std::isnan(value) ? FromBits(0x7FC00000u) : value;
   return aeplugin::Crc32(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
}

} // namespace testing

#endif
