#include "random_density.hxx"
#include "testing.hxx"

#include <aeplugin/density.hxx>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

// One density for each thing that none may be.
namespace {

using namespace aeplugin;
using testing::IsTrue;
using testing::Throws;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint32_t kNone = DensityMomentum::kNone;
/// Of testing::RandomDensity().
enum : std::uint32_t { kMet, kMetPhi, kJets, kMuons, kKind, kPt, kPhi, kEta, kX, kVariables };

void Refused(const std::string &part, const std::function<void(Density &)> &spoil)
{
   Density density = testing::RandomDensity();
   density.Validate("a.model");
   spoil(density);
   Throws<ModelError>([&] { density.Validate("a.model"); }, part);
   Throws<ModelError>([&] { density.Validate("a.model"); }, "a.model: density");
}

void Refused(const std::string &part, std::uint32_t variable, const std::function<void(DensityVariable &)> &spoil)
{
   Refused(part, [&](Density &density) { spoil(density.fVariables[variable]); });
}

void RefusedFeature(const std::string &part, std::uint32_t variable, const DensityFeature &feature)
{
   Refused(part, variable, [&](DensityVariable &v) { v.fFeatures.front() = feature; });
}

DensityFeature Feature(Source source, View view, std::uint32_t about = 0, std::uint32_t back = 0)
{
   return {source, view, about, back, 0, 1, 0};
}

void TestVariables()
{
   Refused("has 0 variables; expected 1 to 4096", [](Density &d) { d.fVariables.clear(); });
   Refused("has 4097 variables; expected 1 to 4096", [](Density &d) { d.fVariables.resize(4097); });
   Refused("variable 'eta' of 'Jet': stands twice", [](Density &d) { d.fVariables[kPhi].fVariable = "eta"; });
   Refused("number of objects of 'Jet': stands twice", [](Density &d) { d.fVariables[kMuons].fGroup = "Jet"; });
   Refused("stands behind variables that follow it", [](Density &d) { d.fVariables[kKind].fGroup = "Event"; });
   Refused("stands behind variables that follow it",
           [](Density &d) { std::swap(d.fVariables[kMuons], d.fVariables[kKind]); });
   Refused("stands apart from the others of its collection", [](Density &d) {
      d.fVariables.push_back(d.fVariables[kEta]);
      d.fVariables.back().fVariable = "mass";
   });
}

void TestCounts()
{
   Refused("is a number of objects and has a tolerance or a column", kJets,
           [](auto &v) { v.fTolerance = {ToleranceKind::kAbs, 0.1}; });
   Refused("is a number of objects and has a tolerance or a column", kMuons, [](auto &v) { v.fColumn = "nMuon"; });
   Refused("is a number of objects and has a location", kMuons, [](auto &v) { v.fLocation = Location::kPrevious; });
}

void TestTolerances()
{
   for (const double value : {0., -1., std::nan(""), double{kInfinity}})
      Refused("abs tolerance of", kEta, [&](auto &v) { v.fTolerance.fValue = value; });
   for (const double value : {0., 1., std::nan("")})
      Refused("rel tolerance of", kPt, [&](auto &v) { v.fTolerance.fValue = value; });
}

void TestRanges()
{
   Refused("has a range of 16385 integers", kPt, [](auto &v) { v.fRange = 16385; });
   Refused("of 17 bits less", kPt, [](auto &v) { v.fShift = 17; });
   for (const float middle : {kNaN, kInfinity, -kInfinity, 1.1e9f, -1.1e9f})
      Refused("a middle of", kPt, [&](auto &v) { v.fMiddle = middle; });
   for (const float spread : {kNaN, kInfinity, 0.f, -1.f, 0x1p-21f, 0x1p21f})
      Refused("and a spread of", kPt, [&](auto &v) { v.fSpread = spread; });
   for (const Grid first : {kGridLimit, -kGridLimit - 1, kExactMark, INT32_MAX, kGridLimit - 899})
      Refused("has a range beyond the grid", kPt, [&](auto &v) { v.fFirst = first; });
   Refused("has a range beyond the grid", kPt, [](auto &v) {
      v.fFirst = kGridLimit - 2000;
      v.fShift = 2;
   });
   Refused("is periodic without a range of single integers", kMetPhi, [](auto &v) { v.fShift = 1; });
   Refused("is periodic without a range of single integers", kMetPhi, [](auto &v) {
      v.fRange = 0;
      v.fAtoms = {0};
   });
   Refused("has 0 atoms and a range of 0 integers", kPt, [](auto &v) { v.fRange = 0; });
   Refused("has 1024 atoms", kPt, [](auto &v) {
      for (Grid atom = 0; atom < 1024; ++atom)
         v.fAtoms.push_back(atom);
   });
   Refused("has atoms that do not increase", kKind, [](auto &v) { v.fAtoms = {0, 2, 1}; });
   Refused("has atoms that do not increase", kKind, [](auto &v) { v.fAtoms = {0, 1, 1}; });
   for (const Grid atom : {kGridLimit + 1, INT32_MAX, -kGridLimit - 1, kSentinelMark + Grid{kMaxSentinels}})
      Refused("has an atom that is neither on the grid nor a mark", kKind, [&](auto &v) { v.fAtoms = {atom}; });
   for (const Grid atom : {kGridLimit, -kGridLimit, kExactMark, kSentinelMark + Grid{kMaxSentinels} - 1}) {
      Density density = testing::RandomDensity();
      density.fVariables[kMet].fAtoms = {atom};
      density.Validate();
   }
}

void TestLocations()
{
   Refused("has a formula and another location, or none", kPt, [](auto &v) { v.fFormula = "1"; });
   Refused("has a formula and another location, or none", kEta, [](auto &v) { v.fLocation = Location::kFormula; });
   const auto formula = [](const std::string &text) {
      return [text](DensityVariable &v) {
         v.fLocation = Location::kFormula;
         v.fFormula = text;
      };
   };
   Refused("cannot have a formula", kMetPhi, formula("1"));
   Refused("cannot have a formula", kKind, formula("1"));
   Refused("has a formula in 'eta', which is not known before it", kPt, formula("eta"));
   Refused("has a formula in 'pt', which is not known before it", kPt, formula("pt"));
   Refused("has a formula in 'x', which is not known before it", kEta, formula("x"));
   Refused("has a formula in 'kind', which has no tolerance", kEta, formula("2 * kind"));
   Refused("", kEta, formula("pt +"));
   Refused("", kEta, formula(std::string(2000, '(')));
   Refused("is no angle of an object", kMetPhi, [](auto &v) { v.fLocation = Location::kDirection; });
   Refused("is no angle of an object", kEta, [](auto &v) { v.fLocation = Location::kDirection; });
   Refused("is no angle of an object", kPhi, [](auto &v) { v.fTolerance = {ToleranceKind::kRel, 0.1}; });
   Refused("is no variable of an object with one before", kMet, [](auto &v) { v.fLocation = Location::kPrevious; });
}

void TestDescending()
{
   Refused("names variables that agree, and does not descend", kPt, [](auto &v) { v.fWithin = kKind; });
   const auto descending = [](std::uint32_t within) {
      return [within](DensityVariable &v) {
         v.fDescending = true;
         v.fWithin = within;
      };
   };
   for (const std::uint32_t variable : {kMet, kJets, kPhi}) // of events, a number of objects, with a location
      Refused("cannot descend from object to object", variable, descending(kNone));
   Refused("cannot descend from object to object", kEta, [](auto &v) {
      v.fDescending = v.fPeriodic = true;
      v.fShift = 0;
   });
   Refused("is not known before it", kPt, descending(kPt));
   Refused("is not known before it", kPt, descending(kEta));
   Refused("of another collection's objects", kX, descending(kPt));
   for (const std::uint32_t variable : {kMet, kJets, kVariables})
      Refused("is used as what it is not", kPt, descending(variable));
   for (const std::uint32_t within : {kNone, std::uint32_t{kKind}}) {
      Density density = testing::RandomDensity();
      descending(within)(density.fVariables[kPt]);
      density.Validate();
   }
}

void TestFeatures()
{
   Refused("has 0 features; expected 1 to 4096", kPt, [](auto &v) { v.fFeatures.clear(); });
   Refused("has 4097 features", kPt, [](auto &v) { v.fFeatures.resize(4097); });
   for (const float number : {kNaN, kInfinity, -kInfinity}) {
      Refused("factor or offset that is not finite", kPt, [&](auto &v) { v.fFeatures[0].fFactor = number; });
      Refused("factor or offset that is not finite", kPt, [&](auto &v) { v.fFeatures[0].fOffset = number; });
   }
   const auto linear = [](Source source, std::uint32_t about, std::uint32_t back = 0) {
      return Feature(source, View::kLinear, about, back);
   };
   for (const std::uint32_t about : {std::uint32_t{kJets}, std::uint32_t{kPt}, std::uint32_t{kVariables}, UINT32_MAX})
      RefusedFeature("is used as what it is not", kX, linear(Source::kEvent, about));
   for (const std::uint32_t about : {std::uint32_t{kMet}, std::uint32_t{kPt}, std::uint32_t{kVariables}, UINT32_MAX})
      RefusedFeature("is used as what it is not", kX, linear(Source::kCount, about));
   for (const Source source : {Source::kOwn, Source::kBack, Source::kFirst}) {
      for (const std::uint32_t about : {kMet, kJets, kVariables})
         RefusedFeature("is used as what it is not", kPt, linear(source, about, 1));
      RefusedFeature("of another collection's objects", kX, linear(source, kPt, 1));
      RefusedFeature("of another collection's objects", kMetPhi, linear(source, kPt, 1));
   }
   RefusedFeature("is not known before it", kMet, linear(Source::kEvent, kMet));
   RefusedFeature("is not known before it", kMet, linear(Source::kEvent, kMetPhi));
   RefusedFeature("is not known before it", kMet, linear(Source::kCount, kJets));
   RefusedFeature("is not known before it", kJets, linear(Source::kCount, kMuons));
   RefusedFeature("is not known before it", kPt, linear(Source::kOwn, kPt));
   RefusedFeature("is not known before it", kPt, linear(Source::kOwn, kEta));
   RefusedFeature("of an object 0 before", kPt, linear(Source::kBack, kPt, 0));
   for (const Source source : {Source::kRemaining, Source::kMissing, Source::kActivity, Source::kLongitudinal})
      for (const std::uint32_t variable : {kMet, kJets})
         RefusedFeature("has a feature of objects, and is none of theirs", variable, linear(source, 0));
}

void TestViews()
{
   for (const Source source : {Source::kMissing, Source::kActivity, Source::kLongitudinal, Source::kPhase})
      RefusedFeature("compares a feature that is no integer", kPt, Feature(source, View::kEquals));
   for (const View view : {View::kCosine, View::kSine}) {
      for (const Source source : {Source::kIndex, Source::kRemaining, Source::kMissing, Source::kPhase, Source::kCount})
         RefusedFeature("takes the angle of a feature that is none", kEta, Feature(source, view, kJets));
      RefusedFeature("takes the angle of a feature that is none", kEta, Feature(Source::kOwn, view, kKind));
      RefusedFeature("takes the angle of a feature that is none", kEta, Feature(Source::kOwn, view, UINT32_MAX));
      RefusedFeature("takes the angle of a feature that is none", kMetPhi, Feature(Source::kEvent, view, kMet));
   }
   for (const Source source : {Source::kEvent, Source::kOwn, Source::kIndex, Source::kPhase})
      RefusedFeature("that is none between objects", kEta, Feature(source, View::kSeparation, kPhi));
   RefusedFeature("that is none between objects", kEta, Feature(Source::kFirst, View::kSeparation, kKind));
   for (const Source source : {Source::kBack, Source::kFirst})
      for (const std::uint32_t about : {kPhi, kEta})
         RefusedFeature("is not known before it", kPhi, Feature(source, View::kSeparation, about, 1));
}

void TestMomenta()
{
   const auto momentum = [](const DensityMomentum &made) {
      return [made](Density &density) { density.fMomenta = {made}; };
   };
   for (const std::uint32_t other :
        {std::uint32_t{kMet}, std::uint32_t{kJets}, std::uint32_t{kVariables}, UINT32_MAX}) {
      Refused("is used as what it is not", momentum({other, kPhi, kNone}));
      Refused("is used as what it is not", momentum({kPt, other, kNone}));
      if (other != kNone)
         Refused("is used as what it is not", momentum({kPt, kPhi, other}));
   }
   Refused("is part of a momentum and has no tolerance", momentum({kKind, kPhi, kNone}));
   Refused("is part of a momentum and has no tolerance", momentum({kPt, kPhi, kKind}));
   Refused("is no part of the momentum", momentum({kPt, kX, kNone}));
   Refused("is no part of the momentum", momentum({kPt, kPhi, kX}));
   Refused("is of a collection with two momenta", [](Density &d) { d.fMomenta.push_back(d.fMomenta[0]); });
   Refused("is used as what it is not", [](Density &d) { d.fMissing->fPt = kPt; });
   Refused("is used as what it is not", [](Density &d) { d.fMissing->fPhi = UINT32_MAX; });
   Refused("is no part of the momentum", [](Density &d) { d.fMissing->fEta = kMetPhi; });
   Refused("is part of a momentum and has no tolerance", [](Density &d) {
      d.fVariables[kMet].fTolerance = {};
      d.fVariables[kMetPhi].fFeatures[0].fView = View::kEquals;
   });
}

void TestNetworks()
{
   const auto network = [](const std::string &part, const std::function<void(Network &)> &spoil) {
      Refused(part, kPt, [&](DensityVariable &v) { spoil(v.fNetwork); });
   };
   network("has 0 layers", [](Network &n) { n.clear(); });
   network("has 65 layers", [](Network &n) { n.resize(65); });
   network("layer 0: takes 4 inputs; expected 3", [](Network &n) { n[0].fInputs = 4; });
   network("layer 1: takes 7 inputs; expected 8", [](Network &n) { n[1].fInputs = 7; });
   network("weights", [](Network &n) { n[0].fWeights.pop_back(); });
   network("biases", [](Network &n) { n[0].fBiases.pop_back(); });
   for (const float weight : {kNaN, kInfinity, -kInfinity}) {
      network("weight that is not finite", [&](Network &n) { n[0].fWeights[3] = weight; });
      network("weight that is not finite", [&](Network &n) { n[1].fBiases[3] = weight; });
   }
   std::mt19937 random(1);
   for (const std::uint32_t outputs : {1u, 3u, 20u})
      network("has a network with " + std::to_string(outputs) + " outputs; expected 4 to 19",
              [&](Network &n) { n = testing::RandomNetwork({3, outputs}, random); });
   Refused("has a network with 6 outputs; expected 7", kJets, [](DensityVariable &v) { v.fAtoms.push_back(9); });
   for (const Activation activation : {Activation::kTanh, Activation::kElu, Activation::kSilu, Activation::kGelu})
      for (const std::size_t layer : {0u, 1u})
         network("has a layer that a density cannot have", [&](Network &n) { n[layer].fActivation = activation; });
   network("", [](Network &n) {
      n[0].fGains.assign(8, 1);
      n[0].fShifts.assign(8, 0);
   });
   Density density = testing::RandomDensity();
   density.fVariables[kPt].fNetwork.clear();
   density.Validate("model", false);
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("variables", TestVariables);
   suite.Case("counts", TestCounts);
   suite.Case("tolerances", TestTolerances);
   suite.Case("ranges and atoms", TestRanges);
   suite.Case("locations", TestLocations);
   suite.Case("descending variables", TestDescending);
   suite.Case("features", TestFeatures);
   suite.Case("views", TestViews);
   suite.Case("momenta", TestMomenta);
   suite.Case("networks", TestNetworks);
   return suite.ExitCode();
}
