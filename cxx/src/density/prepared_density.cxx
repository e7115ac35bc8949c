#include "prepared_density.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <map>

namespace aeplugin::density {
namespace {

bool IsOfMomenta(const DensityFeature &feature)
{
   return feature.fSource == Source::kMissing || feature.fSource == Source::kActivity ||
          feature.fSource == Source::kLongitudinal || feature.fView == View::kCosine || feature.fView == View::kSine;
}

bool IsOfVariable(const DensityFeature &feature)
{
   switch (feature.fSource) {
   case Source::kEvent:
   case Source::kCount:
   case Source::kOwn:
   case Source::kBack:
   case Source::kFirst:
      return true;
   default:
      return false;
   }
}

/// Brought into [0, period), from which most are not a period away.
std::int64_t Wrapped(std::int64_t x, std::int64_t period)
{
   x += x < 0 ? period : 0;
   x -= x >= period ? period : 0;
   return x >= 0 && x < period ? x : (x % period + period) % period;
}

/// Of integers on the grid. A damaged stream may have others, whose sums and differences are off the grid or whatever,
/// as those of marks are.
constexpr Grid Sum(Grid a, Grid b)
{
   return static_cast<Grid>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
constexpr Grid Difference(Grid a, Grid b)
{
   return static_cast<Grid>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
}

} // namespace

PreparedDensity::PreparedDensity(Density density, bool networks, const std::string &instructionSet)
   : fDensity(std::move(density)), fInstructionSet(instructionSet)
{
   fDensity.Validate("model", networks);
   FindCollections();
   for (std::size_t i = 0; i < Variables(); ++i) {
      const DensityVariable &variable = Variable(i);
      fQuantisers.emplace_back();
      if (variable.fTolerance.fKind != ToleranceKind::kExact)
         fQuantisers.back().emplace(variable.fTolerance,
                                    variable.fIsDouble ? ColumnType::kFloat64 : ColumnType::kFloat32,
                                    std::vector<double>(), instructionSet);
   }
   FindFormulas();
   FindContext();
}

void PreparedDensity::FindFormulas()
{
   fFormulas.resize(Variables());
   fFormulaVariables.resize(Variables());
   std::map<std::pair<std::string, std::string>, std::size_t> known;
   for (std::size_t i = 0; i < Variables(); ++i) {
      const DensityVariable &variable = Variable(i);
      if (variable.fLocation == Location::kFormula) {
         fFormulas[i] = Formula::Parse(variable.fFormula);
         for (const std::string &name : fFormulas[i]->Variables())
            fFormulaVariables[i].push_back(known.at({variable.fGroup, name}));
      }
      known[{variable.fGroup, variable.fVariable}] = i;
   }
}

void PreparedDensity::FindCollections()
{
   const auto &variables = fDensity.fVariables;
   for (std::size_t i = 0; i < variables.size(); ++i) {
      if (variables[i].IsCount()) {
         CollectionVariables collection{variables[i].fGroup, i, 0, 0, {}};
         for (std::size_t k = i + 1; k < variables.size(); ++k)
            if (variables[k].fGroup == collection.fGroup) {
               collection.fBegin = collection.fEnd == 0 ? k : collection.fBegin;
               collection.fEnd = k + 1;
            }
         for (const DensityMomentum &momentum : fDensity.fMomenta)
            if (variables[momentum.fPt].fGroup == collection.fGroup)
               collection.fMomentum = momentum;
         fCollections.push_back(collection);
      }
   }
   // In the order of their variables, which need not be that of their numbers.
   std::sort(fCollections.begin(), fCollections.end(),
             [](const auto &a, const auto &b) { return a.fBegin < b.fBegin; });
   fCollectionOf.assign(variables.size(), kNoCollection);
   for (std::size_t c = 0; c < fCollections.size(); ++c)
      for (std::size_t i = fCollections[c].fBegin; i < fCollections[c].fEnd; ++i)
         fCollectionOf[i] = c;
}

void PreparedDensity::FindContext()
{
   fIsAngle.assign(Variables(), false);
   fNeedsMomenta.assign(Variables(), false);
   fContext.resize(Variables());
   for (std::size_t i = 0; i < Variables(); ++i) {
      const DensityVariable &variable = Variable(i);
      fContext[i] = fFormulaVariables[i];
      fNeedsMomenta[i] = variable.fLocation == Location::kDirection;
      if (variable.fWithin != DensityVariable::kAll)
         fContext[i].push_back(variable.fWithin);
      for (const DensityFeature &feature : variable.fFeatures) {
         fNeedsMomenta[i] = fNeedsMomenta[i] || IsOfMomenta(feature);
         if (IsOfVariable(feature) && feature.fVariable != i)
            fContext[i].push_back(feature.fVariable);
         if (feature.fView == View::kCosine || feature.fView == View::kSine || feature.fView == View::kSeparation)
            fIsAngle[feature.fVariable] = true;
      }
   }
   for (const CollectionVariables &collection : fCollections) {
      const bool needed = std::any_of(fNeedsMomenta.begin() + static_cast<std::ptrdiff_t>(collection.fBegin),
                                      fNeedsMomenta.end(), [](bool needs) { return needs; });
      if (collection.fMomentum && needed)
         fIsAngle[collection.fMomentum->fPhi] = true;
      for (std::size_t i = collection.fBegin; i < collection.fEnd; ++i)
         fContext[i].push_back(collection.fCount);
   }
   for (std::size_t i = 0; i < Variables(); ++i) {
      if (!fNeedsMomenta[i])
         continue;
      if (fDensity.fMissing) {
         fContext[i].push_back(fDensity.fMissing->fPt);
         fContext[i].push_back(fDensity.fMissing->fPhi);
      }
      for (const CollectionVariables &collection : fCollections)
         if (collection.fMomentum && collection.fBegin <= i)
            for (const std::uint32_t part :
                 {collection.fMomentum->fPt, collection.fMomentum->fPhi, collection.fMomentum->fEta})
               if (part != DensityMomentum::kNone)
                  fContext[i].push_back(part);
   }
   if (fDensity.fMissing)
      fIsAngle[fDensity.fMissing->fPhi] = true;
   for (auto &context : fContext) {
      std::sort(context.begin(), context.end());
      context.erase(std::unique(context.begin(), context.end()), context.end());
   }
}

std::vector<bool> PreparedDensity::WithContext(std::vector<bool> wanted) const
{
   std::vector<std::size_t> added;
   for (std::size_t i = 0; i < Variables(); ++i)
      if (wanted[i])
         added.push_back(i);
   while (!added.empty()) {
      const std::size_t variable = added.back();
      added.pop_back();
      for (const std::size_t other : fContext[variable])
         if (!wanted[other]) {
            wanted[other] = true;
            added.push_back(other);
         }
   }
   return wanted;
}

void PreparedDensity::Residuals(std::size_t i, const Grid *integers, const Grid *locations, std::size_t n,
                                Grid *residuals) const
{
   if (!Variable(i).fPeriodic) {
      for (std::size_t k = 0; k < n; ++k) {
         const Grid residual = Difference(integers[k], locations[k]);
         residuals[k] = IsMark(integers[k]) ? integers[k] : IsOnGrid(residual) ? residual : kOutside;
      }
      return;
   }
   const std::int64_t first = Variable(i).fFirst;
   const std::int64_t period = Variable(i).fRange;
   for (std::size_t k = 0; k < n; ++k) {
      const std::int64_t integer = integers[k];
      const std::int64_t residual = Wrapped(integer - locations[k] - first, period) + first;
      const bool isOutside = integer < first || integer >= first + period;
      residuals[k] = IsMark(integers[k]) ? integers[k] : isOutside ? kOutside : static_cast<Grid>(residual);
   }
}

void PreparedDensity::Integers(std::size_t i, const Grid *residuals, const Grid *locations, std::size_t n,
                               Grid *integers) const
{
   const std::int64_t first = Variable(i).fFirst;
   const std::int64_t period = Variable(i).fRange;
   for (std::size_t k = 0; k < n; ++k)
      integers[k] = Variable(i).fPeriodic
                       ? static_cast<Grid>(Wrapped(std::int64_t{residuals[k]} + locations[k] - first, period) + first)
                       : Sum(residuals[k], locations[k]);
   if (!std::all_of(integers, integers + n, IsOnGrid))
      throw CorruptionError("an integer leads off the grid");
}

} // namespace aeplugin::density
