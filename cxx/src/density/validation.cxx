#include "../model_limits.hxx"

#include <aeplugin/density.hxx>
#include <aeplugin/error.hxx>
#include <aeplugin/formula.hxx>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

// What a density may be: whatever is accepted here can be evaluated on any integers.
namespace aeplugin {
namespace {

/// A density and the places of its variables.
class Validation {
public:
   Validation(const Density &density, const std::string &where) : fDensity(density), fWhere(where)
   {
      const auto &variables = fDensity.fVariables;
      for (std::size_t i = 0; i < variables.size(); ++i)
         if (variables[i].IsCount())
            fCounted.insert(variables[i].fGroup);
      for (const DensityVariable &variable : variables)
         fStages.push_back(StageOf(variable));
      for (std::size_t i = 0; i < variables.size(); ++i)
         fIndices.emplace(std::make_pair(variables[i].fGroup, variables[i].fVariable), i);
   }

   void ValidateOrder() const
   {
      std::set<std::pair<std::string, std::string>> names;
      std::set<std::string> finished;
      for (std::size_t i = 0; i < fStages.size(); ++i) {
         const DensityVariable &variable = fDensity.fVariables[i];
         if (!names.insert({variable.fGroup, variable.fVariable}).second)
            Throw(i, "stands twice");
         if (i > 0 && fStages[i] < fStages[i - 1])
            Throw(i, "stands behind variables that follow it; expected those of the event, counts, those of objects");
         if (fStages[i] != Stage::kObject)
            continue;
         if (i > 0 && fStages[i - 1] == Stage::kObject && GroupOf(i - 1) != GroupOf(i))
            finished.insert(GroupOf(i - 1));
         if (finished.count(GroupOf(i)) != 0)
            Throw(i, "stands apart from the others of its collection");
      }
   }

   void ValidateMomenta() const
   {
      std::set<std::string> groups;
      for (const DensityMomentum &momentum : fDensity.fMomenta) {
         RequireMomentum(momentum, Stage::kObject);
         if (!groups.insert(GroupOf(momentum.fPt)).second)
            Throw(momentum.fPt, "is of a collection with two momenta");
      }
      if (fDensity.fMissing)
         RequireMomentum(*fDensity.fMissing, Stage::kEvent);
   }

   void ValidateVariable(std::size_t i) const
   {
      const DensityVariable &variable = fDensity.fVariables[i];
      if (variable.IsCount() && (variable.fTolerance.fKind != ToleranceKind::kExact || !variable.fColumn.empty()))
         Throw(i, "is a number of objects and has a tolerance or a column");
      if (variable.IsCount() && variable.fLocation != Location::kNone)
         Throw(i, "is a number of objects and has a location");
      ValidateTolerance(i, variable);
      ValidateRange(i, variable);
      ValidateLocation(i, variable);
      ValidateOrderOfObjects(i, variable);
      if (variable.fFeatures.empty() || variable.fFeatures.size() > kMaxFeatures)
         Throw(i, "has " + std::to_string(variable.fFeatures.size()) + " features; expected 1 to " +
                     std::to_string(kMaxFeatures));
      for (const DensityFeature &feature : variable.fFeatures)
         ValidateFeature(i, feature);
   }

   void ValidateVariableNetwork(std::size_t i) const
   {
      const DensityVariable &variable = fDensity.fVariables[i];
      ValidateNetwork(variable.fNetwork, variable.fFeatures.size(), Where(i));
      const std::size_t outputs = variable.fNetwork.back().fOutputs;
      if (outputs < variable.Outputs(1) || outputs > variable.Outputs(kMostSlices))
         Throw(i, "has a network with " + std::to_string(outputs) + " outputs; expected " + ExpectedOutputs(variable));
      for (const Layer &layer : variable.fNetwork) {
         const Activation activation = layer.fActivation;
         if (!layer.fGains.empty() || (activation != Activation::kLinear && activation != Activation::kRelu &&
                                       activation != Activation::kLeakyRelu))
            Throw(i, "has a layer that a density cannot have; expected linear, relu or leaky_relu without layer norm");
      }
   }

private:
   enum class Stage { kEvent, kCount, kObject };

   static std::string ExpectedOutputs(const DensityVariable &variable)
   {
      const std::string least = std::to_string(variable.Outputs(1));
      return variable.fRange > 0 ? least + " to " + std::to_string(variable.Outputs(kMostSlices)) : least;
   }

   Stage StageOf(const DensityVariable &variable) const
   {
      if (variable.IsCount())
         return Stage::kCount;
      return fCounted.count(variable.fGroup) != 0 ? Stage::kObject : Stage::kEvent;
   }

   const std::string &GroupOf(std::size_t i) const { return fDensity.fVariables[i].fGroup; }
   std::string Where(std::size_t i) const { return fWhere + ": density, " + fDensity.fVariables[i].Describe(); }
   [[noreturn]] void Throw(std::size_t i, const std::string &what) const { throw ModelError(Where(i) + ": " + what); }

