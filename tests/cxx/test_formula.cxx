#include "testing.hxx"

#include "kernels/kernels.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/formula.hxx>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace aeplugin;
using kernels::DoubleKernels;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

using Member = DoubleKernels::Function DoubleKernels::*;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::uint64_t Bits(double value)
{
   std::uint64_t bits;
   std::memcpy(&bits, &value, sizeof bits);
   return bits;
}

std::vector<double> Apply(const std::string &instructionSet, Member member, std::vector<double> values)
{
   const auto n = values.size();
   values.resize(kernels::PaddedWidth(n));
   (kernels::GetKernels(instructionSet).fDoubles.*member)(values.data(), values.size());
   values.resize(n);
   return values;
}

/// A function of every instruction set, which must agree bit by bit.
std::vector<double> Apply(Member member, const std::vector<double> &values)
{
   const auto expected = Apply("generic", member, values);
   for (const auto &name : kernels::InstructionSets()) {
      const auto got = Apply(name, member, values);
      for (std::size_t i = 0; i < values.size(); ++i)
         if (Bits(got[i]) != Bits(expected[i]) && !(std::isnan(got[i]) && std::isnan(expected[i])))
            testing::Fail(name + " differs from generic at " + std::to_string(values[i]), __FILE__, __LINE__);
   }
   return expected;
}

double Apply(Member member, double value)
{
   return Apply(member, std::vector<double>{value}).front();
}

/// The largest error of a function in units of the last place of the true result, on values drawn from [low, high];
/// results smaller than `floor` are measured in units of the last place there.
double WorstUlps(Member member, long double (*truth)(long double), double low, double high, double floor = 0)
{
   std::mt19937_64 random(1);
   std::vector<double> values(400000);
   for (double &value : values)
      value = low + (high - low) * (static_cast<double>(random() >> 11) * 0x1p-53);
   const auto got = Apply(member, values);
   double worst = 0;
   for (std::size_t i = 0; i < values.size(); ++i) {
      const long double expected = truth(values[i]);
      const double size = std::max(std::abs(static_cast<double>(expected)), floor);
      const double ulp = std::nextafter(size, kInfinity) - size;
      worst = std::max(worst, static_cast<double>(std::abs(got[i] - expected)) / ulp);
   }
   return worst;
}

void IsAccurate(const std::string &name, double ulps, double limit)
{
   std::cout << "        " << name << ": " << ulps << " units in the last place; the limit is " << limit << std::endl;
   IsTrue(ulps < limit, name + " is accurate");
}

void TestAccuracy()
{
   IsAccurate("exp, normal", WorstUlps(&DoubleKernels::fExp, std::exp, -708, 709), 1.5);
   IsAccurate("exp around 0", WorstUlps(&DoubleKernels::fExp, std::exp, -1, 1), 1.5);
   IsAccurate("log", WorstUlps(&DoubleKernels::fLog, std::log, 1e-3, 1e3), 1.2);
   IsAccurate("log around 1", WorstUlps(&DoubleKernels::fLog, std::log, 0.7, 1.4), 1.2);
   IsAccurate("log, large", WorstUlps(&DoubleKernels::fLog, std::log, 1e290, 1e300), 1.2);
   IsAccurate("log, denormal", WorstUlps(&DoubleKernels::fLog, std::log, 1e-320, 1e-308), 1.2);
   IsAccurate("sin", WorstUlps(&DoubleKernels::fSin, std::sin, -10, 10), 2);
   IsAccurate("cos", WorstUlps(&DoubleKernels::fCos, std::cos, -10, 10), 2);
   IsAccurate("sin, large", WorstUlps(&DoubleKernels::fSin, std::sin, -1e5, 1e5, 1e-4), 3);
   IsAccurate("cos, large", WorstUlps(&DoubleKernels::fCos, std::cos, -1e5, 1e5, 1e-4), 3);
   IsAccurate("sinh", WorstUlps(&DoubleKernels::fSinh, std::sinh, -700, 700), 2.5);
   IsAccurate("sinh around 0", WorstUlps(&DoubleKernels::fSinh, std::sinh, -2, 2), 3);
   IsAccurate("cosh", WorstUlps(&DoubleKernels::fCosh, std::cosh, -700, 700), 2.5);
   IsAccurate("cosh around 0", WorstUlps(&DoubleKernels::fCosh, std::cosh, -2, 2), 2.5);
   AreEqual(Apply(&DoubleKernels::fSqrt, 2), std::sqrt(2.), "sqrt");
}

