#include "any_density_events.hxx"
#include "random_events.hxx"
#include "testing.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/planner.hxx>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <functional>
#include <set>
#include <thread>

namespace {

using namespace aeplugin;
using testing::AnyDensity;
using testing::AnyEvents;
using testing::AreEqual;
using testing::Decode;
using testing::ExpectEqual;
using testing::ExpectWithin;
using testing::IsTrue;
using testing::MakeAnyDensity;
using testing::Throws;

constexpr std::uint64_t kDensities = 150;
constexpr const char *kInstructionSets[] = {"generic", "avx2", "avx512"};

/// Calls `visit` with many densities; a failure says which one it was.
void ForEachDensity(std::uint64_t densities, const std::function<void(const AnyDensity &, std::uint64_t)> &visit)
{
   for (std::uint64_t seed = 0; seed < densities; ++seed)
      try {
         visit(MakeAnyDensity(seed), seed);
      } catch (const std::exception &error) {
         throw std::runtime_error("density " + std::to_string(seed) + ": " + error.what());
      }
}

bool IsSame(const StoredBlock &a, const StoredBlock &b)
{
   return a.fEvents == b.fEvents && a.fChecksums == b.fChecksums && a.fSpecial == b.fSpecial &&
          a.fIntegers == b.fIntegers;
}

StoredBlock Encode(const BlockCoder &coder, const TableBlock &block)
{
   std::vector<QuantiserSummary> summaries;
   return coder.Encode(block, summaries);
}

/// A block with nothing in it but what some columns need.
StoredBlock OnlyFor(const BlockCoder &coder, const std::vector<std::size_t> &columns, const StoredBlock &stored)
{
   StoredBlock part = stored;
   part.fIntegers.assign(stored.fIntegers.size(), {});
   for (const std::size_t field : coder.FieldsFor(columns))
      part.fIntegers[field] = stored.fIntegers[field];
   return part;
}

TableBlock DecodeOnly(const BlockCoder &coder, const std::vector<std::size_t> &columns, const StoredBlock &stored,
                      const TableBlock &original)
{
   TableBlock decoded = testing::KeptOf(coder.GetLayout(), original);
   coder.Decode(OnlyFor(coder, columns, stored), columns, decoded, "test");
   return decoded;
}

void ExpectRoundTrip(const BlockCoder &coder, const TableBlock &block)
{
   const Layout &layout = coder.GetLayout();
   std::vector<QuantiserSummary> summaries;
   const StoredBlock stored = coder.Encode(block, summaries);
   AreEqual(stored.fEvents, block.fEvents, "events");
   const TableBlock decoded = Decode(coder, stored, block);
   for (std::size_t column = 0; column < layout.fSchema.size(); ++column) {
      const auto &original = block.fColumns[column];
      const std::string &name = layout.fSchema[column].fName;
      ExpectWithin(layout, column, original, decoded.fColumns[column]);
      if (!layout.fSchema[column].IsFloating())
         ExpectEqual(decoded.fColumns[column], original, name);
      ExpectEqual(DecodeOnly(coder, {column}, stored, block).fColumns[column], decoded.fColumns[column], name);
      const auto values = std::visit([](const auto &v) { return v.size(); }, original.fValues);
      AreEqual(summaries[column].fValues, layout.IsKept(column) ? 0 : values, "values in the summary");
   }
}

void TestRoundTrips()
{
   ForEachDensity(kDensities, [](const AnyDensity &density, std::uint64_t seed) {
      const BlockCoder coder(density.fLayout, density.fModel);
      for (const std::size_t events : {0u, 1u, 2u, 9u, 300u})
         ExpectRoundTrip(coder, AnyEvents(density, events, seed + events));
      ExpectRoundTrip(coder, AnyEvents(density, 40, seed, {1, 5, 5}));   // nothing as expected
      ExpectRoundTrip(coder, AnyEvents(density, 40, seed, {0, 5, 5}));   // all as expected
      ExpectRoundTrip(coder, AnyEvents(density, 30, seed, {20, 0, 0}));  // events without objects
      ExpectRoundTrip(coder, AnyEvents(density, 30, seed, {20, 1, 90})); // few with very many
   });
}

/// More rows than are worked on at once, in steps that end anywhere.
void TestLongBlocks()
{
   ForEachDensity(4, [](const AnyDensity &density, std::uint64_t seed) {
      const BlockCoder coder(density.fLayout, density.fModel);
      for (const std::size_t events : {255u, 256u, 257u, 5000u})
         ExpectRoundTrip(coder, AnyEvents(density, events, seed + events));
   });
}

void TestPairsOfColumns()
{
   ForEachDensity(kDensities / 3, [](const AnyDensity &density, std::uint64_t seed) {
      const BlockCoder coder(density.fLayout, density.fModel);
      const auto block = AnyEvents(density, 20, seed);
      const auto stored = Encode(coder, block);
      const auto decoded = Decode(coder, stored, block);
      const auto &schema = density.fLayout.fSchema;
      for (std::size_t a = 0; a < schema.size(); ++a)
         for (std::size_t b = 0; b < a; ++b) {
            const auto both = DecodeOnly(coder, {a, b}, stored, block);
            ExpectEqual(both.fColumns[a], decoded.fColumns[a], schema[a].fName);
            ExpectEqual(both.fColumns[b], decoded.fColumns[b], schema[b].fName);
         }
   });
}

/// The same bytes, whatever CPU; and the same values from them.
void TestInstructionSets()
{
   ForEachDensity(kDensities, [](const AnyDensity &density, std::uint64_t seed) {
      const BlockCoder best(density.fLayout, density.fModel);
      const auto block = AnyEvents(density, 100, seed);
      const auto stored = Encode(best, block);
      const auto decoded = Decode(best, stored, block);
      for (const char *set : kInstructionSets)
         try {
            const BlockCoder coder(density.fLayout, density.fModel, set);
            IsTrue(IsSame(Encode(coder, block), stored), std::string("bytes with ") + set);
            ExpectEqual(Decode(coder, stored, block), decoded, density.fLayout.fSchema);
         } catch (const CompatibilityError &) { // this CPU has it not
         }
   });
}

/// Rounding as other libraries may have left it in the thread.
void TestFloatingPointModes()
{
   ForEachDensity(20, [](const AnyDensity &density, std::uint64_t seed) {
      const BlockCoder coder(density.fLayout, density.fModel);
      const auto block = AnyEvents(density, 100, seed);
      const auto stored = Encode(coder, block);
      const auto decoded = Decode(coder, stored, block);
      for (const int mode : {FE_UPWARD, FE_TOWARDZERO}) {
         std::fesetround(mode);
         const bool isSame = IsSame(Encode(coder, block), stored);
         const auto again = Decode(coder, stored, block);
         std::fesetround(FE_TONEAREST);
         IsTrue(isSame, "bytes");
         ExpectEqual(again, decoded, density.fLayout.fSchema);
      }
   });
}

void TestThreads()
{
   ForEachDensity(5, [](const AnyDensity &density, std::uint64_t seed) {
      const BlockCoder coder(density.fLayout, density.fModel);
      std::vector<TableBlock> blocks;
      std::vector<StoredBlock> expected;
      for (std::size_t events : {0u, 30u, 200u, 300u}) {
         blocks.push_back(AnyEvents(density, events, seed + events));
         expected.push_back(Encode(BlockCoder(density.fLayout, density.fModel), blocks.back())); // one never used
      }
      std::atomic<int> wrong{0};
      std::vector<std::thread> threads;
      for (int thread = 0; thread < 4; ++thread)
         threads.emplace_back([&, thread] {
            try {
               for (std::size_t i = 0; i < 3 * blocks.size(); ++i) {
                  const std::size_t which = (i + static_cast<std::size_t>(thread)) % blocks.size();
                  wrong += IsSame(Encode(coder, blocks[which]), expected[which]) ? 0 : 1;
               }
            } catch (const std::exception &) {
               wrong += 1000;
            }
         });
      for (auto &thread : threads)
         thread.join();
      AreEqual(wrong.load(), 0, "wrong or failed");
   });
}

/// Two ways to write the same density down: they are the same to a coder.
void TestSavedModels()
{
   ForEachDensity(kDensities, [](const AnyDensity &density, std::uint64_t seed) {
      const Model saved = Model::FromBytes(density.fModel.ToBytes());
      const auto block = AnyEvents(density, 30, seed);
      const auto stored = Encode(BlockCoder(density.fLayout, density.fModel), block);
      const BlockCoder coder(density.fLayout, saved);
      IsTrue(IsSame(Encode(coder, block), stored), "bytes with the saved model");
   });
}

/// No field is needed for a column that no coder would have to look at: that of a variable which nothing depends on.
void TestLastVariableIsLazy()
{
   std::size_t spared = 0;
   ForEachDensity(kDensities, [&](const AnyDensity &density, std::uint64_t) {
      const BlockCoder coder(density.fLayout, density.fModel);
      const auto &schema = density.fLayout.fSchema;
      for (std::size_t column = 0; column < schema.size(); ++column) {
         const auto fields = coder.FieldsFor({column});
         const std::set<std::size_t> unique(fields.begin(), fields.end());
         AreEqual(unique.size(), fields.size(), "a field stands twice");
         IsTrue(fields.empty() == density.fLayout.IsKept(column), "fields of " + schema[column].fName);
         spared += coder.Fields().size() - fields.size();
      }
   });
   IsTrue(spared > 1000, "few fields are spared: " + std::to_string(spared));
}

const DensityVariable *VariableOf(const AnyDensity &density, const std::string &column)
{
   for (const DensityVariable &variable : density.fModel.fDensity->fVariables)
      if (variable.fColumn == column)
         return &variable;
   return nullptr;
}

/// Layouts that are not what the density was made for.
void TestOtherLayouts()
{
   ForEachDensity(30, [](const AnyDensity &density, std::uint64_t) {
      const auto refused = [&](const std::string &part, const std::function<bool(Layout &, Group &)> &spoil) {
         for (std::size_t g = 0; g < density.fLayout.fGroups.size(); ++g) {
            Layout layout = density.fLayout;
            if (layout.fGroups[g].fCodec == CodecKind::kAutoregressive && spoil(layout, layout.fGroups[g]))
               Throws<ModelError>([&] { BlockCoder(layout, density.fModel); }, part);
         }
      };
      refused("that is not to be coded by it", [](Layout &, Group &group) {
         group.fColumns.pop_back();
         return true;
      });
      refused("that is not to be coded by it", [](Layout &, Group &group) {
         group.fName = "Others";
         return true;
      });
      refused("that is not to be coded by it", [](Layout &, Group &group) {
         group.fColumns.front().fVariable = "other";
         return true;
      });
      refused("with the tolerance ", [](Layout &, Group &group) {
         Tolerance &tolerance = group.fColumns.front().fTolerance;
         const bool isExact = tolerance.fKind == ToleranceKind::kExact;
         tolerance.fValue *= 2;
         return !isExact;
      });
      refused(", the data have '", [](Layout &layout, Group &group) {
         layout.fSchema[group.fColumns.front().fColumn].fName += "_other";
         return true;
      });
      refused(", the data have '", [](Layout &layout, Group &group) {
         ColumnType &type = layout.fSchema[group.fColumns.front().fColumn].fType;
         const bool isFloating = type == ColumnType::kFloat32 || type == ColumnType::kFloat64;
         type = type == ColumnType::kFloat32 ? ColumnType::kFloat64 : ColumnType::kFloat32;
         return isFloating;
      });
      refused(" variables; the groups of the codec autoregressive have ", [](Layout &layout, Group &group) {
         CompressedColumn more = group.fColumns.front();
         more.fVariable = "more";
         layout.fSchema.push_back(layout.fSchema[more.fColumn]);
         layout.fSchema.back().fName = "more";
         more.fColumn = layout.fSchema.size() - 1;
         group.fColumns.push_back(more);
         return true;
      });
      Model other = density.fModel;
      other.fDensity.reset();
      Throws<ModelError>([&] { BlockCoder(density.fLayout, other); }, "the model has no density");
   });
}

/// As a reader of files meets them.
void TestMetadata()
{
   ForEachDensity(30, [](const AnyDensity &density, std::uint64_t seed) {
      Metadata metadata;
      metadata.SetLayout(density.fLayout);
      const BlockCoder coder = BlockCoder::OfPart(metadata, density.fModel, "f.root");
      const auto block = AnyEvents(density, 20, seed);
      const auto stored = Encode(BlockCoder(density.fLayout, density.fModel), block);
      ExpectEqual(Decode(coder, stored, block), Decode(BlockCoder(density.fLayout, density.fModel), stored, block),
                  density.fLayout.fSchema);
      Throws<CorruptionError>([&] { BlockCoder::OfPart(metadata, {}, "f.root"); },
                              "f.root: its model does not fit its metadata");
   });
}

/// The planner gives what the rules ask for: all groups of the density, with their exact integers.
void TestPlanner()
{
   std::size_t planned = 0;
   ForEachDensity(60, [&](const AnyDensity &density, std::uint64_t seed) {
      // A group of nothing but exact integers has no rule, and nobody would train a density of it.
      const auto &rules = density.fModel.fRules.fCollections;
      for (const Group &group : density.fLayout.fGroups)
         if (std::none_of(rules.begin(), rules.end(), [&](const auto &rule) { return rule.fName == group.fName; }))
            return;
      const auto sample = AnyEvents(density, 50, seed);
      const Layout layout = MakeLayout(density.fLayout.fSchema, density.fModel, {sample}, 50);
      ++planned;
      for (const Group &group : layout.fGroups) {
         const bool isOther = group.fName == "Other";
         AreEqual(CodecName(group.fCodec), isOther ? "plain" : "autoregressive", "codec of " + group.fName);
         for (const CompressedColumn &column : group.fColumns)
            if (const DensityVariable *variable = VariableOf(density, layout.fSchema[column.fColumn].fName))
               IsTrue(column.fTolerance.fKind == variable->fTolerance.fKind, "tolerance");
      }
      ExpectRoundTrip(BlockCoder(layout, density.fModel), AnyEvents(density, 20, seed + 1));
   });
   IsTrue(planned > 10, "densities that can be planned: " + std::to_string(planned));
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("round trips", TestRoundTrips);
   suite.Case("long blocks", TestLongBlocks);
   suite.Case("pairs of columns", TestPairsOfColumns);
   suite.Case("instruction sets", TestInstructionSets);
   suite.Case("floating-point modes", TestFloatingPointModes);
   suite.Case("threads", TestThreads);
   suite.Case("saved models", TestSavedModels);
   suite.Case("fields that are needed", TestLastVariableIsLazy);
   suite.Case("layouts of other columns", TestOtherLayouts);
   suite.Case("metadata", TestMetadata);
   suite.Case("planner", TestPlanner);
   return suite.ExitCode();
}
