#include "function_sweep.hxx"
#include "testing.hxx"

#include "kernels/kernels.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace {

namespace kernels = aeplugin::kernels;
using kernels::KernelSet;
using testing::Apply;
using testing::AreEqual;
using testing::Bits;
using testing::ChecksumOf;
using testing::FromBits;
using testing::IsTrue;
using testing::Same;
using testing::Sweep;
using testing::Throws;
using testing::Ulp;
using testing::Worst;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void TestInstructionSets()
{
   const auto names = kernels::InstructionSets();
   AreEqual(names.back(), "generic", "the last instruction set");
   for (const auto &name : names)
      IsTrue(kernels::GetKernels(name).fDense != nullptr, name);
   IsTrue(&kernels::GetKernels() == &kernels::GetKernels(names.front()), "the first is the default");
   IsTrue(&kernels::GetKernels("generic") == &kernels::GenericKernels(), "generic");
   Throws<aeplugin::CompatibilityError>([] { kernels::GetKernels("mmx"); }, "instruction set 'mmx'");
   Throws<aeplugin::CompatibilityError>([] { kernels::GetKernels("AVX2"); }, "generic");
}

void TestTanh()
{
   Worst absolute;
   Worst relative;
   Worst beyondOne;
   const auto check = [&](float x, float y) {
      const double expected = std::tanh(double{x});
      absolute.Add(std::abs(double{y} - expected), x);
      if (std::abs(x) >= FLT_MIN)
         relative.Add(std::abs(double{y} / expected - 1), x);
      beyondOne.Add(std::max(0., std::abs(double{y}) - 1), x);
   };
   Sweep(&KernelSet::fTanh, 0.f, 0.01f, 1999, check);
   Sweep(&KernelSet::fTanh, 0.01f, 10.f, 23, check);
   Sweep(&KernelSet::fTanh, 6.f, 6.5f, 1, check); // the worst is here
   Sweep(&KernelSet::fTanh, 10.f, FLT_MAX, 4999, check);
   Sweep(&KernelSet::fTanh, -0.01f, -10.f, 1999, check);
   absolute.IsBelow(3.1e-7, "tanh: absolute error");
   relative.IsBelow(3.1e-7, "tanh: relative error");
   beyondOne.IsBelow(1.5e-7, "tanh: excess over one");
}

void TestTanhEdges()
{
   std::mt19937 random(1);
   std::vector<float> positive(100000);
   for (float &x : positive)
      x = FromBits(static_cast<std::uint32_t>(random()) & 0x7fffffffu);
   std::vector<float> negative = positive;
   for (float &x : negative)
      x = -x;
   positive = Apply(&KernelSet::fTanh, positive);
   negative = Apply(&KernelSet::fTanh, negative);
   for (std::size_t i = 0; i < positive.size(); ++i)
      IsTrue(Same(negative[i], -positive[i]), "tanh is odd");
   const float most = Apply(&KernelSet::fTanh, 8.3f);
   for (const float x : {8.4f, 100.f, 1e20f, FLT_MAX, kInfinity}) {
      AreEqual(Apply(&KernelSet::fTanh, x), most, "tanh saturates");
      AreEqual(Apply(&KernelSet::fTanh, -x), -most, "tanh saturates");
   }
   IsTrue(std::isnan(Apply(&KernelSet::fTanh, kNaN)), "tanh of NaN");
   IsTrue(std::isnan(Apply(&KernelSet::fTanh, -kNaN)), "tanh of -NaN");
   AreEqual(Bits(Apply(&KernelSet::fTanh, 0.f)), Bits(0.f), "tanh of 0");
   AreEqual(Bits(Apply(&KernelSet::fTanh, -0.f)), Bits(-0.f), "tanh of -0");
   IsTrue(std::abs(Apply(&KernelSet::fTanh, FLT_TRUE_MIN)) <= FLT_TRUE_MIN, "tanh of a denormal");
}

void TestLog10()
{
   Worst ulps;
   Worst nearOne;
   const auto check = [&](float x, float y) {
      const double expected = std::log10(double{x});
      const double error = std::abs(double{y} - expected);
      if (x > 0.9f && x < 1.1f)
         nearOne.Add(error, x);
      else
         ulps.Add(error / Ulp(expected), x);
   };
   Sweep(&KernelSet::fLog10, FLT_MIN, FLT_MAX, 211, check);
   Sweep(&KernelSet::fLog10, 0.85f, 1.2f, 1, check); // the worst is here
   ulps.IsBelow(3.2, "log10: error in units in the last place");
   nearOne.IsBelow(1e-8, "log10: absolute error from 0.9 to 1.1");
}