void TestSpecialArguments()
{
   const auto exp = [](double x) { return Apply(&DoubleKernels::fExp, x); };
   AreEqual(exp(0), 1., "exp 0");
   AreEqual(exp(kInfinity), kInfinity, "exp");
   AreEqual(exp(1e300), kInfinity, "exp");
   AreEqual(exp(710), kInfinity, "exp");
   AreEqual(exp(-kInfinity), 0., "exp");
   AreEqual(exp(-746), 0., "exp");
   AreEqual(exp(-745), 5e-324, "exp");
   IsTrue(std::isnan(exp(kNaN)), "exp NaN");
   const auto log = [](double x) { return Apply(&DoubleKernels::fLog, x); };
   AreEqual(log(1), 0., "log 1");
   AreEqual(log(0), -kInfinity, "log 0");
   AreEqual(log(-0.), -kInfinity, "log 0");
   AreEqual(log(kInfinity), kInfinity, "log");
   testing::AreClose(log(5e-324), -744.4400719213812, 1e-12, "log");
   testing::AreClose(log(1.7976931348623157e308), 709.782712893384, 1e-12, "log");
   for (const double bad : {-1., -5e-324, -kInfinity, kNaN})
      IsTrue(std::isnan(log(bad)), "log of what has none");
   for (const auto member : {&DoubleKernels::fSin, &DoubleKernels::fCos}) {
      for (const double bad : {kInfinity, -kInfinity, kNaN})
         IsTrue(std::isnan(Apply(member, bad)), "sine and cosine of what has none");
      for (const double far : {1e5, -1e5, 2e5, 1e300, -1e300})
         IsTrue(std::abs(Apply(member, far)) <= 1, "far from zero");
   }
   AreEqual(Apply(&DoubleKernels::fSin, 0), 0., "sin 0");
   AreEqual(Apply(&DoubleKernels::fCos, 0), 1., "cos 0");
   AreEqual(Apply(&DoubleKernels::fSinh, -kInfinity), -kInfinity, "sinh");
   AreEqual(Apply(&DoubleKernels::fCosh, -kInfinity), kInfinity, "cosh");
   AreEqual(Apply(&DoubleKernels::fSinh, 1e-300), 1e-300, "sinh");
   AreEqual(Apply(&DoubleKernels::fAbs, -3), 3., "abs");
   IsTrue(std::isnan(Apply(&DoubleKernels::fSqrt, -1)), "sqrt");
   // Random bits, for the instruction sets to agree on.
   std::mt19937_64 random(2);
   std::vector<double> values(20000);
   for (double &value : values) {
      const std::uint64_t bits = random();
      std::memcpy(&value, &bits, sizeof value);
   }
   for (const auto member : {&DoubleKernels::fSqrt, &DoubleKernels::fExp, &DoubleKernels::fLog, &DoubleKernels::fSin,
                             &DoubleKernels::fCos, &DoubleKernels::fSinh, &DoubleKernels::fCosh, &DoubleKernels::fAbs})
      Apply(member, values);
}

std::vector<double> Evaluate(const Formula &formula, const std::vector<std::vector<double>> &inputs, std::size_t n)
{
   AreEqual(inputs.size(), formula.Variables().size(), "variables of " + formula.Text());
   std::vector<const double *> columns;
   for (const auto &input : inputs)
      columns.push_back(input.data());
   std::vector<double> out(n, -1);
   formula.Evaluate(columns.data(), n, out.data());
   return out;
}

