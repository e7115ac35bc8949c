#ifndef AEPLUGIN_DENSITY_PREPARED_DENSITY_HXX
#define AEPLUGIN_DENSITY_PREPARED_DENSITY_HXX

#include <aeplugin/density.hxx>
#include <aeplugin/formula.hxx>
#include <aeplugin/quantiser.hxx>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace aeplugin::density {

/// What stands in for a residual that is neither a mark nor within a period or the grid: it can only be an escape.
constexpr Grid kOutside = INT32_MIN + 100;

/// Variables of a collection's objects: [fBegin, fEnd) of the density.
struct CollectionVariables {
   std::string fGroup;
   std::size_t fCount; ///< the variable that is their number
   std::size_t fBegin;
   std::size_t fEnd;
   std::optional<DensityMomentum> fMomentum;
};

/// A density, with all that does not depend on the events to be coded.
class PreparedDensity {
public:
   /// \throws ModelError see Density::Validate
   explicit PreparedDensity(Density density, bool networks = true, const std::string &instructionSet = "");

   const Density &Get() const { return fDensity; }
   const DensityVariable &Variable(std::size_t i) const { return fDensity.fVariables[i]; }
   std::size_t Variables() const { return fDensity.fVariables.size(); }
   const std::string &InstructionSet() const { return fInstructionSet; }
   const std::vector<CollectionVariables> &Collections() const { return fCollections; }
   /// The collection that has a variable of objects; null for variables of events.
   const CollectionVariables *CollectionOf(std::size_t i) const
   {
      return fCollectionOf[i] == kNoCollection ? nullptr : &fCollections[fCollectionOf[i]];
   }
   /// The variables that a variable is decoded from, without what these are decoded from.
   const std::vector<std::size_t> &ContextOf(std::size_t i) const { return fContext[i]; }
   /// Of a variable with a tolerance.
   const Quantiser &QuantiserOf(std::size_t i) const { return *fQuantisers[i]; }
   const Formula &FormulaOf(std::size_t i) const { return *fFormulas[i]; }
   /// The variables that a formula names, in its order.
   const std::vector<std::size_t> &FormulaVariables(std::size_t i) const { return fFormulaVariables[i]; }
   /// Whether some feature or momentum needs cosine and sine of a variable.
   bool IsAngle(std::size_t i) const { return fIsAngle[i]; }
   /// Whether some variable is predicted from momenta.
   bool NeedsMomenta(std::size_t i) const { return fNeedsMomenta[i]; }
   /// Adds to variables (one flag each) those that are decoded from them.
   std::vector<bool> WithContext(std::vector<bool> wanted) const;

   /// Grid integers counted from their locations; marks are themselves, kOutside for what only an escape can code.
   void Residuals(std::size_t i, const Grid *integers, const Grid *locations, std::size_t n, Grid *residuals) const;
   /// The grid integers with residuals on the grid. \throws CorruptionError where there is none
   void Integers(std::size_t i, const Grid *residuals, const Grid *locations, std::size_t n, Grid *integers) const;

private:
   static constexpr std::size_t kNoCollection = SIZE_MAX;

   void FindFormulas();
   void FindCollections();
   void FindContext();

   Density fDensity;
   std::string fInstructionSet;
   std::vector<CollectionVariables> fCollections;
   std::vector<std::size_t> fCollectionOf; ///< per variable: index in fCollections, or kNoCollection
   std::vector<std::optional<Quantiser>> fQuantisers;
   std::vector<std::optional<Formula>> fFormulas;
   std::vector<std::vector<std::size_t>> fFormulaVariables;
   std::vector<bool> fIsAngle;
   std::vector<bool> fNeedsMomenta;
   std::vector<std::vector<std::size_t>> fContext; ///< per variable those that it is decoded from
};

} // namespace aeplugin::density

#endif