void TestLog10Edges()
{
   const auto log10 = [](float x) { return Apply(&KernelSet::fLog10, x); };
   AreEqual(Bits(log10(1.f)), Bits(0.f), "log10(1)");
   const float least = log10(FLT_MIN);
   testing::AreClose(double{least}, std::log10(double{FLT_MIN}), 8e-6, "log10 of the smallest normal float");
   for (const float x : {FLT_MIN / 2, FLT_TRUE_MIN, 0.f, -0.f, -FLT_TRUE_MIN, -1.f, -FLT_MAX, -kInfinity})
      AreEqual(Bits(log10(x)), Bits(least), "log10 of " + std::to_string(x));
   const float most = log10(FLT_MAX);
   testing::AreClose(double{most}, std::log10(double{FLT_MAX}), 8e-6, "log10 of the largest float");
   AreEqual(Bits(log10(kInfinity)), Bits(most), "log10 of infinity");
   IsTrue(std::isnan(log10(kNaN)), "log10 of NaN");
   IsTrue(std::isnan(log10(-kNaN)), "log10 of -NaN");
   for (int power = -37; power <= 38; ++power) {
      const auto x = static_cast<float>(std::pow(10., power));
      testing::AreClose(double{log10(x)}, power, 4e-6, "log10 of a power of ten");
   }
}

void TestExp10()
{
   Worst relative;
   Worst denormal; // in units of the smallest denormal, half of which rounding alone may cost
   const auto check = [&](float x, float y) {
      const double expected = std::pow(10., double{x});
      if (expected > double{FLT_MAX} * (1 - 2e-7)) // its rounding to infinity is tested below
         IsTrue(y == kInfinity || y > FLT_MAX * 0.999999f, "the end of the range");
      else if (expected >= double{FLT_MIN})
         relative.Add(std::abs(double{y} / expected - 1), x);
      else
         denormal.Add(std::abs(double{y} - expected) / double{FLT_TRUE_MIN} - expected * 2e-7 / double{FLT_TRUE_MIN},
                      x);
   };
   for (const float sign : {1.f, -1.f}) {
      Sweep(&KernelSet::fExp10, sign * FLT_TRUE_MIN, sign * 0.001f, 9973, check);
      Sweep(&KernelSet::fExp10, sign * 0.001f, sign * 37.f, 61, check);
      Sweep(&KernelSet::fExp10, sign * 37.f, sign * 50.f, 1, check);
   }
   relative.IsBelow(1e-7, "exp10: relative error");
   denormal.IsBelow(0.5 + 1e-6, "exp10: error of denormal results");
}

void TestExp10Edges()
{
   const auto exp10 = [](float x) { return Apply(&KernelSet::fExp10, x); };
   AreEqual(Bits(exp10(0.f)), Bits(1.f), "10^0");
   AreEqual(Bits(exp10(-0.f)), Bits(1.f), "10^-0");
   AreEqual(exp10(FLT_TRUE_MIN), 1.f, "10^denormal");
   for (const float x : {38.54f, 39.f, 100.f, FLT_MAX, kInfinity})
      AreEqual(exp10(x), kInfinity, "10^" + std::to_string(x));
   for (const float x : {-45.2f, -46.f, -100.f, -FLT_MAX, -kInfinity})
      AreEqual(Bits(exp10(x)), Bits(0.f), "10^" + std::to_string(x));
   IsTrue(std::isfinite(exp10(38.53f)), "10^38.53");
   IsTrue(exp10(-45.f) == FLT_TRUE_MIN, "10^-45 is the smallest denormal");
   IsTrue(std::isnan(exp10(kNaN)), "10^NaN");
}

/// Every bit pattern is a legal argument; Apply() compares the instruction sets.
void TestSameBits()
{
   const std::vector<float> anything = testing::AnyFloats(3000000);
   for (const testing::Member member : {&KernelSet::fTanh, &KernelSet::fLog10, &KernelSet::fExp10})
      IsTrue(Apply(member, anything).size() == anything.size(), "all values");
}

/// The reference kernels are part of the format: what they give today, they give for ever and on every machine.
void TestGolden()
{
   AreEqual(ChecksumOf(&KernelSet::fTanh), 0x101AB139u, "tanh");
   AreEqual(ChecksumOf(&KernelSet::fLog10), 0xD250EFE9u, "log10");
   AreEqual(ChecksumOf(&KernelSet::fExp10), 0xAB0577FDu, "exp10");
}

