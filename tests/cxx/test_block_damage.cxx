#include "allocation_watch.hxx"
#include "random_events.hxx"
#include "stored_block_bytes.hxx"
#include "testing.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/planner.hxx>

#include <cstring>
#include <functional>

// Blocks as damage and hostile hands leave them: an error of aeplugin or the right values, and little memory.
namespace {

using namespace aeplugin;
using testing::AllColumns;
using testing::Decode;
using testing::EventModel;
using testing::EventSchema;
using testing::ExpectEqual;
using testing::IsTrue;
using testing::KeptOf;
using testing::MakeCoder;
using testing::RandomEvents;
using testing::Throws;

void TestEveryBitFlip()
{
   for (const CodecKind codec : {CodecKind::kPlain, CodecKind::kAutoencoder}) {
      const BlockCoder coder = MakeCoder(codec);
      const auto block = RandomEvents(5, 21, {3, 3});
      std::vector<QuantiserSummary> summaries;
      StoredBlock stored = coder.Encode(block, summaries);
      const auto expected = Decode(coder, stored, block);
      std::size_t errors = 0;
      std::size_t harmless = 0;
      testing::ForEachMember(stored, [&](void *data, std::size_t size) {
         auto *bytes = static_cast<unsigned char *>(data);
         for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1U << bit % 8));
            try {
               ExpectEqual(Decode(coder, stored, block), expected, EventSchema());
               ++harmless;
            } catch (const CorruptionError &) {
               ++errors;
            }
            bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1U << bit % 8));
         }
      });
      ExpectEqual(Decode(coder, stored, block), expected, EventSchema());
      IsTrue(errors > 10 * harmless, std::to_string(errors) + " errors, " + std::to_string(harmless) + " harmless");
   }
}

void TestDamagedBlocks()
{
   const BlockCoder coder = MakeCoder(CodecKind::kAutoencoder);
   const auto block = RandomEvents(20, 22, {5, 4});
   std::vector<QuantiserSummary> summaries;
   const StoredBlock whole = coder.Encode(block, summaries);
   const auto refused = [&](const std::function<void(StoredBlock &)> &spoil, const std::string &part = "f.root: ") {
      StoredBlock stored = whole;
      spoil(stored);
      TableBlock decoded = KeptOf(coder.GetLayout(), block);
      testing::gLargestAllocation = 0;
      Throws<CorruptionError>([&] { coder.Decode(stored, AllColumns(coder.GetLayout()), decoded, "f.root"); }, part);
      IsTrue(testing::gLargestAllocation < 100'000,
             part + ": allocates " + std::to_string(testing::gLargestAllocation) + " bytes at once");
   };
   for (std::size_t field = 0; field < whole.fIntegers.size(); ++field) {
      const auto resize = [field](auto size) {
         return [field, size](StoredBlock &stored) {
            std::visit([&](auto &values) { values.resize(static_cast<std::size_t>(size(values.size()))); },
                       stored.fIntegers[field]);
         };
      };
      refused(resize([](std::size_t n) { return n - 1; }));
      refused(resize([](std::size_t n) { return n + 1; }));
      refused(resize([](std::size_t) { return 0; }));
      if (coder.Fields()[field].fName.find("_low") == std::string::npos)
         refused([&](StoredBlock &stored) { stored.fIntegers[field] = std::vector<std::uint32_t>(20); },
                 "holds integers of more than one byte");
   }
   for (std::size_t size = 0; size < whole.fSpecial.size(); ++size)
      refused([&](StoredBlock &stored) { stored.fSpecial.resize(size); });
   refused([](StoredBlock &stored) { stored.fSpecial.push_back(0); }, "1 bytes too many in the special values");
   refused([](StoredBlock &stored) { stored.fChecksums.pop_back(); }, "there are 12 checksums for 13 columns");
   for (const std::uint32_t events : {0u, 19u, 21u, 1000u, 0x80000000u, UINT32_MAX})
      refused([&](StoredBlock &stored) { stored.fEvents = events; });
}

/// Counts that no honest file has: as wide integers, they can be anything.
void TestAbsurdCounts()
{
   const Model model = EventModel();
   Layout layout = MakeLayout(EventSchema(), model, {}, 1);
   for (Group &group : layout.fGroups)
      group.fCounts = {1000, 8}; // every count is wide
   const BlockCoder coder(layout, model);
   const auto block = RandomEvents(3, 23, {0, 3});
   std::vector<QuantiserSummary> summaries;
   const StoredBlock whole = coder.Encode(block, summaries);
   const auto size = whole.fSpecial.size();
   std::size_t tried = 0;
   for (std::size_t at = 0; at + 4 <= size; ++at)
      for (const std::uint32_t value : {0x7fffffffu, 0x3fffffffu, 0x80000000u, 0xffffffffu, 1000u}) {
         StoredBlock stored = whole;
         std::memcpy(stored.fSpecial.data() + at, &value, sizeof value);
         TableBlock decoded = KeptOf(layout, block);
         testing::gLargestAllocation = 0;
         try {
            coder.Decode(stored, AllColumns(layout), decoded, "f.root");
            IsTrue(stored.fSpecial == whole.fSpecial, "decoding changed data");
         } catch (const CorruptionError &) {
            ++tried;
         }
         IsTrue(testing::gLargestAllocation < 100'000,
                "allocates " + std::to_string(testing::gLargestAllocation) + " bytes at once");
      }
   IsTrue(tried > size, "most are refused");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("every bit flipped", TestEveryBitFlip);
   suite.Case("damaged blocks", TestDamagedBlocks);
   suite.Case("absurd counts", TestAbsurdCounts);
   return suite.ExitCode();
}
