#include "function_sweep.hxx"
#include "slices_reference.hxx"
#include "testing.hxx"

#include "kernels/kernels.hxx"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

namespace kernels = aeplugin::kernels;
using kernels::KernelSet;
using kernels::SlicesShape;
using kernels::Symbol;
using testing::AreEqual;
using testing::Bits;
using testing::FromBits;
using testing::IsTrue;

constexpr std::uint32_t kEnd = (1u << 24) - 256;
constexpr std::uint32_t kTotal = 1u << 24;

/// Whether a float is so near to the end of a binade, or to where the exponential's argument is reduced by one more
/// ln 2, that all floats there are of interest.
class Boundaries {
public:
   Boundaries()
   {
      for (float binade = 32; binade > 1e-6f; binade /= 2)
         fBits.push_back(Bits(binade));
      for (int k = 0; k < 44; ++k)
         fBits.push_back(Bits(static_cast<float>((k + 0.5) * std::log(2.))));
      std::sort(fBits.begin(), fBits.end());
   }

   bool IsNear(std::uint32_t bits) const
   {
      const auto next = std::lower_bound(fBits.begin(), fBits.end(), bits);
      return (next != fBits.end() && *next - bits < kNear) || (next != fBits.begin() && bits - next[-1] < kNear);
   }

private:
   static constexpr std::uint32_t kNear = 2000;
   std::vector<std::uint32_t> fBits;
};

/// Floats from 0 to 30: every 16th from 1e-6 on, and all near boundaries. (What is smaller gives 1/2, and is sparse.)
std::vector<float> SizesOfArguments()
{
   const Boundaries boundaries;
   std::vector<float> sizes;
   for (std::uint32_t bits = 0; bits < Bits(1e-6f); bits += 65521)
      sizes.push_back(FromBits(bits));
   for (std::uint32_t block = Bits(1e-6f) / 16 * 16; block < Bits(30.f); block += 16) {
      const std::uint32_t step = boundaries.IsNear(block) ? 1 : 16;
      for (std::uint32_t bits = block; bits < block + 16; bits += step)
         sizes.push_back(FromBits(bits));
   }
   sizes.push_back(30.f);
   return sizes;
}

/// Sigma is near to what it should be and never falls, so that t grows from each integer to the next.
void TestSigma()
{
   const std::vector<float> sizes = SizesOfArguments();
   testing::Worst error;
   std::int32_t most = 0;
   std::int32_t fall = 0;
   std::vector<float> block;
   const auto check = [&] {
      const auto results = testing::Apply(&KernelSet::fSigma, block);
      for (std::size_t i = 0; i < block.size(); ++i) {
         error.Add(std::abs(double{results[i]} - 1 / (1 + std::exp(-double{block[i]}))), block[i]);
         const auto t = static_cast<std::int32_t>(results[i] * 8388608.0f);
         most = std::max(most, t);
         fall = std::max(fall, most - t);
      }
      block.clear();
   };
   const auto add = [&](float z) {
      block.push_back(z);
      if (block.size() == 16384)
         check();
   };
   for (std::size_t i = sizes.size(); i-- > 0;)
      add(-sizes[i]);
   for (const float size : sizes)
      add(size);
   check();
   error.IsBelow(1e-7, "sigma: absolute error");
   AreEqual(fall, 0, "what t falls by"); // as for all other floats
}

void TestSigmaEdges()
{
   const auto sigma = [](float z) { return testing::Apply(&KernelSet::fSigma, z); };
   AreEqual(sigma(0.f), 0.5f, "sigma of 0");
   AreEqual(sigma(30.f), 1.f, "sigma of 30");
   for (const float z : {30.1f, 1e30f, std::numeric_limits<float>::infinity()}) {
      AreEqual(sigma(z), sigma(30.f), "far up");
      AreEqual(sigma(-z), sigma(-30.f), "far down");
   }
   AreEqual(sigma(std::numeric_limits<float>::quiet_NaN()), sigma(-30.f), "a NaN");
}

/// Numbers that are the same with every standard library.
class Numbers {
public:
   explicit Numbers(unsigned seed) : fRandom(seed) {}

