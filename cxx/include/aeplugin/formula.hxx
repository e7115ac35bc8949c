#ifndef AEPLUGIN_FORMULA_HXX
#define AEPLUGIN_FORMULA_HXX

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

/// An arithmetic expression in the variables of a collection, such as "pt * cosh(eta)": numbers, names, + - * /,
/// parentheses and the functions sqrt, exp, log, sin, cos, sinh, cosh, abs. The same bits on every machine: operations
/// in double precision and in the order written, functions from the reference kernels.
class Formula {
public:
   /// \throws RecipeError saying what is wrong and at which character; at most 1000 characters, nested at most 50 deep
   static Formula Parse(const std::string &text);

   const std::string &Text() const { return fText; }
   /// The names in it, each once, in the order of their first use.
   const std::vector<std::string> &Variables() const { return fVariables; }
   /// \param inputs for each of Variables(), `n` values
   /// \param out `n` values; NaN or infinite where the arithmetic says so
   void Evaluate(const double *const *inputs, std::size_t n, double *out) const;

private:
   struct Step {
      std::uint8_t fOperation;
      std::uint32_t fVariable;
      double fNumber;
   };
   std::string fText;
   std::vector<std::string> fVariables;
   std::vector<Step> fSteps; ///< in postfix order
   std::size_t fStackSize = 0;
};

} // namespace aeplugin

#endif
