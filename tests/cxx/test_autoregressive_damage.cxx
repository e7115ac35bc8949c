#include "allocation_watch.hxx"
#include "any_density_events.hxx"
#include "random_events.hxx"
#include "stored_block_bytes.hxx"
#include "testing.hxx"

#include <aeplugin/block_coder.hxx>

#include <cstring>
#include <functional>
#include <new>

// Blocks of the codec autoregressive as damage and hostile hands leave them: a CorruptionError or the right values,
// and little memory.
namespace {

using namespace aeplugin;
using testing::AnyDensity;
using testing::AnyEvents;
using testing::ExpectEqual;
using testing::IsTrue;
using testing::KeptOf;
using testing::MakeAnyDensity;

constexpr std::uint64_t kDensities = 8;
/// A byte of a stream may stand for 512 integers, of which a reader keeps up to eight bytes each.
constexpr std::size_t kLargestAllocation = std::size_t{8} << 20;

/// A block of a density, and what it decodes to.
struct Sample {
   explicit Sample(std::uint64_t seed, std::size_t events)
      : fDensity(MakeAnyDensity(seed)), fCoder(fDensity.fLayout, fDensity.fModel),
        fBlock(AnyEvents(fDensity, events, seed, {10, 4, 4}))
   {
      std::vector<QuantiserSummary> summaries;
      fStored = fCoder.Encode(fBlock, summaries);
      fDecoded = testing::Decode(fCoder, fStored, fBlock);
   }

   AnyDensity fDensity;
   BlockCoder fCoder;
   TableBlock fBlock;
   StoredBlock fStored;
   TableBlock fDecoded;
};

void ForEachSample(std::size_t events, const std::function<void(const Sample &)> &visit)
{
   for (std::uint64_t seed = 0; seed < kDensities; ++seed) {
      testing::gAllocationLimit = SIZE_MAX;
      const Sample sample(seed, events);
      testing::gAllocationLimit = kLargestAllocation;
      try {
         visit(sample);
      } catch (const std::bad_alloc &) {
         testing::gAllocationLimit = SIZE_MAX;
         throw std::runtime_error("density " + std::to_string(seed) + " allocates too much at once");
      } catch (const std::exception &error) {
         throw std::runtime_error("density " + std::to_string(seed) + ": " + error.what());
      }
   }
   testing::gAllocationLimit = SIZE_MAX;
}

/// Decodes columns of what may be damaged. Returns whether that was refused; else the values must be right.
bool IsRefused(const Sample &sample, const StoredBlock &stored, const std::vector<std::size_t> &columns)
{
   TableBlock decoded = KeptOf(sample.fCoder.GetLayout(), sample.fBlock);
   try {
      sample.fCoder.Decode(stored, columns, decoded, "f.root");
   } catch (const CorruptionError &error) {
      IsTrue(std::string(error.what()).rfind("f.root: ", 0) == 0, "the message says where");
      return true;
   }
   for (const std::size_t column : columns)
      ExpectEqual(decoded.fColumns[column], sample.fDecoded.fColumns[column], "a column of damaged data");
   return false;
}

/// All columns together; and each alone, because what is damaged for one must not lead another astray.
bool IsRefused(const Sample &sample, const StoredBlock &stored)
{
   for (std::size_t column = 0; column < sample.fDecoded.fColumns.size(); ++column)
      IsRefused(sample, stored, {column});
   return IsRefused(sample, stored, testing::AllColumns(sample.fCoder.GetLayout()));
}

void TestEveryBitFlip()
{
   std::size_t flips = 0;
   std::size_t harmless = 0;
   ForEachSample(4, [&](const Sample &sample) {
      StoredBlock stored = sample.fStored;
      const auto all = testing::AllColumns(sample.fCoder.GetLayout());
      testing::ForEachMember(stored, [&](void *data, std::size_t size) {
         auto *bytes = static_cast<unsigned char *>(data);
         for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            const auto mask = static_cast<unsigned char>(1U << bit % 8);
            bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ mask);
            harmless += IsRefused(sample, stored, all) ? 0u : 1u;
            bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ mask);
            ++flips;
         }
      });
   });
   IsTrue(flips > 1000 * harmless, std::to_string(harmless) + " of " + std::to_string(flips) + " flips are harmless");
}

