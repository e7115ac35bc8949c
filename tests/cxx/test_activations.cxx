#include "function_sweep.hxx"
#include "testing.hxx"

#include "kernels/kernels.hxx"

#include <cfloat>
#include <limits>
#include <random>
#include <vector>

// Activations of networks, against the same in long double; and the angles of points.
namespace {

using aeplugin::kernels::KernelSet;
using testing::Apply;
using testing::AreEqual;
using testing::Bits;
using testing::IsTrue;
using testing::Member;
using testing::Sweep;
using testing::Worst;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

using Truth = long double (*)(long double);

long double Elu(long double x)
{
   return x > 0 ? x : std::expm1(x);
}

long double Silu(long double x)
{
   return x / (1 + std::exp(-x));
}

long double Gelu(long double x)
{
   return x / 2 * std::erfc(-x / std::sqrt(2.0L));
}

/// The largest errors of a function: absolute, and relative where e^x, and so the result, is a normal float.
struct Errors {
   Worst fAbsolute;
   Worst fRelative;
   Worst fRelativeAboveZero;
};

Errors ErrorsOf(Member member, Truth truth)
{
   Errors errors;
   const auto check = [&](float x, float y) {
      const long double expected = truth(x);
      const auto error = static_cast<double>(std::abs(static_cast<long double>(y) - expected));
      errors.fAbsolute.Add(x > 1 ? error / double{x} : error, x);
      if (x < -87 || std::abs(expected) < static_cast<long double>(FLT_MIN))
         return;
      const double relative = error / static_cast<double>(std::abs(expected));
      errors.fRelative.Add(relative, x);
      if (x > 0)
         errors.fRelativeAboveZero.Add(relative, x);
   };
   for (const float sign : {1.f, -1.f}) {
      Sweep(member, sign * 0.f, sign * 0.001f, 19997, check);
      Sweep(member, sign * 0.001f, sign * 150.f, 101, check);
      Sweep(member, sign * 150.f, sign * FLT_MAX, 19997, check);
   }
   return errors;
}

void TestElu()
{
   const Errors errors = ErrorsOf(&KernelSet::fElu, Elu);
   errors.fAbsolute.IsBelow(7e-8, "elu: absolute error, relative above 1");
   errors.fRelative.IsBelow(1e-7, "elu: relative error");
}

void TestSilu()
{
   const Errors errors = ErrorsOf(&KernelSet::fSilu, Silu);
   errors.fAbsolute.IsBelow(1.5e-7, "silu: absolute error, relative above 1");
   errors.fRelative.IsBelow(3e-7, "silu: relative error above -87");
}

void TestGelu()
{
   const Errors errors = ErrorsOf(&KernelSet::fGelu, Gelu);
   errors.fAbsolute.IsBelow(1.5e-7, "gelu: absolute error, relative above 1");
   errors.fRelativeAboveZero.IsBelow(6e-7, "gelu: relative error above 0");
}

void TestRelus()
{
   const std::vector<float> values = {-kInfinity, -3.f, -1e-30f, -0.f, 0.f, 1e-30f, 3.f, kInfinity};
   const auto relu = Apply(&KernelSet::fRelu, values);
   const auto leaky = Apply(&KernelSet::fLeakyRelu, values);
   for (std::size_t i = 0; i < values.size(); ++i) {
      AreEqual(relu[i], values[i] < 0 ? 0.f : values[i], "relu of " + std::to_string(values[i]));
      AreEqual(leaky[i], values[i] < 0 ? 0.01f * values[i] : values[i], "leaky relu of " + std::to_string(values[i]));
   }
}

constexpr Member kActivations[] = {&KernelSet::fRelu, &KernelSet::fLeakyRelu, &KernelSet::fElu, &KernelSet::fSilu,
                                   &KernelSet::fGelu};

void TestEdges()
{
   for (const Member member : kActivations) {
      for (const float nan : {kNaN, -kNaN})
         IsTrue(std::isnan(Apply(member, nan)), "NaN stays one");
      for (const float large : {1e3f, FLT_MAX, kInfinity})
         AreEqual(Apply(member, large), large, "far above 0 they are the identity");
      AreEqual(Apply(member, 0.f), 0.f, "the padding of rows stays 0");
      AreEqual(Apply(member, -0.f), 0.f, "-0");
   }
   for (const float x : {-105.f, -1e30f, -FLT_MAX, -kInfinity}) {
      AreEqual(Apply(&KernelSet::fElu, x), -1.f, "elu saturates");
      AreEqual(Apply(&KernelSet::fSilu, x), 0.f, "silu saturates");
      AreEqual(Apply(&KernelSet::fGelu, x), 0.f, "gelu saturates");
   }
}

/// Apply() compares the instruction sets.
void TestSameBits()
{
   const std::vector<float> anything = testing::AnyFloats(2000000);
   for (const Member member : kActivations)
      IsTrue(Apply(member, anything).size() == anything.size(), "all values");
}

/// What they give today, they give for ever: files depend on it.
void TestGolden()
{
   const std::uint32_t expected[] = {0xF41635A4u, 0xC8B285DBu, 0x04B18E53u, 0x619F616Au, 0xF1F5B9B7u};
   for (std::size_t i = 0; i < std::size(kActivations); ++i)
      AreEqual(testing::ChecksumOf(kActivations[i]), expected[i], "activation " + std::to_string(i));
}

double Atan2(double y, double x)
{
   constexpr std::size_t kSize = aeplugin::kernels::kAlign;
   double expected = 0;
   for (const auto &name : aeplugin::kernels::InstructionSets()) {
      const std::vector<double> heights(kSize, y);
      std::vector<double> widths(kSize, x);
      aeplugin::kernels::GetKernels(name).fDoubles.fAtan2(heights.data(), widths.data(), kSize);
      for (const double angle : widths) {
         if (name == aeplugin::kernels::InstructionSets().front())
            expected = angle;
         IsTrue(std::memcmp(&angle, &expected, sizeof angle) == 0 || (std::isnan(angle) && std::isnan(expected)),
                name + " differs");
      }
   }
   return expected;
}

void TestAtan2()
{
   std::mt19937_64 random(5);
   std::uniform_real_distribution<double> direction(-1, 1);
   std::uniform_real_distribution<double> exponent(-20, 20);
   double worst = 0;
   for (int i = 0; i < 300000; ++i) {
      const double x = direction(random);
      const double y = i % 4 == 0 ? direction(random) * std::exp(exponent(random)) : direction(random);
      const long double expected = std::atan2(static_cast<long double>(y), static_cast<long double>(x));
      const auto size = std::abs(static_cast<double>(expected));
      const auto error = static_cast<double>(std::abs(static_cast<long double>(Atan2(y, x)) - expected));
      worst = std::max(worst, error / (std::nextafter(size, 4.) - size));
   }
   std::cout << "        atan2: " << worst << " units in the last place" << std::endl;
   IsTrue(worst < 3, "atan2: units in the last place");
   constexpr double kPi = 3.14159265358979323846;
   AreEqual(Atan2(0, 0), 0., "the origin");
   AreEqual(Atan2(0, -1), kPi, "left");
   AreEqual(Atan2(-0., -1), -kPi, "left from below");
   AreEqual(Atan2(1, 0), kPi / 2, "up");
   AreEqual(Atan2(-1, -0.), -kPi / 2, "down");
   AreEqual(Atan2(HUGE_VAL, HUGE_VAL), kPi / 4, "two infinities");
   AreEqual(Atan2(1, -HUGE_VAL), kPi, "far left");
   for (const auto &[y, x] : {std::pair{double{kNaN}, 0.}, {0., double{kNaN}}, {double{kNaN}, 1.}, {1., double{kNaN}}})
      IsTrue(std::isnan(Atan2(y, x)), "NaN");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("elu", TestElu);
   suite.Case("silu", TestSilu);
   suite.Case("gelu", TestGelu);
   suite.Case("relu and leaky relu", TestRelus);
   suite.Case("edges", TestEdges);
   suite.Case("same bits from every instruction set", TestSameBits);
   suite.Case("golden results", TestGolden);
   suite.Case("angles of points", TestAtan2);
   return suite.ExitCode();
}
