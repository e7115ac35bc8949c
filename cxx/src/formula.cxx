#include <aeplugin/formula.hxx>

#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>

#include "floating_point_scope.hxx"
#include "kernels/kernels.hxx"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>

namespace aeplugin {
namespace {

constexpr std::size_t kMaxLength = 1000;
constexpr std::size_t kMaxDepth = 50;
/// Values are worked on this many at a time: the stack stays in the fastest cache.
constexpr std::size_t kChunk = 512;
static_assert(kChunk % kernels::kAlign == 0, "kernels take whole vectors");

/// What a step does to the stack. Codes from kFunction on are the functions in the order of kFunctions.
enum Operation : std::uint8_t { kNumber, kVariable, kNegate, kAdd, kSubtract, kMultiply, kDivide, kFunction };

struct NamedFunction {
   const char *fName;
   kernels::DoubleKernels::Function kernels::DoubleKernels::*fKernel;
};

constexpr std::array<NamedFunction, 8> kFunctions = {{{"sqrt", &kernels::DoubleKernels::fSqrt},
                                                      {"exp", &kernels::DoubleKernels::fExp},
                                                      {"log", &kernels::DoubleKernels::fLog},
                                                      {"sin", &kernels::DoubleKernels::fSin},
                                                      {"cos", &kernels::DoubleKernels::fCos},
                                                      {"sinh", &kernels::DoubleKernels::fSinh},
                                                      {"cosh", &kernels::DoubleKernels::fCosh},
                                                      {"abs", &kernels::DoubleKernels::fAbs}}};

bool IsDigit(char c)
{
   return c >= '0' && c <= '9';
}

bool StartsName(char c)
{
   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::uint8_t FindFunction(const std::string &name)
{
   const auto found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                   [&](const NamedFunction &function) { return name == function.fName; });
   return static_cast<std::uint8_t>(kFunction + (found - kFunctions.begin()));
}

/// Reads a formula by recursive descent and calls `emit(operation, variable, number)` for each step, in postfix order:
///     sum     = product (("+" | "-") product)*
///     product = factor (("*" | "/") factor)*
///     factor  = "-" factor | number | name | name "(" sum ")" | "(" sum ")"
template <typename Emit>
class Parser {
public:
   Parser(const std::string &text, std::vector<std::string> &variables, Emit emit)
      : fText(text), fVariables(variables), fEmit(emit)
   {
   }

   void Run()
   {
      Sum();
      if (fAt != fText.size())
         Fail("expected + - * / or the end");
   }

private:
   /// The next character that is no space; 0 at the end.
   char Peek()
   {
      while (fAt < fText.size() && (fText[fAt] == ' ' || fText[fAt] == '\t' || fText[fAt] == '\n'))
         ++fAt;
      return fAt < fText.size() ? fText[fAt] : '\0';
   }

   bool Skip(char c)
   {
      if (Peek() != c)
         return false;
      ++fAt;
      return true;
   }

   void Sum()
   {
      Product();
      while (const char c = Peek()) {
         if (c != '+' && c != '-')
            return;
         ++fAt;
         Product();
         fEmit(c == '+' ? kAdd : kSubtract, 0, 0);
      }
   }

   void Product()
   {
      Factor();
      while (const char c = Peek()) {
         if (c != '*' && c != '/')
            return;
         ++fAt;
         Factor();
         fEmit(c == '*' ? kMultiply : kDivide, 0, 0);
      }
   }

   void Factor()
   {
      if (++fDepth > kMaxDepth)
         Fail("nested deeper than " + std::to_string(kMaxDepth));
      const char c = Peek();
      if (Skip('-')) {
         Factor();
         fEmit(kNegate, 0, 0);
      } else if (IsDigit(c) || c == '.') {
         Number();
      } else if (StartsName(c)) {
         Name();
      } else if (Skip('(')) {
         Sum();
         Close();
      } else {
         Fail("expected a number, a name, - or (");
      }
      --fDepth;
   }

   void Close()
   {
      if (!Skip(')'))
         Fail("expected + - * / or )");
   }

   void Number()
   {
      const char *begin = fText.data() + fAt;
      double number = 0;
      const auto [end, error] = std::from_chars(begin, fText.data() + fText.size(), number);
      if (error != std::errc())
         Fail(error == std::errc::result_out_of_range ? "a number out of range" : "expected a number");
      fAt += static_cast<std::size_t>(end - begin);
      fEmit(kNumber, 0, number);
   }

