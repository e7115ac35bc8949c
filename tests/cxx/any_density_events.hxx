#ifndef AEPLUGIN_ANY_DENSITY_EVENTS_HXX
#define AEPLUGIN_ANY_DENSITY_EVENTS_HXX

#include "any_density.hxx"
#include "random_table.hxx"

#include <aeplugin/quantiser.hxx>
#include <aeplugin/table.hxx>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

/// Events for any density: mostly with values that it thinks likely, and with all that it does not.
namespace testing {

struct AnyEventsOptions {
   unsigned fSpecial = 20;         ///< one value in so many is nothing that the density expects; 0 for none
   std::uint64_t fMostObjects = 5; ///< of most events
   std::uint64_t fManyObjects = 5; ///< of one event in twenty
};

class AnyEventsMaker {
public:
   AnyEventsMaker(const AnyDensity &density, std::size_t events, std::uint64_t seed, const AnyEventsOptions &options)
      : fDensity(density), fSchema(density.fLayout.fSchema), fOptions(options), fRandom(seed),
        fBlock(RandomTable(fSchema, events, static_cast<unsigned>(seed)))
   {
      fBlock.fFirstEvent = seed % 1000;
   }

   aeplugin::TableBlock Make()
   {
      std::map<std::string, std::vector<std::uint64_t>> offsets;
      for (const AnyGroup &group : fDensity.fGroups)
         if (!group.fSingle)
            offsets[group.fName] = AnyOffsets(group.fPrefix == "std::array<");
      const auto &variables = fDensity.fModel.fDensity->fVariables;
      for (std::size_t column = 0; column < fSchema.size(); ++column) {
         for (const AnyGroup &group : fDensity.fGroups)
            if (group.fCounter == fSchema[column].fName)
               SetCounts(fBlock.fColumns[column], offsets[group.fName]);
         for (std::size_t i = 0; i < variables.size(); ++i)
            if (variables[i].fColumn == fSchema[column].fName)
               Fill(i, fSchema[column], offsets[variables[i].fGroup], fBlock.fColumns[column]);
      }
      return std::move(fBlock);
   }

private:
   using Grid = aeplugin::Grid;

   std::vector<std::uint64_t> AnyOffsets(bool isArray)
   {
      std::vector<std::uint64_t> offsets{0};
      for (std::size_t event = 0; event < fBlock.fEvents; ++event) {
         const auto most = fRandom() % 20 == 0 ? fOptions.fManyObjects : fOptions.fMostObjects;
         offsets.push_back(offsets.back() + (isArray ? 3 : fRandom() % (most + 1)));
      }
      return offsets;
   }

   static void SetCounts(aeplugin::ColumnBlock &column, const std::vector<std::uint64_t> &offsets)
   {
      std::visit(
         [&](auto &values) {
            using T = typename std::decay_t<decltype(values)>::value_type;
            if constexpr (std::is_integral_v<T>)
               for (std::size_t event = 0; event < values.size(); ++event)
                  values[event] = static_cast<T>(offsets[event + 1] - offsets[event]);
         },
         column.fValues);
   }

   /// Integers that the density may expect, or just not.
   std::vector<Grid> AnyIntegers(std::size_t i, const std::vector<std::uint64_t> &offsets)
   {
      const aeplugin::DensityVariable &variable = fDensity.fModel.fDensity->fVariables[i];
      const auto [low, high] = fDensity.fLikely[i];
      const std::int64_t margin = (high - low) / 20;
      std::vector<Grid> integers(offsets.empty() ? fBlock.fEvents : offsets.back());
      for (Grid &integer : integers) {
         const auto width = static_cast<std::uint64_t>(high - low + 2 * margin + 1);
         integer = static_cast<Grid>(low - margin + static_cast<std::int64_t>(fRandom() % width));
         if (!variable.fAtoms.empty() && fRandom() % 3 == 0)
            integer = std::max(variable.fAtoms[fRandom() % variable.fAtoms.size()], -aeplugin::kGridLimit);
      }
      if (variable.fDescending)
         for (std::size_t event = 0; event < fBlock.fEvents; ++event)
            if (fRandom() % 4 > 0)
               std::sort(integers.begin() + static_cast<std::ptrdiff_t>(offsets[event]),
                         integers.begin() + static_cast<std::ptrdiff_t>(offsets[event + 1]), std::greater<Grid>());
      return integers;
   }

   void Fill(std::size_t i, const aeplugin::TableColumn &column, const std::vector<std::uint64_t> &offsets,
             aeplugin::ColumnBlock &block)
   {
      if (!offsets.empty())
         block.fOffsets = {offsets};
      const auto integers = AnyIntegers(i, offsets);
      const aeplugin::Tolerance &tolerance = fDensity.fModel.fDensity->fVariables[i].fTolerance;
      std::visit(
         [&](auto &values) {
            using T = typename std::decay_t<decltype(values)>::value_type;
            if constexpr (std::is_floating_point_v<T>)
               FillFloats(values, integers, aeplugin::Quantiser(tolerance, column.fType));
            else if constexpr (std::is_integral_v<T>)
               FillIntegers(values, integers, column.fType == aeplugin::ColumnType::kBool);
         },
         block.fValues);
   }

   bool IsSpecial() { return fOptions.fSpecial > 0 && fRandom() % fOptions.fSpecial == 0; }

   template <typename T>
   void FillFloats(std::vector<T> &values, const std::vector<Grid> &integers, const aeplugin::Quantiser &quantiser)
   {
      const double odd[] = {0., -0., -999., 1e-40, 3e38, -1e30, INFINITY, -INFINITY, NAN, 5e5, -20};
      std::vector<double> likely(integers.size());
      quantiser.Value(integers.data(), integers.size(), likely.data());
      values.clear();
      for (const double value : likely)
         if (fRandom() % 2 == 0 && IsSpecial())
            values.push_back(RandomValue<T>(fRandom, false));
         else
            values.push_back(static_cast<T>(IsSpecial() ? odd[fRandom() % std::size(odd)] : value));
   }

   template <typename T>
   void FillIntegers(std::vector<T> &values, const std::vector<Grid> &integers, bool isBool)
   {
      constexpr auto kLeast = static_cast<std::int64_t>(std::numeric_limits<T>::min());
      const std::int64_t most =
         isBool ? 1 : static_cast<std::int64_t>(std::min<std::uint64_t>(std::numeric_limits<T>::max(), INT64_MAX));
      const std::int64_t ends[] = {kLeast, most, aeplugin::kGridLimit, -aeplugin::kGridLimit,
                                   aeplugin::kGridLimit + std::int64_t{1}};
      values.clear();
      for (const Grid integer : integers)
         if (IsSpecial())
            values.push_back(fRandom() % 2 == 0 ? RandomValue<T>(fRandom, isBool)
                                                : static_cast<T>(std::clamp(ends[fRandom() % 5], kLeast, most)));
         else
            values.push_back(static_cast<T>(std::clamp<std::int64_t>(integer, kLeast, most)));
   }

   const AnyDensity &fDensity;
   const aeplugin::TableSchema &fSchema;
   const AnyEventsOptions fOptions;
   std::mt19937_64 fRandom;
   aeplugin::TableBlock fBlock;
};

inline aeplugin::TableBlock AnyEvents(const AnyDensity &density, std::size_t events, std::uint64_t seed,
                                      const AnyEventsOptions &options = {})
{
   return AnyEventsMaker(density, events, seed, options).Make();
}

} // namespace testing

#endif
