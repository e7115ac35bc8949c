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

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::Decode;
using testing::EventModel;
using testing::EventSchema;
using testing::ExpectEqual;
using testing::ExpectWithin;
using testing::IsTrue;
using testing::MakeCoder;
using testing::RandomEvents;
using testing::Throws;

constexpr CodecKind kBothCodecs[] = {CodecKind::kPlain, CodecKind::kAutoencoder};
constexpr const char *kInstructionSets[] = {"generic", "avx2", "avx512"};

bool IsSame(const StoredBlock &a, const StoredBlock &b)
{
   return a.fEvents == b.fEvents && a.fChecksums == b.fChecksums && a.fSpecial == b.fSpecial &&
          a.fIntegers == b.fIntegers;
}

/// Encodes and decodes; all within the bound, kept columns to the bit, each column alone as all together.
void ExpectRoundTrip(const BlockCoder &coder, const TableBlock &block)
{
   const Layout &layout = coder.GetLayout();
   std::vector<QuantiserSummary> summaries;
   const StoredBlock stored = coder.Encode(block, summaries);
   AreEqual(stored.fEvents, block.fEvents);
   AreEqual(stored.fIntegers.size(), coder.Fields().size());
   const TableBlock decoded = Decode(coder, stored, block);
   for (std::size_t column = 0; column < layout.fSchema.size(); ++column) {
      ExpectWithin(layout, column, block.fColumns[column], decoded.fColumns[column]);
      StoredBlock part = stored;
      part.fIntegers.assign(stored.fIntegers.size(), {});
      for (const std::size_t field : coder.FieldsFor({column}))
         part.fIntegers[field] = stored.fIntegers[field];
      TableBlock alone;
      alone.fColumns.resize(layout.fSchema.size());
      if (layout.IsKept(column))
         alone.fColumns[column] = block.fColumns[column];
      coder.Decode(part, {column}, alone, "test");
      ExpectEqual(alone.fColumns[column], decoded.fColumns[column], layout.fSchema[column].fName);
      const auto values = std::visit([](const auto &v) { return v.size(); }, block.fColumns[column].fValues);
      AreEqual(summaries[column].fValues, layout.IsKept(column) ? 0 : values, "values in the summary");
   }
}

void TestRoundTrips()
{
   for (const CodecKind codec : kBothCodecs) {
      const BlockCoder coder = MakeCoder(codec);
      for (const unsigned special : {0u, 50u, 1u})
         for (const std::size_t events : {0u, 1u, 2u, 7u, 1000u})
            ExpectRoundTrip(coder, RandomEvents(events, special + 5, {special, 6}));
      ExpectRoundTrip(coder, RandomEvents(100, 9, {10, 0})); // events without objects
      ExpectRoundTrip(coder, RandomEvents(3, 10, {10, 5000}));
   }
}

/// Layouts planned on nothing, and on other data than those that come.
void TestBadSamples()
{
   for (const CodecKind codec : kBothCodecs) {
      const Model model = EventModel(codec);
      for (const auto &sample :
           {std::vector<TableBlock>{}, std::vector<TableBlock>{RandomEvents(0, 1)},
            std::vector<TableBlock>{RandomEvents(50, 1, {1, 1})}, std::vector<TableBlock>{RandomEvents(50, 1, {1, 0})}})
         ExpectRoundTrip(BlockCoder(MakeLayout(EventSchema(), model, sample, 1), model), RandomEvents(200, 3));
   }
}