   std::uint32_t Below(std::uint32_t n) { return static_cast<std::uint32_t>(fRandom()) % n; }
   float Uniform() { return static_cast<float>(fRandom() >> 8) / 16777216.0f; }
   float Bell()
   {
      float sum = -2;
      for (int i = 0; i < 4; ++i)
         sum += Uniform();
      return sum * 2;
   }

private:
   std::mt19937 fRandom;
};

/// Outputs of a network for some rows, in planes, and the limits of the rows.
struct Outputs {
   std::size_t fRows;
   std::size_t fStride;
   std::vector<float> fValues;
   std::vector<std::int32_t> fLimits;

   Outputs(const SlicesShape &shape, std::size_t rows)
      : fRows(kernels::PaddedWidth(rows)), fStride(kernels::PlaneStride(rows)), fValues(shape.Outputs() * fStride),
        fLimits(fRows, shape.fRange)
   {
   }
   std::vector<float> Row(std::size_t row) const
   {
      std::vector<float> values;
      for (std::size_t at = row; at < fValues.size(); at += fStride)
         values.push_back(fValues[at]);
      return values;
   }
};

/// Gives half of the rows a limit of their own: any, one integer, two, or one less than all.
void Limit(const SlicesShape &shape, Outputs &outputs, Numbers &random)
{
   for (std::int32_t &limit : outputs.fLimits) {
      const std::int32_t any =
         1 + static_cast<std::int32_t>(random.Below(static_cast<std::uint32_t>(shape.fRange) + 1));
      const std::int32_t limits[] = {any, any, any, 1, 2, shape.fRange - 1};
      const std::uint32_t choice = random.Below(12);
      if (choice < 6)
         limit = std::max(std::min(limits[choice], shape.fRange), std::min(shape.fRange, 1));
   }
}

Outputs UsualOutputs(const SlicesShape &shape, std::size_t rows, Numbers &random)
{
   Outputs outputs(shape, rows);
   for (float &value : outputs.fValues)
      value = random.Bell() * 2;
   Limit(shape, outputs, random);
   return outputs;
}

/// Numbers that a broken network may give, one in three of them among usual ones.
Outputs ExtremeOutputs(const SlicesShape &shape, std::size_t rows, Numbers &random)
{
   constexpr float kInfinity = std::numeric_limits<float>::infinity();
   const float extremes[] = {1e30f, -1e30f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(),
                             64.f,  -64.f,  10.f,      -10.f,      1e-40f};
   Outputs outputs(shape, rows);
   for (float &value : outputs.fValues)
      value = random.Below(3) == 0 ? extremes[random.Below(10)] : random.Bell() * 8;
   Limit(shape, outputs, random);
   return outputs;
}

/// The tables of one instruction set.
class Coder {
public:
   Coder(const KernelSet &set, const SlicesShape &shape, const Outputs &outputs)
      : fSlices(set.fSlices), fTables(shape, outputs.fRows), fRows(outputs.fRows)
   {
      fSlices.fPrepare(outputs.fValues.data(), outputs.fStride, fRows, outputs.fLimits.data(), fTables.Planes());
   }

   struct Places {
      std::vector<std::uint32_t> fStarts;
      std::vector<std::uint32_t> fFrequencies;
   };
   Places Encode(const std::vector<Symbol> &symbols) const
   {
      Places places{std::vector<std::uint32_t>(fRows), std::vector<std::uint32_t>(fRows)};
      fSlices.fEncode(fTables.Planes(), symbols.data(), fRows, places.fStarts.data(), places.fFrequencies.data());
      return places;
   }
   /// The same symbol in all rows.
   Places Encode(Symbol symbol) const { return Encode(std::vector<Symbol>(fRows, symbol)); }