/// A dense layer in the simplest way, with the packing that kernels.hxx describes. All buffers are as small as that
/// description allows, so that the address sanitizer sees a step beyond.
class DenseCase {
public:
   DenseCase(std::size_t inputs, std::size_t outputs, std::size_t rows, std::mt19937 &random, float scale = 1)
      : fInputs(inputs), fOutputs(outputs), fPadded(kernels::PaddedWidth(outputs)), fRows(rows),
        fInStride(inputs + random() % 5), fOutStride(fPadded + random() % 5)
   {
      std::uniform_real_distribution<float> value(-scale, scale);
      fIn.resize((rows - 1) * fInStride + inputs);
      fWeights.resize(outputs * inputs);
      fBiases.resize(fPadded);
      for (auto *values : {&fIn, &fWeights})
         for (float &x : *values)
            x = value(random);
      for (std::size_t o = 0; o < outputs; ++o)
         fBiases[o] = value(random);
      for (std::size_t panel = 0; panel < fPadded; panel += kernels::kPanel)
         for (std::size_t i = 0; i < inputs; ++i)
            for (std::size_t o = panel; o < std::min(fPadded, panel + kernels::kPanel); ++o)
               fPacked.push_back(o < outputs ? fWeights[o * inputs + i] : 0.f);
      fExpected.resize(rows * outputs);
      for (std::size_t r = 0; r < rows; ++r)
         for (std::size_t o = 0; o < outputs; ++o) {
            float sum = fBiases[o];
            for (std::size_t i = 0; i < inputs; ++i)
               sum = std::fma(fIn[r * fInStride + i], fWeights[o * inputs + i], sum);
            fExpected[r * outputs + o] = sum;
         }
   }

   void Check() const
   {
      constexpr float kUntouched = 12345.75f;
      for (const auto &name : kernels::InstructionSets()) {
         std::vector<float> out((fRows - 1) * fOutStride + fPadded, kUntouched);
         kernels::GetKernels(name).fDense(
            {fIn.data(), fInStride, fPacked.data(), fBiases.data(), fInputs, fPadded, out.data(), fOutStride, fRows});
         for (std::size_t at = 0; at < out.size(); ++at) {
            const std::size_t o = at % fOutStride;
            const float expected = o < fOutputs  ? fExpected[at / fOutStride * fOutputs + o]
                                   : o < fPadded ? 0.f
                                                 : kUntouched;
            if (!Same(out[at], expected))
               testing::Fail(name + ": " + std::to_string(fInputs) + " inputs, " + std::to_string(fOutputs) +
                                " outputs, " + std::to_string(fRows) + " rows: output " + std::to_string(o) +
                                " of row " + std::to_string(at / fOutStride) + " is " + std::to_string(out[at]) +
                                "; expected " + std::to_string(expected),
                             __FILE__, __LINE__);
         }
      }
   }

   /// Whether summing from the last input to the first gives other bits somewhere: else the test would prove nothing.
   bool OrderMatters() const
   {
      for (std::size_t r = 0; r < fRows; ++r)
         for (std::size_t o = 0; o < fOutputs; ++o) {
            float sum = fBiases[o];
            for (std::size_t i = fInputs; i-- > 0;)
               sum = std::fma(fIn[r * fInStride + i], fWeights[o * fInputs + i], sum);
            if (!Same(sum, fExpected[r * fOutputs + o]))
               return true;
         }
      return false;
   }

private:
   std::size_t fInputs, fOutputs, fPadded, fRows, fInStride, fOutStride;
   std::vector<float> fIn, fWeights, fBiases, fPacked, fExpected;
};

constexpr std::size_t kMostInputs = 70;
constexpr std::size_t kMostOutputs = 130;
constexpr std::size_t kMostRows = 50;

void TestDense()
{
   std::mt19937 random(3);
   const auto upTo = [&](std::size_t most) { return 1 + random() % most; };
   for (std::size_t rows = 1; rows <= kMostRows; ++rows)
      DenseCase(upTo(kMostInputs), upTo(kMostOutputs), rows, random).Check();
   for (std::size_t inputs = 1; inputs <= kMostInputs; ++inputs)
      DenseCase(inputs, upTo(kMostOutputs), upTo(kMostRows), random).Check();
   // Every width of a panel with every rest of a tile.
   for (std::size_t outputs = 1; outputs <= kMostOutputs; ++outputs)
      for (std::size_t rows = 1; rows <= 13; ++rows)
         DenseCase(upTo(9), outputs, rows, random).Check();
   for (int i = 0; i < 200; ++i)
      DenseCase(upTo(kMostInputs), upTo(kMostOutputs), upTo(kMostRows), random).Check();
   IsTrue(DenseCase(kMostInputs, 20, 20, random).OrderMatters(), "the order of a sum shows");
}

/// Denormal products are not flushed, and overflow gives infinities, alike everywhere.
void TestDenseExtremes()
{
   std::mt19937 random(4);
   DenseCase(20, 70, 11, random, 1e-20f).Check();
   DenseCase(20, 70, 11, random, 1e-22f).Check();
   DenseCase(20, 70, 11, random, 3e19f).Check();
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("instruction sets", TestInstructionSets);
   suite.Case("tanh", TestTanh);
   suite.Case("tanh, edges", TestTanhEdges);
   suite.Case("log10", TestLog10);
   suite.Case("log10, edges", TestLog10Edges);
   suite.Case("exp10", TestExp10);
   suite.Case("exp10, edges", TestExp10Edges);
   suite.Case("same bits from every instruction set", TestSameBits);
   suite.Case("golden results", TestGolden);
   suite.Case("dense layers", TestDense);
   suite.Case("dense layers, extremes", TestDenseExtremes);
   return suite.ExitCode();
}