/// Every type and shape, kept as it is.
void TestKeptColumns()
{
   const auto schema = testing::EveryColumn();
   const BlockCoder coder(MakeLayout(schema, {}, {}, 10), {});
   AreEqual(coder.Fields().size(), 0u, "fields without groups");
   const auto block = testing::RandomTable(schema, 40, 3);
   ExpectRoundTrip(coder, block);
   std::vector<QuantiserSummary> summaries;
   const auto stored = coder.Encode(block, summaries);
   for (std::size_t column = 0; column < schema.size(); ++column) {
      TableBlock other = block;
      const bool changed = std::visit(
         [](auto &values) {
            if (values.empty())
               return false;
            values.back() = values.back() == typename std::decay_t<decltype(values)>::value_type{}
                               ? std::decay_t<decltype(values)>(1, values.front()).front()
                               : typename std::decay_t<decltype(values)>::value_type{};
            return true;
         },
         other.fColumns[column].fValues);
      if (!changed || other.fColumns[column].fValues == block.fColumns[column].fValues)
         continue;
      Throws<CorruptionError>([&] { coder.Decode(stored, {column}, other, "x.root, block 3"); },
                              "x.root, block 3: the checksum of column '" + schema[column].fName + "' is wrong; the");
   }
}

void TestManyColumns()
{
   TableSchema schema;
   Model model;
   TableBlock block;
   block.fEvents = 20;
   std::mt19937 random(1);
   std::normal_distribution<float> normal;
   for (int i = 0; i < 1000; ++i) {
      const std::string name = "x" + std::to_string(i);
      schema.push_back(TableColumn::Make(name, "float"));
      if (i % 10 != 0)
         model.fRules.fCollections.push_back(
            {name, CodecKind::kAuto, {{name, name, {ToleranceKind::kAbs, 0.01}, {}, ""}}});
      std::vector<float> values(block.fEvents);
      std::generate(values.begin(), values.end(), [&] { return normal(random); });
      block.fColumns.push_back({values, {}});
   }
   const BlockCoder coder(MakeLayout(schema, model, {block}, 20), model);
   AreEqual(coder.GetLayout().fGroups.size(), 900u, "groups");
   std::vector<QuantiserSummary> summaries;
   const auto decoded = Decode(coder, coder.Encode(block, summaries), block);
   for (std::size_t column = 0; column < schema.size(); ++column)
      ExpectWithin(coder.GetLayout(), column, block.fColumns[column], decoded.fColumns[column]);
}

/// The same bytes, whatever CPU; and the same values from them.
void TestInstructionSets()
{
   for (const CodecKind codec : kBothCodecs) {
      const BlockCoder best = MakeCoder(codec);
      const auto block = RandomEvents(700, 11);
      std::vector<QuantiserSummary> summaries;
      const auto stored = best.Encode(block, summaries);
      const auto decoded = Decode(best, stored, block);
      for (const char *set : kInstructionSets)
         try {
            const BlockCoder coder(best.GetLayout(), EventModel(codec), set);
            std::vector<QuantiserSummary> others;
            IsTrue(IsSame(coder.Encode(block, others), stored), std::string("bytes with ") + set);
            ExpectEqual(Decode(coder, stored, block), decoded, EventSchema());
            for (std::size_t i = 0; i < summaries.size(); ++i)
               IsTrue(others[i].fValues == summaries[i].fValues && others[i].fSpecial == summaries[i].fSpecial &&
                         others[i].fMaxError == summaries[i].fMaxError,
                      "summaries");
         } catch (const CompatibilityError &) { // this CPU has it not
         }
   }
}

/// Calls `function` with rounding upwards and denormals flushed, as other libraries leave a thread.
void WithOddRounding(const std::function<void()> &function)
{
   std::fesetround(FE_UPWARD);
#if defined(__x86_64__)
   const unsigned callers = _mm_getcsr();
   _mm_setcsr(callers | 0x8040);
   function();
   _mm_setcsr(callers);
#else
   function();
#endif
   std::fesetround(FE_TONEAREST);
}

void TestFloatingPointModes()
{
   for (const CodecKind codec : kBothCodecs) {
      const BlockCoder coder = MakeCoder(codec);
      const auto block = RandomEvents(700, 12, {30, 8});
      std::vector<QuantiserSummary> summaries;
      const auto stored = coder.Encode(block, summaries);
      const auto decoded = Decode(coder, stored, block);
      WithOddRounding([&] {
         ExpectEqual(Decode(coder, stored, block), decoded, EventSchema());
         ExpectEqual(Decode(coder, coder.Encode(block, summaries), block), decoded, EventSchema());
      });
   }
}