   /// Decodes a slot per row and requires that the places are those of the encoder, and around the slots.
   std::vector<Symbol> Decode(const std::vector<std::uint32_t> &slots) const
   {
      std::vector<Symbol> symbols(fRows);
      Places decoded{std::vector<std::uint32_t>(fRows), std::vector<std::uint32_t>(fRows)};
      for (std::size_t row = 0; row < fRows; row += kernels::kDecodedRows)
         fSlices.fDecode(fTables.Planes(), row, slots.data() + row, symbols.data() + row, decoded.fStarts.data() + row,
                         decoded.fFrequencies.data() + row);
      const Places encoded = Encode(symbols);
      IsTrue(decoded.fStarts == encoded.fStarts && decoded.fFrequencies == encoded.fFrequencies,
             "decoder and encoder agree about places");
      for (std::size_t row = 0; row < fRows; ++row)
         IsTrue(slots[row] - encoded.fStarts[row] < encoded.fFrequencies[row], "the slot is in its place");
      return symbols;
   }
   std::size_t Rows() const { return fRows; }

private:
   kernels::SlicesKernels fSlices;
   kernels::SlicesTables fTables;
   std::size_t fRows;
};

SlicesShape Shape(std::size_t atoms, aeplugin::Grid first, std::int32_t range, float middle, float spread,
                  std::size_t slices = aeplugin::kMostSlices)
{
   return {atoms, first, range, middle, spread, 1 / spread, slices};
}

const std::vector<SlicesShape> &Shapes()
{
   static const std::vector<SlicesShape> kShapes = {
      Shape(0, 0, 1, 0, 1),
      Shape(0, -3, 2, 0, 1),
      Shape(0, -50, 101, 0, 20),
      Shape(0, -8192, 16384, 10, 800),
      Shape(0, 0, 16384, 3000, 1e-3f),
      Shape(0, 1073000000, 1000, 1073000512, 100),
      Shape(1, 0, 0, 0, 1),
      Shape(2, 0, 0, 0, 1),
      Shape(23, 0, 0, 0, 1),
      Shape(1023, 0, 0, 0, 1),
      Shape(1, 100, 628, 400, 1e4f),
      Shape(5, -400, 1600, 17, 3),
      Shape(1023, -1000000, 16384, -995000, 100),
      Shape(3, 0, 300, 3e38f, 3e38f),
      Shape(0, -8192, 16384, 10, 800, 1),
      Shape(0, -50, 101, 0, 20, 2),
      Shape(5, -400, 1600, 17, 3, 3),
      Shape(0, 0, 16384, 3000, 1e-3f, 4),
      Shape(2, -50, 101, 0, 20, 7),
      Shape(0, -157, 315, 0, 90, 8),
      Shape(0, -157, 315, 0, 90, 15),
   };
   return kShapes;
}

std::string Describe(const SlicesShape &shape, const std::string &name)
{
   return name + ", " + std::to_string(shape.fAtoms) + " atoms, range " + std::to_string(shape.fRange) + ", " +
          std::to_string(shape.fSlices) + " slices: ";
}

/// Atoms, the range and the escape fill [0, 2^24) without a gap, each integer and atom having a place of its own, and
/// integers beyond the limit that of the escape.
void CheckPartition(const Coder &coder, const SlicesShape &shape, const Outputs &outputs, const std::string &where)
{
   std::vector<std::uint32_t> ends(coder.Rows(), 0);
   const auto follow = [&](Symbol symbol) {
      const auto places = coder.Encode(symbol);
      for (std::size_t row = 0; row < coder.Rows(); ++row) {
         if (symbol < shape.fRange && symbol >= outputs.fLimits[row]) {
            IsTrue(places.fStarts[row] == kEnd && places.fFrequencies[row] == kTotal - kEnd, where + "an escape");
            continue;
         }
         AreEqual(places.fStarts[row], ends[row], where + "the start of symbol " + std::to_string(symbol));
         IsTrue(places.fFrequencies[row] > 0 && places.fFrequencies[row] < kTotal, where + "a frequency");
         ends[row] += places.fFrequencies[row];
      }
   };
   for (std::size_t atom = 0; atom < shape.fAtoms; ++atom)
      follow(shape.fRange + static_cast<Symbol>(atom));
   for (Symbol symbol = 0; symbol < shape.fRange; ++symbol)
      follow(symbol);
   follow(kernels::kEscapeSymbol);
   AreEqual(*std::min_element(ends.begin(), ends.end()), kTotal, where + "the end");
   AreEqual(*std::max_element(ends.begin(), ends.end()), kTotal, where + "the end");
}

