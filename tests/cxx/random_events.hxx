#ifndef AEPLUGIN_RANDOM_EVENTS_HXX
#define AEPLUGIN_RANDOM_EVENTS_HXX

#include "random_model.hxx"
#include "random_table.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/bound.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/planner.hxx>
#include <aeplugin/table.hxx>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

/// Events as experiments have them: collections with tolerances, event variables, and columns that are kept.
namespace testing {

/// The compressed columns, then kept ones of several types.
inline aeplugin::TableSchema EventSchema()
{
   using aeplugin::TableColumn;
   aeplugin::TableSchema schema;
   for (const char *variable : {"x0", "x1", "x2", "x3"})
      schema.push_back(TableColumn::Make(std::string("Jet_") + variable, "std::vector<float>"));
   schema.push_back(TableColumn::Make("Muon_x0", "ROOT::VecOps::RVec<double>"));
   schema.push_back(TableColumn::Make("Muon_x1", "std::vector<float>"));
   schema.push_back(TableColumn::Make("MET", "float"));
   schema.push_back(TableColumn::Make("weight", "double"));
   schema.push_back(TableColumn::Make("vertex", "std::array<float,3>"));
   schema.push_back(TableColumn::Make("run", "std::uint64_t"));
   schema.push_back(TableColumn::Make("name", "std::string"));
   schema.push_back(TableColumn::Make("flags", "std::vector<bool>"));
   schema.push_back(TableColumn::Make("tracks", "std::vector<std::vector<float>>"));
   return schema;
}
constexpr std::size_t kCompressedColumns = 9; ///< of EventSchema(), the first ones

inline aeplugin::Rules EventRules(aeplugin::CodecKind codec = aeplugin::CodecKind::kPlain)
{
   using aeplugin::Tolerance;
   using aeplugin::ToleranceKind;
   const auto rel = [](double value) { return Tolerance{ToleranceKind::kRel, value}; };
   const auto abs = [](double value) { return Tolerance{ToleranceKind::kAbs, value}; };
   return {{{"Jet",
             codec,
             {{"x0", "Jet_x0", rel(0.02), {-999}, ""},
              {"x1", "Jet_x1", abs(0.01), {}, ""},
              {"x2", "Jet_x2", rel(0.02), {-999, 0}, "x0 * cosh(x1)"},
              {"x3", "Jet_x3", abs(0.01), {}, ""}}},
            {"Muon",
             aeplugin::CodecKind::kPlain,
             {{"x0", "Muon_x0", rel(2e-7), {}, ""}, {"x1", "Muon_x1", abs(1e-4), {-1, -2, -3}, ""}}},
            {"MET", aeplugin::CodecKind::kPlain, {{"MET", "MET", rel(0.01), {}, ""}}},
            {"weight", aeplugin::CodecKind::kPlain, {{"weight", "weight", rel(1e-6), {1}, ""}}},
            {"vertex", aeplugin::CodecKind::kPlain, {{"vertex", "vertex", abs(0.5), {}, ""}}}},
           {}};
}

/// The rules, and for the codec `autoencoder` a network of the jets.
inline aeplugin::Model EventModel(aeplugin::CodecKind codec = aeplugin::CodecKind::kPlain)
{
   aeplugin::Model model;
   model.fRules = EventRules(codec);
   if (codec != aeplugin::CodecKind::kPlain)
      model.fCollections = {RandomCollection(4, {8, 2})};
   return model;
}

/// How often values are special: one in so many.
struct EventOptions {
   unsigned fSpecial = 50;
   std::uint64_t fMostObjects = 6;
};

inline aeplugin::TableBlock RandomEvents(std::size_t events, unsigned seed, const EventOptions &options = {})
{
   const auto schema = EventSchema();
   // Shapes and kept values first; then collections get equal lengths and the compressed columns likely values.
   auto block = RandomTable(schema, events, seed);
   std::mt19937_64 random(seed);
   std::normal_distribution<double> normal;
   for (const std::size_t first : {std::size_t{0}, std::size_t{4}}) {
      std::vector<std::uint64_t> offsets = {0};
      for (std::size_t event = 0; event < events; ++event)
         offsets.push_back(offsets.back() + random() % (options.fMostObjects + 1));
      for (std::size_t column = first; column < (first == 0 ? 4 : 6); ++column)
         block.fColumns[column].fOffsets = {offsets};
   }
   const double odd[] = {0., -0., -999., -1., -2., 1e-40, 3e38, -1e30, INFINITY, -INFINITY, NAN};
   for (std::size_t column = 0; column < kCompressedColumns; ++column) {
      const auto &offsets = block.fColumns[column].fOffsets;
      std::visit(
         [&](auto &values) {
            using T = typename std::decay_t<decltype(values)>::value_type;
            if constexpr (std::is_floating_point_v<T>) {
               values.resize(offsets.empty() ? events : offsets.back().back());
               for (std::size_t i = 0; i < values.size(); ++i) {
                  const double likely = column % 2 == 1 ? 2 * normal(random) : std::pow(10, 4.8 + 0.4 * normal(random));
                  values[i] = static_cast<T>(options.fSpecial > 0 && random() % options.fSpecial == 0
                                                ? odd[random() % std::size(odd)]
                                                : likely);
               }
            }
         },
         block.fColumns[column].fValues);
   }
   // Energy, roughly.
   auto &pt = std::get<std::vector<float>>(block.fColumns[0].fValues);
   auto &eta = std::get<std::vector<float>>(block.fColumns[1].fValues);
   auto &energy = std::get<std::vector<float>>(block.fColumns[2].fValues);
   for (std::size_t i = 0; i < energy.size(); ++i)
      if (std::isfinite(energy[i]) && energy[i] > 0 && std::isfinite(pt[i]) && std::abs(eta[i]) < 10)
         energy[i] = pt[i] * std::cosh(eta[i]) * static_cast<float>(1 + 0.001 * normal(random));
   return block;
}

inline aeplugin::Promise PromiseOf(const aeplugin::Layout &layout, std::size_t column)
{
   for (const auto &group : layout.fGroups)
      for (const auto &compressed : group.fColumns)
         if (compressed.fColumn == column)
            return {compressed.fTolerance, compressed.fSentinels};
   return {};
}

/// Fails unless every value of a column is what was promised.
inline void ExpectWithin(const aeplugin::Layout &layout, std::size_t column, const aeplugin::ColumnBlock &original,
                         const aeplugin::ColumnBlock &decoded)
{
   const auto result = Compare(layout.fSchema[column], PromiseOf(layout, column), original, decoded, 0);
   IsTrue(result.fViolations == 0, result.fFirst);
}

/// The columns that are kept, which stand beside a stored block.
inline aeplugin::TableBlock KeptOf(const aeplugin::Layout &layout, const aeplugin::TableBlock &block)
{
   aeplugin::TableBlock kept;
   kept.fEvents = block.fEvents;
   kept.fColumns.resize(layout.fSchema.size());
   for (std::size_t column = 0; column < layout.fSchema.size(); ++column)
      if (layout.IsKept(column))
         kept.fColumns[column] = block.fColumns[column];
   return kept;
}

inline std::vector<std::size_t> AllColumns(const aeplugin::Layout &layout)
{
   std::vector<std::size_t> columns(layout.fSchema.size());
   for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i] = i;
   return columns;
}

/// For all of EventSchema().
inline aeplugin::BlockCoder MakeCoder(aeplugin::CodecKind codec, const std::string &instructionSet = "")
{
   const aeplugin::Model model = EventModel(codec);
   return aeplugin::BlockCoder(MakeLayout(EventSchema(), model, {RandomEvents(500, 1)}, 500), model, instructionSet);
}

/// Decodes all columns, with the kept ones of `original` beside the block.
inline aeplugin::TableBlock Decode(const aeplugin::BlockCoder &coder, const aeplugin::StoredBlock &stored,
                                   const aeplugin::TableBlock &original)
{
   aeplugin::TableBlock decoded = KeptOf(coder.GetLayout(), original);
   decoded.fFirstEvent = original.fFirstEvent;
   coder.Decode(stored, AllColumns(coder.GetLayout()), decoded, "test");
   return decoded;
}

} // namespace testing

#endif