/// A formula of x = 3 and y = 5.
double Calculate(const std::string &text)
{
   const auto formula = Formula::Parse(text);
   std::vector<std::vector<double>> inputs;
   for (const auto &name : formula.Variables())
      inputs.push_back({name == "x" ? 3. : 5.});
   return Evaluate(formula, inputs, 1).front();
}

void TestGrammar()
{
   AreEqual(Calculate("1"), 1.);
   AreEqual(Calculate("1e3"), 1000.);
   AreEqual(Calculate("1.5E-1"), 0.15);
   AreEqual(Calculate("2e+2"), 200.);
   AreEqual(Calculate(".5"), 0.5);
   AreEqual(Calculate("x"), 3.);
   AreEqual(Calculate("x+y*2"), 13.);
   AreEqual(Calculate("(x+y)*2"), 16.);
   AreEqual(Calculate("x-y-1"), -3.);
   AreEqual(Calculate("x-(y-1)"), -1.);
   AreEqual(Calculate("12/x/2"), 2.);
   AreEqual(Calculate("12/(x/2)"), 8.);
   AreEqual(Calculate("-x*y"), -15.);
   AreEqual(Calculate("x*-y"), -15.);
   AreEqual(Calculate("x - -y"), 8.);
   AreEqual(Calculate("--x"), 3.);
   AreEqual(Calculate(" \tx \n+\n y "), 8.);
   AreEqual(Calculate("sqrt(x*x+16)"), 5.);
   AreEqual(Calculate("abs (x-y)"), 2.);
   AreEqual(Calculate("exp(0)+log(1)+sin(0)+cos(0)+sinh(0)+cosh(0)"), 3.);
   AreEqual(Calculate("1-(2-(3-(4-x)))"), 1.);
   AreEqual(Calculate("1/0"), kInfinity);
   AreEqual(Calculate("1e-320*1"), 1e-320);
   AreEqual(Bits(Calculate("-(0/0)")), Bits(kNaN), "the one NaN");
   AreEqual(Bits(Calculate("sqrt(-x)")), Bits(kNaN), "the one NaN");
   const auto names = Formula::Parse("_b1 + a*_b1 + A").Variables();
   IsTrue(names == std::vector<std::string>{"_b1", "a", "A"}, "names in the order of their first use");
   AreEqual(Formula::Parse("x + 1").Text(), "x + 1", "text");
   AreEqual(Formula::Parse("exp + 1").Variables().front(), "exp", "a name without a parenthesis is a variable");
   testing::AreClose(Calculate("x*cosh(y)"), 3 * std::cosh(5.), 1e-12, "pt * cosh(eta)");
}

void TestErrors()
{
   const auto fails = [](const std::string &text, const std::string &part, int line = __builtin_LINE()) {
      Throws<RecipeError>([&] { Formula::Parse(text); }, part, __FILE__, line);
   };
   fails("", "character 1: expected a number, a name, - or (, got the end");
   fails("   ", "got the end");
   fails("x +", "character 4: expected a number, a name, - or (, got the end");
   fails("x y", "character 3: expected + - * / or the end, got 'y'");
   fails("x^2", "character 2: expected + - * / or the end, got '^'");
   fails("x**2", "character 3: expected a number, a name, - or (, got '*'");
   fails("+x", "got '+'");
   fails("(x", "character 3: expected + - * / or ), got the end");
   fails("(x]", "got ']'");
   fails("x)", "expected + - * / or the end, got ')'");
   fails("()", "got ')'");
   fails("cosh()", "got ')'");
   fails("cosh(x, y)", "got ','");
   fails("1 + kosh(x)", "character 5: no function is called 'kosh'; did you mean 'cosh'?");
   fails("zzzzzzzz(x)", "known are sqrt, exp, log, sin, cos, sinh, cosh, abs");
   fails("1e999", "a number out of range");
   fails(".", "expected a number");
   fails("1.2.3", "expected + - * / or the end");
   fails("1e", "got 'e'");
   fails("x\xc3\xa4", "character 2");
   fails(std::string("x\0y", 3), "formula 'x");
   fails(std::string(1001, '1'), "1001 characters; at most 1000");
   fails(std::string(60, '(') + "x" + std::string(60, ')'), "nested deeper than 50");
   fails(std::string(60, '-') + "x", "nested deeper than 50");
   AreEqual(Calculate(std::string(49, '(') + "x" + std::string(49, ')')), 3., "49 parentheses");
   std::string deep = "x";
   for (int i = 0; i < 48; ++i)
      deep = "1+2*(" + deep + ")";
   IsTrue(Calculate(deep) > 1e14, "a deep stack");
   std::string wide = "x";
   while (wide.size() + 2 <= 1000)
      wide += "+1";
   AreEqual(Calculate(wide), 502., "the longest formula");
}

