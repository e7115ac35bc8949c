#ifndef AEPLUGIN_RANDOM_DENSITY_HXX
#define AEPLUGIN_RANDOM_DENSITY_HXX

#include "random_model.hxx"
#include "random_table.hxx"

#include <aeplugin/model.hxx>
#include <aeplugin/table.hxx>

#include <cmath>
#include <random>
#include <string>
#include <vector>

/// A density of events with missing momentum, jets of some kind and muons, and events for it.
namespace testing {

inline aeplugin::TableSchema DensitySchema()
{
   using aeplugin::TableColumn;
   return {TableColumn::Make("MET_pt", "float"),
           TableColumn::Make("MET_phi", "float"),
           TableColumn::Make("Jet_kind", "std::vector<std::int8_t>"),
           TableColumn::Make("Jet_pt", "std::vector<float>"),
           TableColumn::Make("Jet_eta", "std::vector<float>"),
           TableColumn::Make("Jet_phi", "std::vector<float>"),
           TableColumn::Make("Muon_x", "ROOT::VecOps::RVec<double>")};
}

/// The rules that the density was made with.
inline aeplugin::Rules DensityRules()
{
   using aeplugin::CodecKind;
   using aeplugin::ToleranceKind;
   const aeplugin::Tolerance rel{ToleranceKind::kRel, 0.02};
   const aeplugin::Tolerance abs{ToleranceKind::kAbs, 0.01};
   const auto codec = CodecKind::kAutoregressive;
   return {{{"MET_pt", codec, {{"MET_pt", "MET_pt", rel, {-999}, ""}}},
            {"MET_phi", codec, {{"MET_phi", "MET_phi", abs, {}, ""}}},
            {"Jet",
             codec,
             {{"pt", "Jet_pt", rel, {}, ""}, {"eta", "Jet_eta", abs, {}, ""}, {"phi", "Jet_phi", abs, {}, ""}}},
            {"Muon", codec, {{"x", "Muon_x", abs, {}, ""}}}},
           {}};
}

inline void AddFeature(aeplugin::DensityVariable &variable, aeplugin::Source source, aeplugin::View view,
                       std::uint32_t about, float factor, std::uint32_t back = 0, aeplugin::Grid category = 0)
{
   variable.fFeatures.push_back({source, view, about, back, category, factor, 0});
}

/// Untrained, but with ranges where the values of DensityEvents() are.
inline aeplugin::Density RandomDensity()
{
   using namespace aeplugin;
   const Tolerance rel{ToleranceKind::kRel, 0.02};
   const Tolerance abs{ToleranceKind::kAbs, 0.01};
   const Tolerance exact{ToleranceKind::kExact, 0};
   const auto variable = [](const std::string &group, const std::string &name, const Tolerance &tolerance) {
      DensityVariable made;
      made.fGroup = group;
      made.fVariable = name;
      made.fColumn = name.empty() ? "" : group == name ? name : group + "_" + name;
      made.fTolerance = tolerance;
      return made;
   };
   const auto range = [](DensityVariable &made, Grid first, std::uint32_t size, float middle, float spread) {
      made.fFirst = first;
      made.fRange = size;
      made.fMiddle = middle;
      made.fSpread = spread;
   };
   const auto circle = [&](DensityVariable &made) {
      made.fPeriodic = true;
      range(made, -157, 315, 0, 60);
   };
   Density density;
   auto &all = density.fVariables;
   all = {variable("MET_pt", "MET_pt", rel), variable("MET_phi", "MET_phi", abs), variable("Jet", "", exact),
          variable("Muon", "", exact),       variable("Jet", "kind", exact),      variable("Jet", "pt", rel),
          variable("Jet", "phi", abs),       variable("Jet", "eta", abs),         variable("Muon", "x", abs)};
   range(all[0], 2000, 900, 2450, 30);
   all[0].fAtoms = {kSentinelMark};
   circle(all[1]);
   all[2].fAtoms = {0, 1, 2, 3, 4, 5};
   range(all[3], 0, 4, 1, 1);
   all[4].fAtoms = {0, 1, 2};
   range(all[5], 2000, 900, 2450, 30);
   circle(all[6]);
   all[6].fLocation = Location::kDirection;
   range(all[7], -1024, 512, 0, 20);
   all[7].fShift = 2;
   range(all[8], -1000, 2000, 0, 70);
   all[8].fIsDouble = true;
   AddFeature(all[0], Source::kIndex, View::kLinear, 0, 1);
   AddFeature(all[1], Source::kEvent, View::kLinear, 0, 0.001f);
   AddFeature(all[2], Source::kEvent, View::kLinear, 0, 0.001f);
   AddFeature(all[3], Source::kCount, View::kLinear, 2, 0.2f);
   AddFeature(all[4], Source::kRemaining, View::kLinear, 0, 0.2f);
   AddFeature(all[4], Source::kBack, View::kEquals, 4, 1, 1, 2);
   AddFeature(all[5], Source::kOwn, View::kEquals, 4, 1, 0, 1);
   AddFeature(all[5], Source::kMissing, View::kLinear, 0, 0.1f);
   AddFeature(all[5], Source::kBack, View::kLinear, 5, 0.001f, 1);
   AddFeature(all[6], Source::kPhase, View::kLinear, 0, 1);
   AddFeature(all[6], Source::kFirst, View::kCosine, 6, 1);
   AddFeature(all[7], Source::kBack, View::kSeparation, 6, 1, 1);
   AddFeature(all[7], Source::kOwn, View::kLinear, 5, 0.001f);
   AddFeature(all[8], Source::kCount, View::kLinear, 2, 0.2f);
   density.fMomenta = {{5, 6, DensityMomentum::kNone}};
   density.fMissing = DensityMomentum{0, 1, DensityMomentum::kNone};
   std::mt19937 random(7);
   for (DensityVariable &each : all) {
      const auto inputs = static_cast<std::uint32_t>(each.fFeatures.size());
      each.fNetwork =
         RandomNetwork({inputs, 8, static_cast<std::uint32_t>(each.Outputs(aeplugin::kMostSlices))}, random);
      each.fNetwork.front().fActivation = Activation::kRelu;
   }
   return density;
}

inline aeplugin::Model DensityModel()
{
   aeplugin::Model model{"", DensityRules(), "", {}, RandomDensity()};
   model.Validate();
   return model;
}

/// \param special whether some values are NaN, sentinels, or far from the others
inline aeplugin::TableBlock DensityEvents(std::size_t events, unsigned seed, bool special = true)
{
   const auto schema = DensitySchema();
   auto block = RandomTable(schema, events, seed);
   std::mt19937_64 random(seed);
   std::normal_distribution<double> normal;
   std::uniform_real_distribution<double> angle(-3.14, 3.14);
   for (std::size_t column = 3; column <= 5; ++column)
      block.fColumns[column].fOffsets = block.fColumns[2].fOffsets;
   for (std::size_t column = 0; column < schema.size(); ++column) {
      const auto &name = schema[column].fName;
      const auto &offsets = block.fColumns[column].fOffsets;
      const std::size_t values = offsets.empty() ? events : offsets[0].back();
      const auto likely = [&] {
         if (name.find("_pt") != std::string::npos)
            return std::exp(11 + normal(random));
         return name.find("phi") != std::string::npos ? angle(random) : 1.5 * normal(random);
      };
      const double odd[] = {NAN, -999, 1e30, -INFINITY, 0};
      std::visit(
         [&](auto &list) {
            using T = typename std::decay_t<decltype(list)>::value_type;
            if constexpr (std::is_same_v<T, std::int8_t>) {
               for (T &value : list)
                  value = static_cast<T>(special && random() % 100 == 0 ? 77 : random() % 3);
            } else if constexpr (std::is_floating_point_v<T>) {
               list.resize(values);
               for (T &value : list)
                  value = static_cast<T>(special && random() % 100 == 0 ? odd[random() % std::size(odd)] : likely());
            }
         },
         block.fColumns[column].fValues);
   }
   return block;
}

} // namespace testing

#endif