/// First, last and some slots of symbols lead back to them.
void CheckDecoding(const Coder &coder, const SlicesShape &shape, const Outputs &outputs, Numbers &random,
                   const std::string &where)
{
   const auto symbols = static_cast<std::uint32_t>(shape.fRange) + static_cast<std::uint32_t>(shape.fAtoms);
   for (int round = 0; round < 60; ++round) {
      std::vector<Symbol> wanted(coder.Rows());
      for (Symbol &symbol : wanted)
         symbol = static_cast<Symbol>(random.Below(symbols + 1));
      const auto places = coder.Encode(wanted);
      for (std::size_t row = 0; row < coder.Rows(); ++row) {
         Symbol &symbol = wanted[row];
         const bool isBeyond = symbol < shape.fRange && symbol >= outputs.fLimits[row];
         symbol = isBeyond || symbol == static_cast<Symbol>(symbols) ? kernels::kEscapeSymbol : symbol;
      }
      std::vector<std::uint32_t> first = places.fStarts;
      std::vector<std::uint32_t> last(coder.Rows());
      std::vector<std::uint32_t> some(coder.Rows());
      std::vector<std::uint32_t> any(coder.Rows());
      for (std::size_t row = 0; row < coder.Rows(); ++row) {
         last[row] = first[row] + places.fFrequencies[row] - 1;
         some[row] = first[row] + random.Below(places.fFrequencies[row]);
         any[row] = random.Below(kTotal);
      }
      for (const auto &slots : {first, last, some})
         IsTrue(coder.Decode(slots) == wanted, where + "decoded symbols");
      coder.Decode(any);
   }
}

void CheckReference(const Coder &coder, const SlicesShape &shape, const Outputs &outputs, Numbers &random,
                    const std::string &where)
{
   std::vector<testing::SlicesReference> references;
   for (std::size_t row = 0; row < coder.Rows(); ++row)
      references.emplace_back(shape, outputs.Row(row), outputs.fLimits[row]);
   const std::int32_t symbols = shape.fRange + static_cast<Symbol>(shape.fAtoms);
   for (int round = 0; round < 100; ++round) {
      std::vector<Symbol> chosen(coder.Rows());
      for (Symbol &symbol : chosen)
         symbol = static_cast<Symbol>(random.Below(static_cast<std::uint32_t>(symbols) + 3)) - 1;
      const auto places = coder.Encode(chosen);
      for (std::size_t row = 0; row < coder.Rows(); ++row) {
         const auto [start, end] = references[row].PlaceOf(chosen[row]);
         AreEqual(places.fStarts[row], static_cast<std::uint32_t>(start), where + "start");
         AreEqual(places.fFrequencies[row], static_cast<std::uint32_t>(end - start), where + "frequency");
      }
   }
}

template <typename Check>
void ForEachCase(std::size_t rows, Check &&check)
{
   for (const auto &name : kernels::InstructionSets())
      for (const SlicesShape &shape : Shapes()) {
         Numbers random(7);
         for (const auto make : {UsualOutputs, ExtremeOutputs}) {
            const Outputs outputs = make(shape, rows, random);
            check(Coder(kernels::GetKernels(name), shape, outputs), shape, outputs, random, Describe(shape, name));
         }
      }
}

void TestPartition()
{
   ForEachCase(32, [](const Coder &coder, const SlicesShape &shape, const Outputs &outputs, Numbers &,
                      const std::string &where) { CheckPartition(coder, shape, outputs, where); });
}

void TestDecoding()
{
   ForEachCase(100, [](const Coder &coder, const SlicesShape &shape, const Outputs &outputs, Numbers &random,
                       const std::string &where) { CheckDecoding(coder, shape, outputs, random, where); });
}

void TestReference()
{
   ForEachCase(64, [](const Coder &coder, const SlicesShape &shape, const Outputs &outputs, Numbers &random,
                      const std::string &where) { CheckReference(coder, shape, outputs, random, where); });
}

