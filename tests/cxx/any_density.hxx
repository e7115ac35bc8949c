#ifndef AEPLUGIN_ANY_DENSITY_HXX
#define AEPLUGIN_ANY_DENSITY_HXX

#include "random_model.hxx"

#include <aeplugin/layout.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/table.hxx>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Densities of which everything is left to chance that Density::Validate allows, each with a layout for it.
namespace testing {

/// The columns of one collection, or of a group of event variables.
struct AnyGroup {
   std::string fName;
   bool fSingle = false;
   std::string fPrefix; ///< of the type of its columns: "std::vector<"
   std::string fSuffix; ///< ">"
   std::string fCounter;
};

struct AnyDensity {
   aeplugin::Layout fLayout;
   aeplugin::Model fModel; ///< with its rules
   /// Integers that a variable often has, from the first to the second one.
   std::vector<std::pair<aeplugin::Grid, aeplugin::Grid>> fLikely;
   std::vector<AnyGroup> fGroups;
};

class AnyDensityMaker {
public:
   explicit AnyDensityMaker(std::uint64_t seed) : fRandom(seed), fNetworks(static_cast<unsigned>(seed)) {}

   AnyDensity Make()
   {
      MakeGroups();
      MakeVariables();
      MakeLayout();
      for (std::size_t i = 0; i < Variables().size(); ++i) {
         MakeRange(i);
         MakeLocation(i);
      }
      MakeMomenta();
      for (std::size_t i = 0; i < Variables().size(); ++i)
         MakeNetwork(i);
      fMade.fModel.Validate();
      fMade.fLayout.Validate("test");
      return std::move(fMade);
   }

private:
   using Variable = aeplugin::DensityVariable;
   using Feature = aeplugin::DensityFeature;
   using Source = aeplugin::Source;
   using View = aeplugin::View;

   std::uint32_t Below(std::uint32_t n) { return static_cast<std::uint32_t>(fRandom() % n); }
   bool Chance(unsigned percent) { return Below(100) < percent; }
   aeplugin::Density &Density() { return *fMade.fModel.fDensity; }
   std::vector<Variable> &Variables() { return Density().fVariables; }

   const AnyGroup &GroupOf(const Variable &variable) const
   {
      return *std::find_if(fMade.fGroups.begin(), fMade.fGroups.end(),
                           [&](const AnyGroup &group) { return group.fName == variable.fGroup; });
   }
   bool IsObject(const Variable &variable) const { return !variable.IsCount() && !GroupOf(variable).fSingle; }
   static bool HasValue(const Variable &variable)
   {
      return variable.fTolerance.fKind != aeplugin::ToleranceKind::kExact;
   }

   void MakeGroups()
   {
      const std::uint32_t collections = Below(4);
      if (collections == 0 || Chance(70))
         fMade.fGroups.push_back({"Event", true, "", "", ""});
      if (Chance(50))
         fMade.fGroups.push_back({"MET", true, "", "", ""});
      const std::string names[] = {"Jet", "Muon", "Photon"};
      for (std::uint32_t c = 0; c < collections; ++c)
         switch (Below(4)) {
         case 0:
            fMade.fGroups.push_back({names[c], false, "std::array<", ",3>", ""});
            break;
         case 1:
            fMade.fGroups.push_back({names[c], false, "", "[n" + names[c] + "]", "n" + names[c]});
            break;
         case 2:
            fMade.fGroups.push_back({names[c], false, "ROOT::VecOps::RVec<", ">", ""});
            break;
         default:
            fMade.fGroups.push_back({names[c], false, "std::vector<", ">", ""});
         }
   }

   Variable AnyVariable(const std::string &group, const std::string &name)
   {
      using aeplugin::ToleranceKind;
      Variable variable;
      variable.fGroup = group;
      variable.fVariable = name;
      variable.fColumn = name.empty() ? "" : group + "_" + name;
      const double tolerances[] = {0.02, 0.01, 1e-4};
      if (!name.empty() && Chance(70)) {
         variable.fTolerance = {Chance(50) ? ToleranceKind::kAbs : ToleranceKind::kRel, tolerances[Below(3)]};
         variable.fIsDouble = Chance(30);
      }
      return variable;
   }

