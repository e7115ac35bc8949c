#include "random_events.hxx"
#include "testing.hxx"

#include "codecs/codec_kinds.hxx"
#include "codecs/packing.hxx"

#include <algorithm>
#include <limits>
#include <set>

namespace {

using namespace aeplugin;
using namespace aeplugin::codecs;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

using Grids = std::vector<Grid>;

/// Integers all over the grid, most of them near the predictions, with marks of all sentinels.
Grids RandomGrid(const Grids &predicted, std::size_t sentinels, std::mt19937_64 &random)
{
   Grids grid;
   for (const Grid prediction : predicted)
      switch (random() % 8) {
      case 0:
         grid.push_back(kExactMark + static_cast<Grid>(random() % (sentinels + 1)));
         break;
      case 1:
         grid.push_back(random() % 2 == 0 ? kGridLimit : -kGridLimit);
         break;
      case 2:
         grid.push_back(static_cast<Grid>(random() % (2 * std::uint64_t{kGridLimit} + 1)) - kGridLimit);
         break;
      default:
         grid.push_back(std::clamp(prediction + static_cast<Grid>(random() % 9) - 4, -kGridLimit, kGridLimit));
      }
   return grid;
}

Grids RandomPredictions(std::size_t n, std::mt19937_64 &random)
{
   Grids predicted(n);
   for (Grid &value : predicted)
      value =
         random() % 10 == 0 ? (random() % 2 == 0 ? kGridLimit : -kGridLimit) : static_cast<Grid>(random() % 1000) - 500;
   return predicted;
}

void ExpectRoundTrip(const Grids &grid, const Grids &predicted, std::size_t sentinels, const Packing &packing)
{
   Grids decoded;
   Unpack(Pack(grid, predicted, sentinels, packing), predicted, sentinels, packing, decoded);
   IsTrue(decoded == grid, std::to_string(packing.fBits) + " bits from " + std::to_string(packing.fOffset) + ", " +
                              std::to_string(sentinels) + " sentinels");
}

void TestEveryPacking()
{
   std::mt19937_64 random(1);
   for (unsigned bits = 1; bits <= kMaxPackingBits; ++bits)
      for (std::size_t sentinels = 0; sentinels <= kMaxSentinels; ++sentinels) {
         if ((std::uint64_t{1} << bits) < sentinels + 2) // the marks do not fit
            continue;
         for (const Grid offset : {0, -4, 1000, -kGridLimit, kGridLimit, INT32_MIN, INT32_MAX})
            for (const std::size_t n : {0u, 1u, 7u, 8u, 9u, 200u}) {
               const auto predicted = RandomPredictions(n, random);
               ExpectRoundTrip(RandomGrid(predicted, sentinels, random), predicted, sentinels, {offset, bits});
            }
      }
}

/// The bytes of streams, written down a second time (docs/format.md, "Streams").
void TestStreamBytes()
{
   const auto pack = [](const Grids &grid, std::size_t sentinels, const Packing &packing) {
      return Pack(grid, Grids(grid.size(), 0), sentinels, packing);
   };
   // Codes: exact 0, wide 1, then -1 is 2, 0 is 3.
   auto stream = pack({kExactMark, 5, -1, 0, 0}, 0, {-1, 2});
   IsTrue(stream.fTop == std::vector<std::uint8_t>{0b11'10'01'00, 0b11}, "two bits");
   IsTrue(stream.fWide == Grids{5}, "wide");
   // One sentinel moves all by one; 12 bits are 8 and 4, and two lower halves share a byte.
   stream = pack({kSentinelMark, 0x100, 0x7ff}, 1, {0, 12});
   IsTrue(stream.fTop == std::vector<std::uint8_t>{0, 0x10, 0x80}, "the upper eight");
   IsTrue(std::get<0>(stream.fLow) == std::vector<std::uint8_t>{0x31, 0x02}, "the lower four");
   stream = pack({0x12345}, 0, {-2, 24});
   IsTrue(stream.fTop == std::vector<std::uint8_t>{0x01}, "the upper eight");
   IsTrue(std::get<1>(stream.fLow) == std::vector<std::uint16_t>{0x2349}, "the lower 16");
   stream = pack({0x12345678}, 0, {-2, 32});
   IsTrue(std::get<2>(stream.fLow) == std::vector<std::uint32_t>{0x34567c}, "the lower 24");
   AreEqual(pack(Grids(100, 0), 0, {0, 8}).fTop.size(), 100u);
   AreEqual(pack(Grids(100, 0), 0, {0, 3}).fTop.size(), 50u);
   AreEqual(pack(Grids(101, 0), 0, {0, 3}).fTop.size(), 51u);
}

void TestChoosePacking()
{
   std::mt19937_64 random(2);
   for (std::size_t sentinels = 0; sentinels <= kMaxSentinels; ++sentinels)
      for (int scale = 0; scale <= 31; ++scale)
         for (const std::size_t n : {0u, 1u, 3u, 1500u, 5000u}) {
            Grids grid(n);
            Grids predicted(n);
            const auto range = std::min(std::uint64_t{1} << scale, 2 * std::uint64_t{kGridLimit});
            for (std::size_t i = 0; i < n; ++i) {
               grid[i] = static_cast<Grid>(random() % (range + 1)) - static_cast<Grid>(range / 2);
               predicted[i] = scale == 31 ? -grid[i] : 0; // differences twice as large as the grid
            }
            const Packing packing = ChoosePacking(grid, predicted, sentinels);
            IsTrue(packing.fBits >= 1 && packing.fBits <= kMaxPackingBits, "bits");
            IsTrue((std::uint64_t{1} << packing.fBits) >= sentinels + 2, "room for every mark");
            const auto stream = Pack(grid, predicted, sentinels, packing);
            IsTrue(stream.fWide.size() <= n / 1000 + (packing.fBits == kMaxPackingBits ? n : 0), "few are wide");
            for (std::size_t i = 0; i < n; ++i)
               if (random() % 5 == 0)
                  grid[i] = kExactMark + static_cast<Grid>(random() % (sentinels + 1));
            ExpectRoundTrip(grid, predicted, sentinels, packing);
         }
   AreEqual(ChoosePacking({5, 5, 5, 5}, Grids(4, 0), 0).fBits, 2u, "bits of a constant");
   AreEqual(ChoosePacking(Grids(9, kExactMark), Grids(9, 0), 16).fBits, 8u, "bits of nothing but marks");
}

void TestDamagedStreams()
{
   const Packing packing{-100, 12};
   const Grids grid = {1, 2, kExactMark, 100000, 3, -200000};
   const Grids zeros(grid.size(), 0);
   const PackedStream whole = Pack(grid, zeros, 0, packing);
   const auto refused = [&](const std::string &part, auto spoil) {
      PackedStream stream = whole;
      spoil(stream);
      Grids decoded;
      Throws<CorruptionError>([&] { Unpack(stream, zeros, 0, packing, decoded); }, part);
   };
   refused("has 5 items for 6 integers", [](auto &s) { s.fTop.pop_back(); });
   refused("has 7 items for 6 integers", [](auto &s) { s.fTop.push_back(0); });
   refused("has 2 items for 6 integers", [](auto &s) { std::get<0>(s.fLow).pop_back(); });
   refused("has 0 items for 6 integers", [](auto &s) { s.fLow = {}; });
   refused("fewer wide integers", [](auto &s) { s.fWide.pop_back(); });
   refused("more wide integers", [](auto &s) { s.fWide.push_back(1); });
   refused("fewer wide integers", [](auto &s) { s.fWide.clear(); });
   Grids decoded;
   const Grids high(grid.size(), kGridLimit);
   Throws<CorruptionError>([&] { Unpack(whole, high, 0, packing, decoded); }, "off the grid");
   const Grids low(grid.size(), -kGridLimit);
   Throws<CorruptionError>([&] { Unpack(Pack(Grids(6, -90), zeros, 0, packing), low, 0, packing, decoded); },
                           "off the grid");
   // A field of wider integers than needed is what merged files have; what is above the bits does not count.
   PackedStream wider = whole;
   wider.fLow = std::vector<std::uint32_t>(std::get<0>(whole.fLow).begin(), std::get<0>(whole.fLow).end());
   Unpack(wider, zeros, 0, packing, decoded);
   IsTrue(decoded == grid, "wider integers");
}

/// The group of jets, as planned on some events, and their grid integers.
struct Jets {
   explicit Jets(CodecKind codec, unsigned special = 20)
   {
      const auto rules = testing::EventRules(codec).fCollections.front();
      const auto events = testing::RandomEvents(300, 3, {special, 6});
      fInput.fGroup.fName = "Jet";
      fInput.fGroup.fCodec = codec;
      for (std::size_t i = 0; i < rules.fColumns.size(); ++i) {
         const auto &rule = rules.fColumns[i];
         fInput.fGroup.fColumns.push_back(
            {i, rule.fVariable, rule.fTolerance, rule.fSentinels, rule.fFormula, {-100, 10}});
         fInput.fQuantisers.emplace_back(rule.fTolerance, ColumnType::kFloat32, rule.fSentinels);
         const auto &values = std::get<std::vector<float>>(events.fColumns[i].fValues);
         fGrids.emplace_back(values.size());
         std::vector<std::uint64_t> exact;
         QuantiserSummary summary;
         fInput.fQuantisers.back().Encode(values.data(), values.size(), fGrids.back().data(), exact, summary);
      }
   }

   CodecInput fInput;
   GroupGrids fGrids;
};

/// Decoding gives the integers again, each subset of columns the same ones, from no more than the streams it names.
void ExpectLossless(const Codec &codec, const GroupGrids &grids)
{
   const auto streams = codec.Encode(grids);
   for (std::size_t subset = 0; subset < (std::size_t{1} << grids.size()); ++subset) {
      std::vector<bool> wanted;
      for (std::size_t i = 0; i < grids.size(); ++i)
         wanted.push_back((subset >> i & 1) != 0);
      auto given = streams;
      const auto needed = codec.Needs(wanted);
      AreEqual(needed.size(), streams.size(), "one flag per stream");
      for (std::size_t i = 0; i < given.size(); ++i)
         if (!needed[i])
            given[i] = {{1, 2, 3}, {}, {4}};
      GroupGrids decoded(grids.size());
      codec.Decode(given, grids.front().size(), wanted, decoded);
      for (std::size_t i = 0; i < grids.size(); ++i)
         IsTrue(!wanted[i] || decoded[i] == grids[i], "column " + std::to_string(i) + " of " + std::to_string(subset));
   }
}

void TestPlain()
{
   for (const unsigned special : {0u, 20u, 2u}) {
      Jets jets(CodecKind::kPlain, special);
      auto &columns = jets.fInput.fGroup.fColumns;
      ExpectLossless(PlainCodec(jets.fInput), jets.fGrids);
      columns[3].fFormula = "log(x2) - x0 / 0"; // a chain, and infinities
      columns[0].fFormula = "x1 + 1";
      const PlainCodec chained(jets.fInput);
      ExpectLossless(chained, jets.fGrids);
      IsTrue(chained.Needs({false, false, false, true}) == std::vector<bool>(4, true), "all are parents of the last");
      IsTrue(chained.Needs({true, false, false, false}) == std::vector<bool>{true, true, false, false}, "parents");
      for (auto &column : columns)
         column.fFormula = "42";
      ExpectLossless(PlainCodec(jets.fInput), jets.fGrids);
   }
   Jets jets(CodecKind::kPlain);
   ExpectLossless(PlainCodec(jets.fInput), GroupGrids(4));
   AreEqual(PlainCodec(jets.fInput).Streams({"a", "b", "c", "d"})[2].fName, "c");
   jets.fInput.fGroup.fColumns[0].fFormula = "x2";
   Throws<CorruptionError>([&] { PlainCodec codec(jets.fInput); }, "in a circle");
   jets.fInput.fGroup.fColumns[0].fFormula = "y";
   Throws<CorruptionError>([&] { PlainCodec codec(jets.fInput); }, "is about 'y', which is no compressed variable");
}

void TestFormulaPredicts()
{
   Jets jets(CodecKind::kPlain, 0);
   jets.fInput.fGroup.fColumns[2].fPacking = {-100, 12};
   auto without = jets.fInput;
   without.fGroup.fColumns[2].fFormula.clear();
   const auto narrow = PlainCodec(jets.fInput).Encode(jets.fGrids)[2];
   const auto wide = PlainCodec(without).Encode(jets.fGrids)[2];
   AreEqual(narrow.fWide.size(), 0u, "integers far from the formula");
   AreEqual(wide.fTop.size(), narrow.fTop.size());
   const auto codes = [](const PackedStream &stream) {
      return std::set<std::uint8_t>(stream.fTop.begin(), stream.fTop.end()).size();
   };
   IsTrue(codes(narrow) <= 3 && codes(wide) > 6, "differences are small");
}

void TestAutoencoder()
{
   for (const unsigned special : {0u, 20u, 2u})
      for (const std::uint32_t latents : {1u, 2u, 5u}) {
         Jets jets(CodecKind::kAutoencoder, special);
         jets.fInput.fGroup.fColumns[2].fFormula.clear(); // the network predicts it
         jets.fInput.fGroup.fLatents.assign(latents, {0.01f, {-500, 10}});
         const auto network = testing::RandomCollection(4, {8, latents});
         const AutoencoderCodec codec(jets.fInput, MakeAutoencoder(network));
         ExpectLossless(codec, jets.fGrids);
         ExpectLossless(codec, GroupGrids(4));
         // Without the network no wanted column, no latents.
         IsTrue(codec.Needs({false, false, false, false}) == std::vector<bool>(4 + latents, false), "nothing");
         auto needed = std::vector<bool>(4 + latents, true);
         needed[0] = needed[1] = needed[3] = false;
         IsTrue(codec.Needs({false, false, true, false}) == needed, "one column and the latents");
         const auto again = AutoencoderCodec(jets.fInput, MakeAutoencoder(network, "generic")).Encode(jets.fGrids);
         const auto streams = codec.Encode(jets.fGrids);
         for (std::size_t i = 0; i < streams.size(); ++i)
            IsTrue(streams[i].fTop == again[i].fTop && streams[i].fLow == again[i].fLow &&
                      streams[i].fWide == again[i].fWide,
                   "every instruction set");
         AreEqual(codec.Streams({"a", "b", "c", "d"})[4].fName, "Jet_latent_0");
         AreEqual(codec.Streams({"a", "b", "c", "d"}).size(), 4 + latents);
      }
}

/// A network of some columns; the others are predicted by formulas, also in what the network gives.
void TestPartialNetwork()
{
   Jets jets(CodecKind::kAutoencoder);
   jets.fInput.fGroup.fLatents.assign(1, {0.1f, {-100, 8}});
   auto network = testing::RandomCollection(2, {3, 1});
   const AutoencoderCodec codec(jets.fInput, MakeAutoencoder(network));
   ExpectLossless(codec, jets.fGrids);
   IsTrue(codec.Needs({false, false, false, true}) == std::vector<bool>{false, false, false, true, false}, "no latent");
   IsTrue(codec.Needs({false, false, true, false}) == std::vector<bool>{true, true, true, false, true}, "parents");
   network.fColumns[1].fVariable = "x9";
   Throws<ModelError>([&] { AutoencoderCodec wrong(jets.fInput, MakeAutoencoder(network)); },
                      "has a variable 'x9' that is not compressed");
}

/// Steps so extreme that latents are infinite or all zero cost bits and nothing else.
void TestExtremeSteps()
{
   for (const float step :
        {std::numeric_limits<float>::denorm_min(), 1e-30f, 1e30f, std::numeric_limits<float>::max()}) {
      Jets jets(CodecKind::kAutoencoder, 3);
      jets.fInput.fGroup.fLatents.assign(2, {step, {0, 8}});
      ExpectLossless(AutoencoderCodec(jets.fInput, MakeAutoencoder(testing::RandomCollection(4, {8, 2}))), jets.fGrids);
   }
}

/// Every transform, activation and norm decodes to the same integers as it was encoded from, special values among them.
void TestRichNetworks()
{
   for (const unsigned special : {0u, 3u}) {
      Jets jets(CodecKind::kAutoencoder, special);
      jets.fInput.fGroup.fLatents.assign(2, {0.01f, {-500, 10}});
      CollectionModel network = testing::RichCollection(Condition::kNone, Activation::kGelu, "Jet");
      network.fColumns = {network.fColumns[1], network.fColumns[4], network.fColumns[2], network.fColumns[3]};
      for (std::size_t i = 0; i < 4; ++i)
         network.fColumns[i].fVariable = "x" + std::to_string(i);
      std::mt19937 random(1);
      network.fEncoder = testing::RandomNetwork({5, 9, 2}, random);
      network.fDecoder = testing::RandomNetwork({2, 9, 5}, random);
      testing::AddLayerNorm(network.fEncoder, Activation::kSilu, random);
      testing::AddLayerNorm(network.fDecoder, Activation::kGelu, random);
      const AutoencoderCodec codec(jets.fInput, MakeAutoencoder(network));
      ExpectLossless(codec, jets.fGrids);
      for (const auto &latent : codec.Latents(jets.fGrids))
         for (const float value : latent)
            IsTrue(std::isfinite(value), "a special value is replaced by a typical one");
   }
}

/// A label is no compressed column, so nothing could give it back to the decoder.
void TestLabel()
{
   Jets jets(CodecKind::kAutoencoder);
   const auto network = testing::RichCollection(Condition::kDecoder, Activation::kRelu, "Jet");
   Throws<ModelError>([&] { AutoencoderCodec codec(jets.fInput, MakeAutoencoder(network)); },
                      "the network of collection 'Jet' is told a label, 'kind'");
}

void TestMakeCodec()
{
   Jets jets(CodecKind::kAutoencoder);
   auto model = testing::EventModel(CodecKind::kAutoencoder);
   jets.fInput.fGroup.fLatents.resize(3, {1, {}});
   Throws<ModelError>([&] { MakeCodec(jets.fInput, model, ""); }, "'Jet' has 2 latents in the model and 3 in the file");
   model.fCollections.clear();
   Throws<ModelError>([&] { MakeCodec(jets.fInput, model, ""); }, "no collection 'Jet'");
   jets.fInput.fGroup.fCodec = CodecKind::kPlain;
   AreEqual(MakeCodec(jets.fInput, model, "")->Needs(std::vector<bool>(4, true)).size(), 4u, "no latents");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("every packing", TestEveryPacking);
   suite.Case("bytes of streams", TestStreamBytes);
   suite.Case("choosing a packing", TestChoosePacking);
   suite.Case("damaged streams", TestDamagedStreams);
   suite.Case("plain", TestPlain);
   suite.Case("formulas predict", TestFormulaPredicts);
   suite.Case("autoencoder", TestAutoencoder);
   suite.Case("network of some columns", TestPartialNetwork);
   suite.Case("extreme steps", TestExtremeSteps);
   suite.Case("networks of every kind", TestRichNetworks);
   suite.Case("network with a label", TestLabel);
   suite.Case("making codecs", TestMakeCodec);
   return suite.ExitCode();
}