void TestThreads()
{
   for (const CodecKind codec : kBothCodecs) {
      const BlockCoder coder = MakeCoder(codec);
      std::vector<TableBlock> blocks;
      std::vector<StoredBlock> expected;
      std::vector<QuantiserSummary> summaries;
      for (unsigned seed = 0; seed < 4; ++seed) {
         blocks.push_back(RandomEvents(100 * seed, seed));
         expected.push_back(coder.Encode(blocks.back(), summaries));
      }
      std::atomic<int> wrong{0};
      std::vector<std::thread> threads;
      for (int thread = 0; thread < 4; ++thread)
         threads.emplace_back([&] {
            try {
               for (std::size_t i = 0; i < 3 * blocks.size(); ++i) {
                  const auto &block = blocks[i % blocks.size()];
                  std::vector<QuantiserSummary> own;
                  const auto stored = coder.Encode(block, own);
                  wrong += IsSame(stored, expected[i % blocks.size()]) ? 0 : 1;
                  Decode(coder, stored, block);
               }
            } catch (const std::exception &) {
               wrong += 1000;
            }
         });
      for (auto &thread : threads)
         thread.join();
      AreEqual(wrong.load(), 0, "wrong or failed");
   }
}

void TestDifferentLengths()
{
   const BlockCoder coder = MakeCoder(CodecKind::kPlain);
   auto block = RandomEvents(50, 24);
   block.fFirstEvent = 1000;
   auto &column = block.fColumns[2];
   auto &offsets = column.fOffsets.front();
   for (std::size_t i = 8; i < offsets.size(); ++i)
      ++offsets[i];
   std::get<std::vector<float>>(column.fValues).push_back(1);
   std::vector<QuantiserSummary> summaries;
   Throws<InputError>(
      [&] { coder.Encode(block, summaries); },
      "event 1007: columns 'Jet_x0' and 'Jet_x2' of collection 'Jet' have different numbers of objects");
}

void TestFieldNames()
{
   TableSchema schema;
   Model model;
   for (const char *name : {"special", "events", "a.b", "a_b", "a_b_low", "pt_counts"}) {
      schema.push_back(TableColumn::Make(name, "std::vector<float>"));
      model.fRules.fCollections.push_back(
         {name, CodecKind::kPlain, {{"x", name, {ToleranceKind::kAbs, 0.01}, {}, ""}}});
   }
   const BlockCoder coder(MakeLayout(schema, model, {}, 1), model);
   std::set<std::string> names{"events", "checksums", "special"};
   for (const StoredField &field : coder.Fields()) {
      IsTrue(names.insert(field.fName).second, field.fName + " stands twice");
      IsTrue(field.fName.find('.') == std::string::npos, "'.' is forbidden");
   }
   AreEqual(names.size(), 3 + 12u, "names");
   Layout wide = coder.GetLayout();
   for (Group &group : wide.fGroups)
      group.fColumns.front().fPacking.fBits = 20;
   const BlockCoder widened(wide, model);
   std::size_t shared = 0;
   for (const StoredField &field : widened.Fields())
      shared += names.count(field.fName);
   AreEqual(shared, 12u, "names that do not depend on the bits");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("round trips", TestRoundTrips);
   suite.Case("bad samples", TestBadSamples);
   suite.Case("kept columns", TestKeptColumns);
   suite.Case("1000 columns", TestManyColumns);
   suite.Case("instruction sets", TestInstructionSets);
   suite.Case("floating-point modes", TestFloatingPointModes);
   suite.Case("threads", TestThreads);
   suite.Case("different lengths", TestDifferentLengths);
   suite.Case("names of fields", TestFieldNames);
   return suite.ExitCode();
}