/// Any number of values, each on its own.
void TestBatches()
{
   const auto formula = Formula::Parse("sqrt(m*m + pt*pt*cosh(eta)*cosh(eta)) - abs(-pt/2)");
   std::mt19937_64 random(3);
   std::vector<std::vector<double>> inputs(3, std::vector<double>(2000));
   for (auto &input : inputs)
      for (double &value : input)
         value = static_cast<double>(random() >> 11) * 0x1p-50 - 4;
   const auto whole = Evaluate(formula, inputs, 2000);
   for (std::size_t i = 0; i < 2000; ++i) {
      const double m = inputs[0][i];
      const double pt = inputs[1][i];
      const double p = pt * std::cosh(inputs[2][i]);
      testing::AreClose(whole[i], std::sqrt(m * m + p * p) - std::abs(pt / 2), 1e-12, "energy");
   }
   for (const std::size_t n : {0u, 1u, 5u, 16u, 17u, 511u, 512u, 513u, 1999u}) {
      const auto part = Evaluate(formula, inputs, n);
      IsTrue(std::equal(part.begin(), part.end(), whole.begin()), "the first " + std::to_string(n));
   }
}

#if defined(__x86_64__)
void TestHostModes()
{
   const std::vector<std::vector<double>> inputs = {{1e-310, 0.1, 3, 1e5, -7.7}};
   const std::string text = "0.1*x + exp(x/3)*sin(x) - cosh(x/1e4)/3 + log(abs(x))*1e-3 + x*1e-5";
   const auto expected = Evaluate(Formula::Parse(text), inputs, 5);
   for (const unsigned mode : {0x8040u, 0x4000u, 0x2000u, 0x6000u}) {
      _mm_setcsr(0x1f80 | mode);
      const auto got = Evaluate(Formula::Parse(text), inputs, 5);
      const unsigned after = _mm_getcsr() & 0xffc0;
      _mm_setcsr(0x1f80);
      AreEqual(after, (0x1f80 | mode) & 0xffc0, "the host's mode");
      IsTrue(got == expected, "the same values in mode " + std::to_string(mode));
   }
}
#endif

/// A change of this is a change of the format: predictions of files that are written already would be others.
void TestGolden()
{
   std::mt19937_64 random(4);
   std::vector<std::vector<double>> inputs(2, std::vector<double>(3000));
   for (auto &input : inputs)
      for (double &value : input)
         value = static_cast<double>(random() >> 11) * 0x1p-49 - 8;
   const auto formula =
      Formula::Parse("exp(x)*cosh(y) - sinh(x)/3 + sin(7*y)*cos(x*y) + log(abs(x)) - sqrt(x*x + 0.1) + -y");
   std::uint64_t sum = 0xcbf29ce484222325;
   for (const double value : Evaluate(formula, inputs, 3000))
      sum = (sum ^ Bits(value)) * 0x100000001b3;
   AreEqual(sum, std::uint64_t{17110450373613796268u}, "checksum");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("accuracy", TestAccuracy);
   suite.Case("special arguments", TestSpecialArguments);
   suite.Case("grammar", TestGrammar);
   suite.Case("errors", TestErrors);
   suite.Case("batches", TestBatches);
#if defined(__x86_64__)
   suite.Case("the host's floating-point modes", TestHostModes);
#endif
   suite.Case("golden checksum", TestGolden);
   return suite.ExitCode();
}
