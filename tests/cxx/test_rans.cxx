#include "testing.hxx"

#include "bytes.hxx"
#include "density/rans.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using aeplugin::CorruptionError;
using aeplugin::density::kIntegersPerByte;
using aeplugin::density::kLowestState;
using aeplugin::density::kStates;
using aeplugin::density::kTotal;
using aeplugin::density::RansDecoder;
using aeplugin::density::RansEncoder;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

constexpr std::size_t kHead = kStates * sizeof(std::uint64_t);

std::uint32_t Below(std::uint32_t n, std::mt19937 &random)
{
   return static_cast<std::uint32_t>(random()) % n;
}

struct Place {
   std::uint32_t fStart;
   std::uint32_t fFrequency;
};

/// A distribution: neighbouring places that fill everything, from the thinnest to the widest.
std::vector<Place> RandomPlaces(std::mt19937 &random)
{
   std::vector<std::uint32_t> borders = {0, 1, kTotal - 1, kTotal};
   for (std::size_t count = random() % 40; count > 0; --count)
      borders.push_back(static_cast<std::uint32_t>(random()) % kTotal >> random() % 20);
   std::sort(borders.begin(), borders.end());
   borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
   std::vector<Place> places;
   for (std::size_t i = 0; i + 1 < borders.size(); ++i)
      places.push_back({borders[i], borders[i + 1] - borders[i]});
   return places;
}

/// Steps of rows, each row with a symbol and perhaps low bits.
class Message {
public:
   Message(std::size_t steps, std::mt19937 &random) : fPlaces(RandomPlaces(random))
   {
      std::uniform_int_distribution<std::size_t> rows(1, 70);
      for (std::size_t i = 0; i < steps; ++i) {
         Step step;
         step.fBits = random() % 3 == 0 ? static_cast<unsigned>(random() % 25) : 0;
         step.fSymbols.resize(rows(random));
         for (auto &symbol : step.fSymbols)
            symbol = random() % fPlaces.size();
         for (std::size_t row = 0; row < step.fSymbols.size(); ++row)
            step.fLow.push_back(static_cast<std::uint32_t>(random()) & ((1u << step.fBits) - 1));
         fSteps.push_back(std::move(step));
      }
   }

   std::size_t Integers() const
   {
      std::size_t integers = 0;
      for (const Step &step : fSteps)
         integers += step.fSymbols.size();
      return integers;
   }

   std::string Encode() const
   {
      RansEncoder encoder;
      for (const Step &step : fSteps) {
         std::vector<std::uint32_t> starts;
         std::vector<std::uint32_t> frequencies;
         for (const std::size_t symbol : step.fSymbols) {
            starts.push_back(fPlaces[symbol].fStart);
            frequencies.push_back(fPlaces[symbol].fFrequency);
         }
         if (step.fBits == 0) {
            encoder.Add(starts.data(), frequencies.data(), starts.size());
            continue;
         }
         for (std::size_t row = 0; row < starts.size(); ++row) {
            encoder.Add(starts[row], frequencies[row], row % kStates);
            encoder.AddUniform(step.fLow[row], step.fBits, row % kStates);
         }
      }
      return encoder.Finish(Integers());
   }

   /// \param bytes in a buffer of just their size, so that the address sanitizer sees a step beyond
   /// \return whether what comes out is what was encoded
   bool Decode(const std::vector<char> &bytes) const
   {
      bool isSame = true;
      RansDecoder decoder(bytes.data(), bytes.size(), "here");
      for (const Step &step : fSteps)
         for (std::size_t first = 0; first < step.fSymbols.size(); first += kStates) {
            const std::size_t rows = std::min(kStates, step.fSymbols.size() - first);
            std::uint32_t slots[kStates];
            decoder.Peek(slots);
            std::uint32_t starts[kStates];
            std::uint32_t frequencies[kStates];
            for (std::size_t row = 0; row < rows; ++row) {
               const std::size_t symbol = SymbolAt(slots[row]);
               isSame &= symbol == step.fSymbols[first + row];
               starts[row] = fPlaces[symbol].fStart;
               frequencies[row] = fPlaces[symbol].fFrequency;
            }
            if (step.fBits == 0) {
               decoder.Advance(starts, frequencies, rows);
               continue;
            }
            for (std::size_t row = 0; row < rows; ++row) {
               decoder.Advance(starts[row], frequencies[row], row);
               isSame &= decoder.Uniform(step.fBits, row) == step.fLow[first + row];
            }
         }
      decoder.Finish(Integers());
      return isSame;
   }

private:
   struct Step {
      unsigned fBits = 0;
      std::vector<std::size_t> fSymbols;
      std::vector<std::uint32_t> fLow;
   };