   void MakeVariables()
   {
      Density();
      std::vector<Variable> counts;
      std::vector<Variable> objects;
      std::vector<AnyGroup> order = fMade.fGroups;
      std::shuffle(order.begin(), order.end(), fRandom);
      for (const AnyGroup &group : order) {
         if (!group.fSingle)
            counts.push_back(AnyVariable(group.fName, ""));
         const std::uint32_t n = 1 + Below(5);
         for (std::uint32_t v = 0; v < n; ++v)
            (group.fSingle ? Variables() : objects).push_back(AnyVariable(group.fName, "v" + std::to_string(v)));
      }
      std::shuffle(counts.begin(), counts.end(), fRandom);
      Variables().insert(Variables().end(), counts.begin(), counts.end());
      Variables().insert(Variables().end(), objects.begin(), objects.end());
      fMade.fLikely.resize(Variables().size());
   }

   std::string TypeOf(const Variable &variable)
   {
      const char *integers[] = {"bool",          "std::int8_t",  "std::uint8_t", "std::int16_t",
                                "std::uint16_t", "std::int32_t", "std::uint32_t"};
      if (!HasValue(variable))
         return integers[Below(7)];
      return variable.fIsDouble ? "double" : "float";
   }

   /// Every column once, in any order, beside others of other codecs and kept ones.
   void MakeLayout()
   {
      using aeplugin::TableColumn;
      aeplugin::TableSchema &schema = fMade.fLayout.fSchema;
      for (const Variable &variable : Variables()) {
         const AnyGroup &group = GroupOf(variable);
         if (!variable.IsCount())
            schema.push_back(TableColumn::Make(variable.fColumn, group.fPrefix + TypeOf(variable) + group.fSuffix));
      }
      for (const AnyGroup &group : fMade.fGroups)
         if (!group.fCounter.empty())
            schema.push_back(TableColumn::Make(group.fCounter, Chance(50) ? "std::int32_t" : "std::uint8_t"));
      schema.push_back(TableColumn::Make("Other_x", "std::vector<float>"));
      schema.push_back(TableColumn::Make("name", "std::string"));
      std::shuffle(schema.begin(), schema.end(), fRandom);
      for (const AnyGroup &group : fMade.fGroups)
         AddGroup(group.fName, group.fSingle, aeplugin::CodecKind::kAutoregressive);
      if (Chance(50))
         AddGroup("Other", false, aeplugin::CodecKind::kPlain);
      std::shuffle(fMade.fLayout.fGroups.begin(), fMade.fLayout.fGroups.end(), fRandom);
   }

   void AddGroup(const std::string &name, bool isSingle, aeplugin::CodecKind codec)
   {
      aeplugin::Group group;
      group.fName = name;
      group.fSingle = isSingle;
      group.fCodec = codec;
      aeplugin::CollectionRule rule{name, codec, {}};
      const auto &schema = fMade.fLayout.fSchema;
      for (std::size_t column = 0; column < schema.size(); ++column) {
         const std::string &columnName = schema[column].fName;
         if (columnName.rfind(name + "_", 0) != 0)
            continue;
         const std::string variable = columnName.substr(name.size() + 1);
         aeplugin::Tolerance tolerance{aeplugin::ToleranceKind::kAbs, 0.01};
         for (const Variable &known : Variables())
            if (known.fColumn == columnName)
               tolerance = known.fTolerance;
         std::vector<double> sentinels;
         if (tolerance.fKind != aeplugin::ToleranceKind::kExact && Chance(40))
            sentinels = {-999, 0};
         group.fColumns.push_back({column, variable, tolerance, sentinels, "", {}});
         if (tolerance.fKind != aeplugin::ToleranceKind::kExact)
            rule.fColumns.push_back({variable, columnName, tolerance, sentinels, ""});
      }
      fMade.fLayout.fGroups.push_back(group);
      if (!rule.fColumns.empty())
         fMade.fModel.fRules.fCollections.push_back(rule);
   }