   /// \throws ModelError unless `i` is the index of a variable of a stage
   void Require(std::size_t i, Stage stage) const
   {
      if (i >= fStages.size() || fStages[i] != stage)
         throw ModelError(fWhere + ": density: variable " + std::to_string(i) + " of " +
                          std::to_string(fStages.size()) + " is used as what it is not");
   }

   /// The same, of one with a tolerance.
   void RequireValue(std::size_t i, Stage stage) const
   {
      Require(i, stage);
      if (!HasValue(i))
         Throw(i, "is part of a momentum and has no tolerance");
   }

   void RequireMomentum(const DensityMomentum &momentum, Stage stage) const
   {
      const bool isObject = stage == Stage::kObject;
      RequireValue(momentum.fPt, stage);
      RequireValue(momentum.fPhi, stage);
      if (momentum.fEta != DensityMomentum::kNone) {
         RequireValue(momentum.fEta, stage);
         if (!isObject || GroupOf(momentum.fEta) != GroupOf(momentum.fPt))
            Throw(momentum.fEta, "is no part of the momentum");
      }
      if (isObject && GroupOf(momentum.fPt) != GroupOf(momentum.fPhi))
         Throw(momentum.fPhi, "is no part of the momentum");
   }

   void ValidateTolerance(std::size_t i, const DensityVariable &variable) const
   {
      if (variable.fTolerance.fKind == ToleranceKind::kExact)
         return;
      try {
         const Quantiser quantiser(variable.fTolerance,
                                   variable.fIsDouble ? ColumnType::kFloat64 : ColumnType::kFloat32);
      } catch (const RecipeError &error) {
         Throw(i, error.what());
      }
   }

   void ValidateRange(std::size_t i, const DensityVariable &variable) const
   {
      const bool isSpread =
         std::abs(variable.fMiddle) <= 0x1p30f && variable.fSpread >= 0x1p-20f && variable.fSpread <= 0x1p20f;
      if (variable.fRange > kMaxRange || variable.fShift > kMaxShift || !isSpread)
         Throw(i, "has a range of " + std::to_string(variable.fRange) + " integers of " +
                     std::to_string(variable.fShift) + " bits less, a middle of " + std::to_string(variable.fMiddle) +
                     " and a spread of " + std::to_string(variable.fSpread));
      if (std::abs(std::int64_t{variable.fFirst}) > kGridLimit ||
          std::int64_t{variable.fFirst} + (std::int64_t{variable.fRange} << variable.fShift) > kGridLimit)
         Throw(i, "has a range beyond the grid");
      if (variable.fPeriodic && (variable.fRange == 0 || variable.fShift != 0))
         Throw(i, "is periodic without a range of single integers");
      if (variable.fAtoms.size() > kMaxAtoms || (variable.fAtoms.empty() && variable.fRange == 0))
         Throw(i, "has " + std::to_string(variable.fAtoms.size()) + " atoms and a range of " +
                     std::to_string(variable.fRange) + " integers");
      if (!std::is_sorted(variable.fAtoms.begin(), variable.fAtoms.end(), std::less_equal<Grid>()))
         Throw(i, "has atoms that do not increase");
      const auto isNone = [](Grid atom) {
         return atom > kGridLimit || (atom < -kGridLimit && atom >= kSentinelMark + static_cast<Grid>(kMaxSentinels));
      };
      if (std::any_of(variable.fAtoms.begin(), variable.fAtoms.end(), isNone))
         Throw(i, "has an atom that is neither on the grid nor a mark");
   }

   void ValidateOrderOfObjects(std::size_t i, const DensityVariable &variable) const
   {
      if (!variable.fDescending) {
         if (variable.fWithin != DensityVariable::kAll)
            Throw(i, "names variables that agree, and does not descend");
         return;
      }
      if (fStages[i] != Stage::kObject || variable.fLocation != Location::kNone || variable.fPeriodic)
         Throw(i, "cannot descend from object to object");
      if (variable.fWithin == DensityVariable::kAll)
         return;
      RequireSibling(i, variable.fWithin);
      RequireBefore(i, variable.fWithin);
   }

   void ValidateLocation(std::size_t i, const DensityVariable &variable) const
   {
      const bool isObject = fStages[i] == Stage::kObject;
      const bool isExact = variable.fTolerance.fKind == ToleranceKind::kExact;
      if ((variable.fLocation == Location::kFormula) == variable.fFormula.empty())
         Throw(i, "has a formula and another location, or none");
      switch (variable.fLocation) {
      case Location::kNone:
         return;
      case Location::kFormula: {
         if (!isObject || isExact)
            Throw(i, "cannot have a formula");
         const Formula formula = FormulaOf(i, variable);
         for (const std::string &name : formula.Variables())
            RequireKnown(i, name);
         return;
      }
      case Location::kDirection:
         if (!isObject || !variable.fPeriodic || variable.fTolerance.fKind != ToleranceKind::kAbs)
            Throw(i, "is no angle of an object that could be counted from a direction");
         return;
      case Location::kPrevious:
         if (!isObject)
            Throw(i, "is no variable of an object with one before");
      }
   }

   Formula FormulaOf(std::size_t i, const DensityVariable &variable) const
   {
      try {
         return Formula::Parse(variable.fFormula);
      } catch (const RecipeError &error) {
         Throw(i, error.what());
      }
   }