   void Name()
   {
      const std::size_t start = fAt;
      while (fAt < fText.size() && (StartsName(fText[fAt]) || IsDigit(fText[fAt])))
         ++fAt;
      const auto name = fText.substr(start, fAt - start);
      if (Peek() == '(') {
         Call(name, start);
         return;
      }
      const auto known = std::find(fVariables.begin(), fVariables.end(), name);
      const auto index = static_cast<std::uint32_t>(known - fVariables.begin());
      if (known == fVariables.end())
         fVariables.push_back(name);
      fEmit(kVariable, index, 0);
   }

   void Call(const std::string &name, std::size_t start)
   {
      const auto function = FindFunction(name);
      if (function == kFunction + kFunctions.size()) {
         std::vector<std::string> names;
         for (const auto &known : kFunctions)
            names.emplace_back(known.fName);
         throw RecipeError("formula '" + fText + "', character " + std::to_string(start + 1) +
                           ": no function is called '" + name + "'" + Nearest(name, names));
      }
      Skip('(');
      Sum();
      Close();
      fEmit(function, 0, 0);
   }

   [[noreturn]] void Fail(const std::string &what)
   {
      const char c = Peek();
      throw RecipeError("formula '" + fText + "', character " + std::to_string(fAt + 1) + ": " + what + ", got " +
                        (c == '\0' ? "the end" : std::string("'") + c + "'"));
   }

   const std::string &fText;
   std::vector<std::string> &fVariables;
   Emit fEmit;
   std::size_t fAt = 0;
   std::size_t fDepth = 0;
};

/// How many values more there are on the stack after a step, modulo 2^n.
std::size_t Growth(std::uint8_t operation)
{
   switch (operation) {
   case kNumber:
   case kVariable:
      return 1;
   case kAdd:
   case kSubtract:
   case kMultiply:
   case kDivide:
      return static_cast<std::size_t>(-1);
   default:
      return 0;
   }
}

/// a = a (operation) b, value by value.
void Combine(std::uint8_t operation, double *a, const double *b, std::size_t n)
{
   switch (operation) {
   case kAdd:
      for (std::size_t i = 0; i < n; ++i)
         a[i] += b[i];
      break;
   case kSubtract:
      for (std::size_t i = 0; i < n; ++i)
         a[i] -= b[i];
      break;
   case kMultiply:
      for (std::size_t i = 0; i < n; ++i)
         a[i] *= b[i];
      break;
   default:
      for (std::size_t i = 0; i < n; ++i)
         a[i] /= b[i];
      break;
   }
}

} // namespace

Formula Formula::Parse(const std::string &text)
{
   if (text.size() > kMaxLength)
      throw RecipeError("a formula of " + std::to_string(text.size()) + " characters; at most " +
                        std::to_string(kMaxLength) + " are possible");
   const FloatingPointScope scope;
   Formula formula;
   formula.fText = text;
   std::size_t size = 0;
   const auto emit = [&](std::uint8_t operation, std::uint32_t variable, double number) {
      formula.fSteps.push_back({operation, variable, number});
      size += Growth(operation);
      formula.fStackSize = std::max(formula.fStackSize, size);
   };
   Parser<decltype(emit)>(formula.fText, formula.fVariables, emit).Run();
   return formula;
}

void Formula::Evaluate(const double *const *inputs, std::size_t n, double *out) const
{
   const FloatingPointScope scope;
   const auto &functions = kernels::GetKernels().fDoubles;
   const std::size_t width = kernels::PaddedWidth(std::min(n, kChunk));
   std::vector<double> stack(fStackSize * width);
   for (std::size_t first = 0; first < n; first += width) {
      const std::size_t size = std::min(width, n - first);
      std::size_t depth = 0;
      for (const Step &step : fSteps) {
         double *const free = stack.data() + depth * width;
         switch (step.fOperation) {
         case kNumber:
            std::fill(free, free + width, step.fNumber);
            break;
         case kVariable:
            std::memcpy(free, inputs[step.fVariable] + first, size * sizeof(double));
            break;
         case kNegate:
            std::transform(free - width, free, free - width, [](double x) { return -x; });
            break;
         case kAdd:
         case kSubtract:
         case kMultiply:
         case kDivide:
            Combine(step.fOperation, free - 2 * width, free - width, width);
            break;
         default:
            (functions.*kFunctions[step.fOperation - std::size_t{kFunction}].fKernel)(free - width, width);
         }
         depth += Growth(step.fOperation);
      }
      // One NaN for all: CPUs differ in the sign of a new one and compilers in which of two is passed on.
      std::transform(stack.data(), stack.data() + size, out + first,
                     [](double x) { return x == x ? x : std::numeric_limits<double>::quiet_NaN(); });
   }
}

} // namespace aeplugin