   std::size_t SymbolAt(std::uint32_t slot) const
   {
      const auto after = std::upper_bound(fPlaces.begin(), fPlaces.end(), slot,
                                          [](std::uint32_t at, const Place &place) { return at < place.fStart; });
      return static_cast<std::size_t>(after - fPlaces.begin()) - 1;
   }

   std::vector<Place> fPlaces;
   std::vector<Step> fSteps;
};

void TestRoundTrips()
{
   std::mt19937 random(1);
   for (std::size_t steps = 0; steps < 300; ++steps) {
      const Message message(steps, random);
      const std::string bytes = message.Encode();
      AreEqual(bytes.size() % 4, 0u, "whole words");
      IsTrue(message.Decode({bytes.begin(), bytes.end()}), "the same symbols");
      AreEqual(message.Encode() == bytes, true, "the same bytes");
   }
}

/// One symbol again and again: the thinnest and the widest that there are.
void TestExtremeFrequencies()
{
   for (const Place place : {Place{0, 1}, Place{kTotal - 1, 1}, Place{0, kTotal - 1}, Place{1, kTotal - 1}}) {
      constexpr std::size_t kSymbols = 1001;
      RansEncoder encoder;
      for (std::size_t i = 0; i < kSymbols; ++i)
         encoder.Add(place.fStart, place.fFrequency, i % kStates);
      const std::string bytes = encoder.Finish(kSymbols);
      const double bits = std::log2(double{kTotal} / place.fFrequency) * kSymbols;
      testing::AreClose(static_cast<double>(bytes.size() - kHead) * 8, bits, 32 * kStates, "size");
      RansDecoder decoder(bytes.data(), bytes.size(), "here");
      for (std::size_t i = 0; i < kSymbols; ++i) {
         std::uint32_t slots[kStates];
         decoder.Peek(slots);
         IsTrue(slots[i % kStates] - place.fStart < place.fFrequency, "the symbol's place");
         decoder.Advance(place.fStart, place.fFrequency, i % kStates);
      }
      decoder.Finish(kSymbols);
   }
}

/// As many bits as there is information, and the states' 33 bits on top.
void TestSize()
{
   std::mt19937 random(2);
   RansEncoder encoder;
   double bits = 0;
   constexpr std::size_t kSymbols = 100000;
   for (std::size_t i = 0; i < kSymbols; ++i) {
      const std::uint32_t frequency = 1 + Below(kTotal - 1, random) / (1 + Below(1000, random));
      encoder.Add(Below(kTotal - frequency, random), frequency, i % kStates);
      bits -= std::log2(frequency / double{kTotal});
   }
   const auto size = static_cast<double>(encoder.Finish(kSymbols).size() - kHead) * 8;
   testing::AreClose(size, bits, 32 * kStates, "bits");
   AreEqual(encoder.Finish(0).size(), kHead, "an encoder that has finished is as new");
}

/// The bytes are part of the format.
void TestGolden()
{
   RansEncoder encoder;
   constexpr std::uint32_t kSymbols = 5000;
   for (std::uint32_t i = 0; i < kSymbols; ++i) {
      const std::uint32_t frequency = 1 + i * 2654435761u % (kTotal - 1) / (1 + i % 100);
      encoder.Add((kTotal - frequency) / 3, frequency, i % kStates);
      encoder.AddUniform(i & 7, i % 4 == 0 ? 3 : 0, i % kStates);
   }
   const std::string bytes = encoder.Finish(kSymbols);
   AreEqual(aeplugin::Crc32(bytes.data(), bytes.size()), 0xCC97B1C2u, "bytes");
}