/// Of streams and of the special values, at every byte; and bytes behind their end.
void TestSizes()
{
   ForEachSample(5, [](const Sample &sample) {
      const StoredBlock &whole = sample.fStored;
      for (std::size_t field = 0; field < whole.fIntegers.size(); ++field) {
         const auto &bytes = std::get<std::vector<std::uint8_t>>(whole.fIntegers[field]);
         for (std::size_t size = 0; size <= bytes.size() + 9; ++size) {
            if (size == bytes.size())
               continue;
            StoredBlock stored = whole;
            std::get<std::vector<std::uint8_t>>(stored.fIntegers[field]).resize(size);
            IsTrue(IsRefused(sample, stored),
                   "a stream of " + std::to_string(size) + " bytes instead of " + std::to_string(bytes.size()));
         }
         StoredBlock stored = whole;
         stored.fIntegers[field] = std::vector<std::uint32_t>(20);
         IsTrue(IsRefused(sample, stored), "integers of four bytes");
      }
      for (std::size_t size = 0; size < whole.fSpecial.size() + 5; ++size) {
         StoredBlock stored = whole;
         stored.fSpecial.resize(size);
         IsTrue(size == whole.fSpecial.size() || IsRefused(sample, stored), "special values cut");
      }
   });
}

void TestOtherNumbersOfEvents()
{
   ForEachSample(5, [](const Sample &sample) {
      for (const std::uint32_t events : {0u, 4u, 6u, 1000u, 100'000u, 0x7fffffffu, 0x80000000u, UINT32_MAX}) {
         StoredBlock stored = sample.fStored;
         stored.fEvents = events;
         IsTrue(IsRefused(sample, stored), std::to_string(events) + " events instead of 5");
      }
   });
}

/// Integers that no honest file has where it lists those that the density did not expect: numbers of objects, too.
void TestAbsurdIntegers()
{
   ForEachSample(3, [](const Sample &sample) {
      for (std::size_t at = 0; at + 4 <= sample.fStored.fSpecial.size(); ++at)
         for (const std::uint32_t value : {0x7fffffffu, 0x3fffffffu, 0x40000000u, 0x80000000u, 0x80000001u, 0x80000050u,
                                           0xc0000000u, 0xffffffffu, 1000u}) {
            StoredBlock stored = sample.fStored;
            std::memcpy(stored.fSpecial.data() + at, &value, sizeof value);
            IsRefused(sample, stored);
         }
   });
}

/// Streams that are all noise, or those of other variables.
void TestForeignStreams()
{
   std::mt19937_64 random(3);
   ForEachSample(50, [&](const Sample &sample) {
      for (std::size_t field = 0; field < sample.fStored.fIntegers.size(); ++field) {
         StoredBlock stored = sample.fStored;
         auto &bytes = std::get<std::vector<std::uint8_t>>(stored.fIntegers[field]);
         bytes.resize(64 + 4 * (random() % 100));
         for (std::uint8_t &byte : bytes)
            byte = static_cast<std::uint8_t>(random());
         for (std::size_t state = 0; state < 8; ++state) // within their range, else that is all that is refused
            bytes[8 * state + 7] &= 0x7f;
         IsTrue(IsRefused(sample, stored), "noise");
         stored.fIntegers[field] = sample.fStored.fIntegers[(field + 1) % sample.fStored.fIntegers.size()];
         if (stored.fIntegers[field] != sample.fStored.fIntegers[field])
            IsTrue(IsRefused(sample, stored), "the stream of another variable");
      }
   });
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("every bit flipped", TestEveryBitFlip);
   suite.Case("other sizes", TestSizes);
   suite.Case("other numbers of events", TestOtherNumbersOfEvents);
   suite.Case("absurd integers", TestAbsurdIntegers);
   suite.Case("foreign streams", TestForeignStreams);
   return suite.ExitCode();
}