   void MakeRange(std::size_t i)
   {
      Variable &variable = Variables()[i];
      auto &[low, high] = fMade.fLikely[i];
      low = variable.IsCount() || Chance(30) ? 0 : static_cast<aeplugin::Grid>(Below(4000)) - 2000;
      if (variable.fTolerance.fKind == aeplugin::ToleranceKind::kRel)
         low = 1000 + static_cast<aeplugin::Grid>(Below(2000));
      high = low + 1 + static_cast<aeplugin::Grid>(variable.IsCount() ? 5 : Below(500));
      if (Chance(85)) {
         const std::uint32_t widths[] = {1, 2, 16384, static_cast<std::uint32_t>(high - low)};
         variable.fRange = widths[Chance(20) ? Below(3) : 3];
         variable.fShift = Chance(25) ? static_cast<std::uint8_t>(1 + Below(Chance(10) ? 16 : 3)) : std::uint8_t{0};
         variable.fRange = std::max(variable.fRange >> std::min<unsigned>(variable.fShift, 4), 1u);
         variable.fFirst = low;
         variable.fMiddle = static_cast<float>(low >> variable.fShift) + static_cast<float>(variable.fRange) / 2;
         const float spreads[] = {0x1p-20f, 0x1p20f, 1, static_cast<float>(variable.fRange)};
         variable.fSpread = spreads[Chance(10) ? Below(2) : 2 + Below(2)];
      }
      std::set<aeplugin::Grid> atoms;
      if (variable.fRange == 0 || Chance(50))
         for (std::uint32_t atom = 1 + Below(Chance(5) ? 1023 : 8); atom > 0; --atom)
            atoms.insert(AnyAtom(low, high));
      variable.fAtoms.assign(atoms.begin(), atoms.end());
   }

   aeplugin::Grid AnyAtom(aeplugin::Grid low, aeplugin::Grid high)
   {
      switch (Below(20)) {
      case 0:
         return Chance(50) ? aeplugin::kGridLimit : -aeplugin::kGridLimit;
      case 1:
         return aeplugin::kExactMark;
      case 2:
         return aeplugin::kSentinelMark + static_cast<aeplugin::Grid>(Below(aeplugin::kMaxSentinels));
      default:
         return low + static_cast<aeplugin::Grid>(Below(static_cast<std::uint32_t>(high - low) + 1));
      }
   }

   void MakeLocation(std::size_t i)
   {
      using aeplugin::Location;
      Variable &variable = Variables()[i];
      const bool isObject = IsObject(variable);
      if (variable.fRange > 0 && variable.fShift == 0 && Chance(30))
         variable.fPeriodic = true;
      const std::string formula = isObject && HasValue(variable) ? AnyFormula(i) : "";
      const bool isAngle = variable.fPeriodic && variable.fTolerance.fKind == aeplugin::ToleranceKind::kAbs;
      if (!formula.empty() && Chance(50)) {
         variable.fLocation = Location::kFormula;
         variable.fFormula = formula;
      } else if (isObject && isAngle && Chance(70)) {
         variable.fLocation = Location::kDirection;
      } else if (isObject && Chance(30)) {
         variable.fLocation = Location::kPrevious;
      } else if (isObject && !variable.fPeriodic && Chance(60)) {
         variable.fDescending = true;
         const auto siblings = Siblings(i, i);
         if (!siblings.empty() && Chance(50))
            variable.fWithin = siblings[Below(static_cast<std::uint32_t>(siblings.size()))];
      }
      if (variable.fLocation != Location::kNone && !variable.fPeriodic)
         variable.fFirst = -static_cast<aeplugin::Grid>(variable.fRange / 2);
   }

   /// Variables of the same objects, below `end`.
   std::vector<std::uint32_t> Siblings(std::size_t i, std::size_t end)
   {
      std::vector<std::uint32_t> siblings;
      for (std::uint32_t k = 0; k < end; ++k)
         if (!Variables()[k].IsCount() && Variables()[k].fGroup == Variables()[i].fGroup)
            siblings.push_back(k);
      return siblings;
   }

   std::string AnyFormula(std::size_t i)
   {
      std::vector<std::string> known;
      for (const std::uint32_t k : Siblings(i, i))
         if (HasValue(Variables()[k]))
            known.push_back(Variables()[k].fVariable);
      if (known.empty())
         return "";
      const std::string a = known[Below(static_cast<std::uint32_t>(known.size()))];
      const std::string b = known[Below(static_cast<std::uint32_t>(known.size()))];
      const std::string formulas[] = {a,           a + " + 0.1 * " + b,           a + " * cosh(" + b + ")",
                                      "-2 * " + a, "sqrt(" + a + " / " + b + ")", "log(" + a + ")"};
      return formulas[Below(6)];
   }

   void MakeMomenta()
   {
      std::vector<std::uint32_t> events;
      for (const AnyGroup &group : fMade.fGroups) {
         std::vector<std::uint32_t> values;
         for (std::uint32_t i = 0; i < Variables().size(); ++i)
            if (Variables()[i].fGroup == group.fName && HasValue(Variables()[i]))
               (group.fSingle ? events : values).push_back(i);
         if (values.size() < 2 || Chance(20))
            continue;
         std::shuffle(values.begin(), values.end(), fRandom);
         const bool hasEta = values.size() > 2 && Chance(70);
         Density().fMomenta.push_back({values[0], values[1], hasEta ? values[2] : aeplugin::DensityMomentum::kNone});
      }
      std::shuffle(events.begin(), events.end(), fRandom);
      if (events.size() > 1 && Chance(70))
         Density().fMissing = aeplugin::DensityMomentum{events[0], events[1], aeplugin::DensityMomentum::kNone};
   }

