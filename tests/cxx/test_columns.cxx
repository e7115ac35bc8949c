#include "function_sweep.hxx"
#include "testing.hxx"

#include "kernels/kernels.hxx"

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace {

namespace kernels = aeplugin::kernels;
using aeplugin::Activation;
using testing::AreEqual;
using testing::IsTrue;
using testing::Same;

float Activated(Activation activation, float x)
{
   if (activation == Activation::kLinear || !(x < 0))
      return x;
   return activation == Activation::kRelu ? 0.f : x * 0.01f;
}

/// A layer on planes in the simplest way. All buffers are as small as density_calls.hxx allows, so that the address
/// sanitizer sees a step beyond.
class ColumnsCase {
public:
   ColumnsCase(std::size_t inputs, std::size_t outputs, std::size_t rows, std::mt19937 &random, float scale = 1)
      : fInputs(inputs), fOutputs(outputs), fRows(kernels::PaddedWidth(rows)),
        fInStride(fRows + random() % 3 * kernels::kAlign), fOutStride(fRows + random() % 3 * kernels::kAlign)
   {
      std::uniform_real_distribution<float> value(-scale, scale);
      fIn.resize((inputs - 1) * fInStride + fRows);
      fWeights.resize(outputs * inputs);
      fBiases.resize(outputs);
      for (auto *values : {&fIn, &fWeights, &fBiases})
         for (float &x : *values)
            x = value(random);
   }

   float Sum(std::size_t row, std::size_t output, bool backwards = false) const
   {
      float sum = fBiases[output];
      for (std::size_t k = 0; k < fInputs; ++k) {
         const std::size_t i = backwards ? fInputs - 1 - k : k;
         sum = std::fma(fIn[i * fInStride + row], fWeights[output * fInputs + i], sum);
      }
      return sum;
   }

   void Check(Activation activation) const
   {
      constexpr float kUntouched = 12345.75f;
      const kernels::AlignedFloats packed = kernels::PackColumns(fWeights, fInputs, fOutputs);
      std::vector<float> expected((fOutputs - 1) * fOutStride + fRows, kUntouched);
      for (std::size_t o = 0; o < fOutputs; ++o)
         for (std::size_t row = 0; row < fRows; ++row)
            expected[o * fOutStride + row] = Activated(activation, Sum(row, o));
      for (const auto &name : kernels::InstructionSets()) {
         std::vector<float> out(expected.size(), kUntouched);
         kernels::GetKernels(name).fColumns({fIn.data(), fInStride, packed.data(), fBiases.data(), fInputs, fOutputs,
                                             activation, out.data(), fOutStride, fRows});
         for (std::size_t at = 0; at < out.size(); ++at)
            if (!Same(out[at], expected[at]))
               testing::Fail(name + ": " + std::to_string(fInputs) + " inputs, " + std::to_string(fOutputs) +
                                " outputs, " + std::to_string(fRows) + " rows: output " +
                                std::to_string(at / fOutStride) + " of row " + std::to_string(at % fOutStride) +
                                " is " + std::to_string(out[at]) + "; expected " + std::to_string(expected[at]),
                             __FILE__, __LINE__);
      }
   }

   /// Whether summing from the last input to the first gives other bits somewhere: else the test would prove nothing.
   bool OrderMatters() const
   {
      for (std::size_t row = 0; row < fRows; ++row)
         for (std::size_t o = 0; o < fOutputs; ++o)
            if (!Same(Sum(row, o), Sum(row, o, true)))
               return true;
      return false;
   }

private:
   std::size_t fInputs, fOutputs, fRows, fInStride, fOutStride;
   std::vector<float> fIn, fWeights, fBiases;
};

constexpr Activation kActivations[] = {Activation::kLinear, Activation::kRelu, Activation::kLeakyRelu};

void TestShapes()
{
   std::mt19937 random(3);
   const auto upTo = [&](std::size_t most) { return 1 + random() % most; };
   // Every rest of outputs with every rest of rows.
   for (std::size_t outputs = 1; outputs <= 40; ++outputs)
      for (std::size_t rows = 16; rows <= 160; rows += 16)
         ColumnsCase(upTo(9), outputs, rows, random).Check(kActivations[random() % 3]);
   for (int i = 0; i < 100; ++i)
      ColumnsCase(upTo(70), upTo(70), upTo(300), random).Check(kActivations[random() % 3]);
   IsTrue(ColumnsCase(70, 20, 20, random).OrderMatters(), "the order of a sum shows");
}

/// Denormal products are not flushed, and overflow gives infinities and NaNs, alike everywhere.
void TestExtremes()
{
   std::mt19937 random(4);
   for (const Activation activation : kActivations)
      for (const float scale : {1e-20f, 1e-22f, 3e19f})
         ColumnsCase(20, 18, 48, random, scale).Check(activation);
}

void TestGroups()
{
   for (std::size_t outputs = 1; outputs <= 1000; ++outputs) {
      std::size_t left = outputs;
      std::size_t small = 0;
      while (left > 0) {
         const std::size_t group = kernels::ColumnsGroup(left);
         IsTrue(group >= 1 && group <= 4 && group <= left, "a group of " + std::to_string(outputs));
         small += group < 3 ? 1 : 0;
         left -= group;
      }
      AreEqual(small, outputs == 1 || outputs == 2 || outputs == 5 ? 1u : 0u,
               "groups that wait for themselves of " + std::to_string(outputs));
   }
}

void TestStrides()
{
   for (std::size_t rows = 0; rows < 1000; ++rows) {
      const std::size_t stride = kernels::PlaneStride(rows);
      IsTrue(stride >= rows && stride % kernels::kAlign == 0 && stride / kernels::kAlign % 2 == 1 &&
                stride < rows + 2 * kernels::kAlign,
             "the stride for " + std::to_string(rows) + " rows");
   }
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("shapes", TestShapes);
   suite.Case("extremes", TestExtremes);
   suite.Case("groups of outputs", TestGroups);
   suite.Case("strides", TestStrides);
   return suite.ExitCode();
}