/// Without limits all rows have the whole range; limits that are none, which rows beyond the last may have, harm none.
void TestLimits()
{
   const SlicesShape shape = Shape(3, -200, 400, 0, 30);
   for (const auto &name : kernels::InstructionSets()) {
      Numbers random(5);
      Outputs outputs = UsualOutputs(shape, 32, random);
      outputs.fLimits.assign(outputs.fRows, shape.fRange);
      const Coder all(kernels::GetKernels(name), shape, outputs);
      const auto &slices = kernels::GetKernels(name).fSlices;
      kernels::SlicesTables tables(shape, outputs.fRows);
      const std::vector<Symbol> symbols(outputs.fRows, 150);
      const auto starts = [&](const std::int32_t *limits) {
         std::vector<std::uint32_t> found(outputs.fRows);
         std::vector<std::uint32_t> frequencies(outputs.fRows);
         slices.fPrepare(outputs.fValues.data(), outputs.fStride, outputs.fRows, limits, tables.Planes());
         slices.fEncode(tables.Planes(), symbols.data(), outputs.fRows, found.data(), frequencies.data());
         return found;
      };
      const auto expected = all.Encode(symbols).fStarts;
      IsTrue(starts(nullptr) == expected, name + ": no limits");
      std::vector<std::int32_t> limits = outputs.fLimits;
      limits[29] = 0;
      limits[30] = std::numeric_limits<std::int32_t>::min();
      limits[31] = std::numeric_limits<std::int32_t>::max();
      const auto found = starts(limits.data());
      for (std::size_t row = 0; row < 29; ++row)
         AreEqual(found[row], expected[row], name + ": rows beside others without a limit");
   }
}

/// What is likely to the network is likely to the coder: the logistic and the categories, within the reserves.
void TestProbabilities()
{
   const SlicesShape shape = Shape(2, -100, 300, 20, 10);
   constexpr double kReserve = 32. / kTotal;
   Outputs outputs(shape, 1);
   const float logits[] = {1.f, -1.f, 2.f};
   for (std::size_t i = 0; i < 3; ++i)
      outputs.fValues[i * outputs.fStride] = logits[i];
   outputs.fValues[3 * outputs.fStride] = 0.5f; // centre 25
   outputs.fValues[4 * outputs.fStride] = 0.7f; // scale 10 e^-0.7
   const Coder coder(kernels::GetKernels(), shape, outputs);
   const auto probability = [&](Symbol symbol) { return coder.Encode(symbol).fFrequencies[0] / double{kTotal}; };
   const double sum = std::exp(1.) + std::exp(-1.) + std::exp(2.);
   testing::AreClose(probability(300), std::exp(1.) / sum, 5e-4, "the first atom");
   testing::AreClose(probability(301), std::exp(-1.) / sum, 5e-4, "the second atom");
   const auto sigma = [](double x) { return 1 / (1 + std::exp(-(x - 25) / 10 * std::exp(0.7))); };
   for (const int x : {-10, 0, 15, 24, 25, 26, 40}) {
      const double expected = std::exp(2.) / sum * (sigma(x + 0.5) - sigma(x - 0.5));
      testing::AreClose((probability(x + 100) - kReserve) / expected, 1, 5e-3,
                        "the probability of " + std::to_string(x));
   }
}

/// Frequencies are part of the format: what they are today, they are for ever and on every machine.
void TestGolden()
{
   std::uint32_t checksum = 0;
   for (const SlicesShape &shape : Shapes()) {
      Numbers random(11);
      for (const auto make : {UsualOutputs, ExtremeOutputs}) {
         const Outputs outputs = make(shape, 48, random);
         const Coder coder(kernels::GetKernels(), shape, outputs);
         const std::int32_t symbols = shape.fRange + static_cast<Symbol>(shape.fAtoms);
         for (Symbol symbol = 0; symbol < symbols; symbol += 1 + symbols / 100) {
            const auto starts = coder.Encode(symbol).fStarts;
            checksum = aeplugin::Crc32(starts.data(), starts.size() * sizeof starts[0], checksum);
         }
      }
   }
   AreEqual(checksum, 0x7030FA82u, "starts");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("sigma", TestSigma);
   suite.Case("sigma, edges", TestSigmaEdges);
   suite.Case("places fill everything", TestPartition);
   suite.Case("decoding", TestDecoding);
   suite.Case("agrees with plain loops", TestReference);
   suite.Case("limits", TestLimits);
   suite.Case("probabilities", TestProbabilities);
   suite.Case("golden starts", TestGolden);
   return suite.ExitCode();
}