   /// Every feature that a variable may have.
   std::vector<Feature> Possible(std::size_t i)
   {
      const Variable &variable = Variables()[i];
      std::vector<Feature> possible;
      const auto add = [&](Source source, std::initializer_list<View> views, std::uint32_t about) {
         for (const View view : views) {
            Feature feature;
            feature.fSource = source;
            feature.fView = view;
            feature.fVariable = about;
            feature.fBack = source == Source::kBack ? 1 + Below(3) : 0;
            feature.fCategory = Chance(80) ? static_cast<aeplugin::Grid>(Below(3)) : aeplugin::kSentinelMark;
            possible.push_back(feature);
         }
      };
      add(Source::kIndex, {View::kLinear, View::kSize, View::kEquals}, 0);
      add(Source::kPhase, {View::kLinear, View::kSize}, 0);
      for (std::uint32_t k = 0; k < i; ++k) {
         const Variable &other = Variables()[k];
         if (!other.IsCount() && !GroupOf(other).fSingle)
            continue;
         const Source source = other.IsCount() ? Source::kCount : Source::kEvent;
         add(source, {View::kLinear, View::kSize, View::kEquals}, k);
         if (!other.IsCount() && HasValue(other) && IsObject(variable))
            add(source, {View::kCosine, View::kSine}, k);
      }
      if (!IsObject(variable))
         return possible;
      add(Source::kRemaining, {View::kLinear, View::kSize, View::kEquals}, 0);
      for (const Source source : {Source::kMissing, Source::kActivity, Source::kLongitudinal})
         add(source, {View::kLinear, View::kSize}, 0);
      for (const std::uint32_t k : Siblings(i, Variables().size()))
         for (const Source source : {Source::kOwn, Source::kBack, Source::kFirst}) {
            if (source == Source::kOwn && k >= i)
               continue;
            add(source, {View::kLinear, View::kSize, View::kEquals}, k);
            if (HasValue(Variables()[k]))
               add(source, {View::kCosine, View::kSine}, k);
            if (HasValue(Variables()[k]) && k < i && source != Source::kOwn)
               add(source, {View::kSeparation}, k);
         }
      return possible;
   }

   void MakeNetwork(std::size_t i)
   {
      using aeplugin::Activation;
      Variable &variable = Variables()[i];
      const auto possible = Possible(i);
      const float factors[] = {1, 0.01f, -0.3f, 1e30f, 0};
      for (std::uint32_t f = 1 + Below(6); f > 0; --f) {
         variable.fFeatures.push_back(possible[Below(static_cast<std::uint32_t>(possible.size()))]);
         variable.fFeatures.back().fFactor = factors[Chance(90) ? Below(3) : 3 + Below(2)];
         variable.fFeatures.back().fOffset = Chance(30) ? 0.5f : 0.f;
      }
      std::vector<std::uint32_t> widths{static_cast<std::uint32_t>(variable.fFeatures.size())};
      for (std::uint32_t layer = Below(3); layer > 0; --layer)
         widths.push_back(1 + Below(20));
      widths.push_back(static_cast<std::uint32_t>(variable.Outputs(1 + Below(aeplugin::kMostSlices))));
      variable.fNetwork = RandomNetwork(widths, fNetworks);
      const Activation activations[] = {Activation::kRelu, Activation::kLeakyRelu, Activation::kLinear};
      for (aeplugin::Layer &layer : variable.fNetwork)
         layer.fActivation = activations[Below(3)];
      // Outputs that no training leaves: categories or slices of almost no probability, edges far outside.
      const float wild[] = {1, 20, 1e4f, std::numeric_limits<float>::max() / 4};
      const float factor = wild[Chance(15) ? 1 + Below(3) : 0];
      for (float &bias : variable.fNetwork.back().fBiases)
         bias *= Chance(50) ? factor : 1;
   }

   std::mt19937_64 fRandom;
   std::mt19937 fNetworks;
   AnyDensity fMade{{}, {"", {}, "", {}, aeplugin::Density{}}, {}, {}};
};

inline AnyDensity MakeAnyDensity(std::uint64_t seed)
{
   return AnyDensityMaker(seed).Make();
}

} // namespace testing

#endif