   /// \throws ModelError unless a variable of the formula of `i` is known before it
   void RequireKnown(std::size_t i, const std::string &name) const
   {
      const auto found = fIndices.find({GroupOf(i), name});
      if (found == fIndices.end() || found->second >= i)
         Throw(i, "has a formula in '" + name + "', which is not known before it");
      if (fDensity.fVariables[found->second].fTolerance.fKind == ToleranceKind::kExact)
         Throw(i, "has a formula in '" + name + "', which has no tolerance");
   }

   void ValidateFeature(std::size_t i, const DensityFeature &feature) const
   {
      if (!std::isfinite(feature.fFactor) || !std::isfinite(feature.fOffset))
         Throw(i, "has a feature with a factor or offset that is not finite");
      ValidateView(i, feature);
      switch (feature.fSource) {
      case Source::kEvent:
         Require(feature.fVariable, Stage::kEvent);
         RequireBefore(i, feature.fVariable);
         break;
      case Source::kCount:
         Require(feature.fVariable, Stage::kCount);
         RequireBefore(i, feature.fVariable);
         break;
      case Source::kOwn:
         RequireSibling(i, feature.fVariable);
         RequireBefore(i, feature.fVariable);
         break;
      case Source::kBack:
         if (feature.fBack == 0)
            Throw(i, "has a feature of an object 0 before");
         RequireSibling(i, feature.fVariable);
         if (feature.fView == View::kSeparation)
            RequireBefore(i, feature.fVariable);
         break;
      case Source::kFirst:
         RequireSibling(i, feature.fVariable);
         if (feature.fView == View::kSeparation)
            RequireBefore(i, feature.fVariable);
         break;
      case Source::kRemaining:
      case Source::kMissing:
      case Source::kActivity:
      case Source::kLongitudinal:
         if (fStages[i] != Stage::kObject)
            Throw(i, "has a feature of objects, and is none of theirs");
         break;
      case Source::kIndex:
      case Source::kPhase:
         break;
      }
   }

   void ValidateView(std::size_t i, const DensityFeature &feature) const
   {
      const Source source = feature.fSource;
      const bool isInteger = source <= Source::kFirst;
      const bool isValue = source == Source::kEvent || source >= Source::kOwn;
      const bool isOther = source == Source::kBack || source == Source::kFirst;
      switch (feature.fView) {
      case View::kLinear:
      case View::kSize:
         return;
      case View::kEquals:
         if (!isInteger)
            Throw(i, "compares a feature that is no integer");
         return;
      case View::kCosine:
      case View::kSine:
         if (!isInteger || !isValue || !HasValue(feature.fVariable) || fStages[i] != Stage::kObject)
            Throw(i, "takes the angle of a feature that is none");
         return;
      case View::kSeparation:
         if (!isOther || !HasValue(feature.fVariable))
            Throw(i, "takes the angle of a feature that is none between objects");
      }
   }

   bool HasValue(std::size_t variable) const
   {
      return variable < fStages.size() && fDensity.fVariables[variable].fTolerance.fKind != ToleranceKind::kExact;
   }
   void RequireSibling(std::size_t i, std::size_t other) const
   {
      Require(other, Stage::kObject);
      if (fStages[i] != Stage::kObject || GroupOf(i) != GroupOf(other))
         Throw(i, "has a feature of another collection's objects");
   }
   void RequireBefore(std::size_t i, std::size_t other) const
   {
      if (other >= i)
         Throw(i, "has a feature that is not known before it");
   }

   const Density &fDensity;
   const std::string &fWhere;
   std::set<std::string> fCounted;                                      ///< groups with a number of objects
   std::map<std::pair<std::string, std::string>, std::size_t> fIndices; ///< by group and variable
   std::vector<Stage> fStages;                                          ///< per variable
};

} // namespace

std::string DensityVariable::Describe() const
{
   return IsCount() ? "number of objects of '" + fGroup + "'" : "variable '" + fVariable + "' of '" + fGroup + "'";
}

std::size_t DensityVariable::Outputs(std::size_t slices) const
{
   constexpr std::size_t kLocationWidthAndLastKnot = 3;
   return Categories() + (fRange > 0 ? kLocationWidthAndLastKnot + slices : 0);
}

std::size_t DensityVariable::Slices() const
{
   const std::size_t outputs = fNetwork.empty() ? 0 : fNetwork.back().fOutputs;
   const std::size_t others = Outputs(0);
   return fRange > 0 && outputs > others ? outputs - others : 0;
}

void Density::Validate(const std::string &where, bool networks) const
{
   if (fVariables.empty() || fVariables.size() > kMaxVariables)
      throw ModelError(where + ": density: has " + std::to_string(fVariables.size()) + " variables; expected 1 to " +
                       std::to_string(kMaxVariables));
   const Validation validation(*this, where);
   validation.ValidateOrder();
   validation.ValidateMomenta();
   for (std::size_t i = 0; i < fVariables.size(); ++i) {
      validation.ValidateVariable(i);
      if (networks)
         validation.ValidateVariableNetwork(i);
   }
}

} // namespace aeplugin