void TestEmpty()
{
   const std::string bytes = RansEncoder().Finish(0);
   AreEqual(bytes.size(), kHead, "the states");
   for (std::size_t state = 0; state < kStates; ++state) {
      std::uint64_t value;
      std::memcpy(&value, bytes.data() + state * sizeof value, sizeof value);
      AreEqual(value, kLowestState, "a state");
   }
   RansDecoder(bytes.data(), bytes.size(), "here").Finish(0);
}

/// Integers that cost nothing still cost the least size, which is reached by zeros and by zeros only.
void TestPadding()
{
   constexpr std::size_t kIntegers = (kHead + 3) * kIntegersPerByte - 1;
   const std::string bytes = RansEncoder().Finish(kIntegers);
   AreEqual(bytes.size(), kHead + 3, "the least size");
   RansDecoder(bytes.data(), bytes.size(), "here").Finish(kIntegers);
   AreEqual(RansEncoder().Finish(kHead * kIntegersPerByte).size(), kHead, "no padding");
   AreEqual(RansEncoder().Finish(kHead * kIntegersPerByte + 1).size(), kHead + 1, "a byte of padding");

   const auto finish = [](const std::string &damaged, std::size_t integers) {
      RansDecoder(damaged.data(), damaged.size(), "here").Finish(integers);
   };
   Throws<CorruptionError>([&] { finish(bytes + '\0', kIntegers); }, "here: 4 bytes are left; expected 3 zeros");
   Throws<CorruptionError>([&] { finish(bytes.substr(0, kHead + 2), kIntegers); }, "expected 3 zeros");
   Throws<CorruptionError>([&] { finish(bytes, 0); }, "expected 0 zeros");
   for (std::size_t at = kHead; at < bytes.size(); ++at) {
      std::string damaged = bytes;
      damaged[at] = 1;
      Throws<CorruptionError>([&] { finish(damaged, kIntegers); }, "expected 3 zeros");
   }
}

void TestTruncation()
{
   std::mt19937 random(3);
   const Message message(12, random);
   const std::string bytes = message.Encode();
   IsTrue(bytes.size() > kHead + 300, "words to lose");
   for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::vector<char> truncated(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      Throws<CorruptionError>([&] { message.Decode(truncated); }, "here: ");
   }
}

/// Damaged bytes are refused or decoded to something else: a message has one encoding. (That a block's checksum finds.)
void TestMutation()
{
   std::mt19937 random(4);
   std::size_t refused = 0;
   constexpr std::size_t kRounds = 20000;
   for (std::size_t i = 0; i < kRounds; ++i) {
      const Message message(1 + random() % 6, random);
      const std::string bytes = message.Encode();
      std::vector<char> damaged(bytes.begin(), bytes.end());
      if (random() % 2 == 0)
         damaged.resize(random() % (bytes.size() + 9));
      for (std::size_t changes = 1 + random() % 3; changes > 0 && !damaged.empty(); --changes)
         damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
      try {
         AreEqual(message.Decode(damaged), std::string(damaged.begin(), damaged.end()) == bytes, "the same symbols");
      } catch (const CorruptionError &) {
         ++refused;
      }
   }
   IsTrue(refused > kRounds * 9 / 10, "most damage shows");
}

void TestStates()
{
   const std::string bytes = RansEncoder().Finish(0);
   for (const std::uint64_t state : {std::uint64_t{0}, kLowestState - 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
      std::string damaged = bytes;
      std::memcpy(damaged.data() + 3 * sizeof state, &state, sizeof state);
      Throws<CorruptionError>([&] { RansDecoder(damaged.data(), damaged.size(), "here"); },
                              "is " + std::to_string(state) + "; expected 2^31 to 2^63");
   }
   std::string other = bytes;
   other[0] = 1;
   Throws<CorruptionError>([&] { RansDecoder(other.data(), other.size(), "here").Finish(0); },
                           "the entropy coder ends");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("round trips", TestRoundTrips);
   suite.Case("extreme frequencies", TestExtremeFrequencies);
   suite.Case("size", TestSize);
   suite.Case("golden bytes", TestGolden);
   suite.Case("empty streams", TestEmpty);
   suite.Case("padding", TestPadding);
   suite.Case("truncation", TestTruncation);
   suite.Case("mutation", TestMutation);
   suite.Case("states", TestStates);
   return suite.ExitCode();
}
