#include "allocation_watch.hxx"
#include "any_density_events.hxx"
#include "model_files.hxx"
#include "testing.hxx"

#include "density/density_bytes.hxx"
#include "density/half.hxx"

#include <aeplugin/block_coder.hxx>

#include <cmath>
#include <functional>
#include <random>

// Densities in model files: what is read is what was written, and what is damaged is refused.
namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::File;
using testing::IsTrue;
using testing::kNoRules;
using testing::MakeAnyDensity;
using testing::Throws;

constexpr std::uint64_t kDensities = 60;

bool IsSameFeature(const DensityFeature &a, const DensityFeature &b)
{
   return a.fSource == b.fSource && a.fView == b.fView && a.fVariable == b.fVariable && a.fBack == b.fBack &&
          a.fCategory == b.fCategory && a.fFactor == b.fFactor && a.fOffset == b.fOffset;
}

bool IsSameVariable(const DensityVariable &a, const DensityVariable &b)
{
   return a.fGroup == b.fGroup && a.fVariable == b.fVariable && a.fColumn == b.fColumn &&
          a.fTolerance.fKind == b.fTolerance.fKind && a.fTolerance.fValue == b.fTolerance.fValue &&
          a.fIsDouble == b.fIsDouble && a.fLocation == b.fLocation && a.fFormula == b.fFormula &&
          a.fPeriodic == b.fPeriodic && a.fFirst == b.fFirst && a.fRange == b.fRange && a.fShift == b.fShift &&
          a.fDescending == b.fDescending && a.fWithin == b.fWithin && a.fAtoms == b.fAtoms && a.fMiddle == b.fMiddle &&
          a.fSpread == b.fSpread && testing::IsSameNetwork(a.fNetwork, b.fNetwork) &&
          std::equal(a.fFeatures.begin(), a.fFeatures.end(), b.fFeatures.begin(), b.fFeatures.end(), IsSameFeature);
}

bool IsSameMomentum(const DensityMomentum &a, const DensityMomentum &b)
{
   return a.fPt == b.fPt && a.fPhi == b.fPhi && a.fEta == b.fEta;
}

bool IsSameDensity(const Density &a, const Density &b)
{
   return a.fMissing.has_value() == b.fMissing.has_value() &&
          (!a.fMissing || IsSameMomentum(*a.fMissing, *b.fMissing)) &&
          std::equal(a.fMomenta.begin(), a.fMomenta.end(), b.fMomenta.begin(), b.fMomenta.end(), IsSameMomentum) &&
          std::equal(a.fVariables.begin(), a.fVariables.end(), b.fVariables.begin(), b.fVariables.end(),
                     IsSameVariable);
}

/// The numbers of a network, cut to what a half holds.
void RoundToHalves(Network &network)
{
   for (Layer &layer : network)
      for (std::vector<float> *numbers : {&layer.fWeights, &layer.fBiases})
         for (float &number : *numbers)
            number = FromHalf(static_cast<std::uint16_t>(std::fmod(std::abs(number), 30.f) * 1000.f)) *
                     (number < 0 ? -1.f : 1.f);
}

std::size_t NumbersOf(const Network &network)
{
   std::size_t numbers = 0;
   for (const Layer &layer : network)
      numbers += layer.fWeights.size() + layer.fBiases.size();
   return numbers;
}

void TestRoundTrip()
{
   for (std::uint64_t seed = 0; seed < kDensities; ++seed) {
      Model model = MakeAnyDensity(seed).fModel;
      if (seed % 3 == 0)
         model.fCollections = testing::SmallModel().fCollections;
      const Model again = Model::FromBytes(model.ToBytes());
      IsTrue(again.fDensity && IsSameDensity(*again.fDensity, *model.fDensity), "density " + std::to_string(seed));
      IsTrue(testing::IsSame(again, model), "the rest of the model");
      IsTrue(again.ToBytes() == model.ToBytes(), "bytes");
   }
}

/// Where all numbers of a layer are halves they take half the room, and come back to the bit.
void TestHalves()
{
   for (std::uint64_t seed = 0; seed < kDensities; ++seed) {
      Model model = MakeAnyDensity(seed).fModel;
      for (DensityVariable &variable : model.fDensity->fVariables) {
         for (Layer &layer : variable.fNetwork)
            layer.fWeights[0] = 0.1f; // which is none
      }
      const std::size_t before = DensityBytes(*model.fDensity).size();
      std::size_t numbers = 0;
      for (DensityVariable &variable : model.fDensity->fVariables) {
         RoundToHalves(variable.fNetwork);
         numbers += NumbersOf(variable.fNetwork);
      }
      AreEqual(before - DensityBytes(*model.fDensity).size(), 2 * numbers, "bytes that are saved");
      const Model again = Model::FromBytes(model.ToBytes());
      IsTrue(IsSameDensity(*again.fDensity, *model.fDensity), "density " + std::to_string(seed));
   }
}

std::string FileOf(const std::string &payload, std::uint32_t version = 4)
{
   return File({{"RCPE", ""}, {"RULE", kNoRules}, {"TRNG", ""}, {"DENS", payload}}, version);
}

void TestVersions()
{
   const std::string payload = DensityBytes(*MakeAnyDensity(1).fModel.fDensity);
   IsTrue(Model::FromBytes(FileOf(payload)).fDensity.has_value(), "version 4");
   for (const std::uint32_t version : {2u, 3u})
      Throws<CompatibilityError>([&] { Model::FromBytes(FileOf(payload, version)); },
                                 "section 'DENS' where 'COLL' is expected");
   Throws<CompatibilityError>([&] { Model::FromBytes(FileOf(payload, 5)); }, "model file of version 5");
   const auto sections = [&](const std::vector<std::pair<std::string, std::string>> &more) {
      std::vector<std::pair<std::string, std::string>> all = {{"RCPE", ""}, {"RULE", kNoRules}, {"TRNG", ""}};
      all.insert(all.end(), more.begin(), more.end());
      return File(all, 4);
   };
   Throws<CompatibilityError>([&] { Model::FromBytes(sections({{"DENS", payload}, {"DENS", payload}})); },
                              "section 'DENS' where 'COLL' is expected");
   // A file of version 3, which has no density, is what it was; and so is one of version 4 without one.
   const Model small = testing::SmallModel();
   std::string bytes = small.ToBytes();
   bytes[testing::kVersionAt] = 3;
   const Model old = Model::FromBytes(bytes);
   IsTrue(!old.fDensity && testing::IsSame(old, small), "a model of version 3");
   const auto collection = bytes.substr(bytes.find("COLL") + 16);
   const auto end = collection.find("COLL");
   Throws<CompatibilityError>(
      [&] { Model::FromBytes(sections({{"DENS", payload}, {"COLL", collection.substr(0, end)}})); },
      "section 'DENS' where 'COLL' is expected");
}

void TestTruncation()
{
   const std::string payload = DensityBytes(*MakeAnyDensity(3).fModel.fDensity);
   for (std::size_t size = 0; size < payload.size(); ++size)
      Throws<CorruptionError>([&] { Model::FromBytes(FileOf(payload.substr(0, size)), "cut.model"); }, "cut.model: ");
   Throws<CorruptionError>([&] { Model::FromBytes(FileOf(payload + "x"), "cut.model"); },
                           "cut.model: 1 bytes too many in a density");
}

void TestDamage()
{
   const std::string bytes = MakeAnyDensity(2).fModel.ToBytes();
   auto damaged = bytes;
   for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      damaged[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      Throws<Error>([&] { Model::FromBytes(damaged, "bad.model"); }, "bad.model: ");
      damaged[bit / 8] = bytes[bit / 8];
   }
}

/// Changed bytes behind a right checksum: an error, or another model, with which any events can be encoded.
void TestMutations()
{
   std::mt19937_64 random(6);
   constexpr int kMutations = 400;
   int models = 0;
   for (std::uint64_t seed = 0; seed < kDensities; ++seed) {
      const auto density = MakeAnyDensity(seed);
      const auto block = testing::AnyEvents(density, 12, seed, {4, 4, 9});
      const std::string payload = DensityBytes(*density.fModel.fDensity);
      for (int i = 0; i < kMutations; ++i) {
         std::string changed = payload;
         for (unsigned changes = 1 + static_cast<unsigned>(random()) % 2; changes > 0; --changes)
            changed[random() % changed.size()] = static_cast<char>(random() % 2 == 0 ? random() : random() % 4);
         testing::gLargestAllocation = 0;
         try {
            const Model model = Model::FromBytes(FileOf(changed), "mutated.model");
            ++models;
            IsTrue(IsSameDensity(*Model::FromBytes(model.ToBytes()).fDensity, *model.fDensity), "again");
            std::vector<QuantiserSummary> summaries;
            BlockCoder(density.fLayout, model).Encode(block, summaries);
         } catch (const Error &) {
         }
         IsTrue(testing::gLargestAllocation < (std::size_t{8} << 20),
                "density " + std::to_string(seed) + " allocates " + std::to_string(testing::gLargestAllocation) +
                   " bytes at once");
      }
   }
   IsTrue(models > 1000, "models among the mutations: " + std::to_string(models));
}

/// Counts and codes that no honest file has.
void TestCraftedFiles()
{
   constexpr std::uint32_t kMost = UINT32_MAX;
   const auto refused = [](auto error, const std::string &part, const std::function<void(ByteWriter &)> &write) {
      ByteWriter out;
      write(out);
      const std::string file = FileOf(out.Take());
      testing::gLargestAllocation = 0;
      Throws<decltype(error)>([&] { Model::FromBytes(file, "evil.model"); }, part);
      IsTrue(testing::gLargestAllocation < 1'000'000, part + ": allocates too much at once");
   };
   const CorruptionError corruption("");
   const CompatibilityError compatibility("");
   const auto start = [](ByteWriter &out, std::uint32_t variables) {
      out.Value(std::uint8_t{0}); // no missing momentum
      out.Value(std::uint32_t{0});
      out.Value(variables);
   };
   /// A variable up to its atoms.
   const auto variable = [&](ByteWriter &out, std::uint8_t tolerance, std::uint8_t flag, std::uint8_t location,
                             std::uint32_t atoms) {
      start(out, 1);
      for (const char *text : {"Jet", "pt", "Jet_pt"})
         out.Text(text);
      out.Value(tolerance);
      out.Value(0.01);
      out.Value(flag);
      out.Value(location);
      out.Text("");
      out.Value(flag);
      out.Value(Grid{0});
      out.Value(std::uint32_t{1});
      out.Value(std::uint8_t{0});
      out.Value(flag);
      out.Value(kMost);
      out.Value(atoms);
   };
   const auto features = [&](ByteWriter &out, std::uint32_t count, std::uint8_t source, std::uint8_t view) {
      variable(out, 1, 0, 0, 0);
      out.Floats({0, 1});
      out.Value(count);
      out.Value(source);
      out.Value(view);
      out.Raw(std::string(20, '\0').data(), 20);
   };
   const auto layer = [&](ByteWriter &out, std::uint32_t layers, std::uint32_t inputs, std::uint32_t outputs,
                          std::uint8_t activation, std::uint8_t precision) {
      features(out, 1, 2, 0);
      out.Value(layers);
      out.Value(inputs);
      out.Value(outputs);
      out.Value(activation);
      out.Value(precision);
      out.Floats({1, 2, 3});
   };
   refused(corruption, "truncated", [](ByteWriter &) {});
   refused(compatibility, "unknown flag 2", [](ByteWriter &out) { out.Value(std::uint8_t{2}); });
   refused(corruption, "4294967295 momenta; expected at most 4096", [](ByteWriter &out) {
      out.Value(std::uint8_t{0});
      out.Value(kMost);
   });
   refused(corruption, "4294967295 variables; expected at most 4096", [&](ByteWriter &out) { start(out, kMost); });
   refused(corruption, "truncated in group name: 4294967295 bytes expected", [&](ByteWriter &out) {
      start(out, 1);
      out.Value(kMost);
   });
   refused(compatibility, "unknown tolerance 3", [&](ByteWriter &out) { variable(out, 3, 0, 0, 0); });
   refused(compatibility, "unknown flag 7", [&](ByteWriter &out) { variable(out, 1, 7, 0, 0); });
   refused(compatibility, "unknown location 4", [&](ByteWriter &out) { variable(out, 1, 0, 4, 0); });
   refused(corruption, "4294967295 atoms; expected at most 1023",
           [&](ByteWriter &out) { variable(out, 1, 0, 0, kMost); });
   refused(corruption, "truncated in atoms", [&](ByteWriter &out) { variable(out, 1, 0, 0, 1023); });
   refused(corruption, "4294967295 features; expected at most 4096",
           [&](ByteWriter &out) { features(out, kMost, 2, 0); });
   refused(corruption, "truncated in", [&](ByteWriter &out) { features(out, 4096, 2, 0); });
   refused(compatibility, "unknown source of a feature 11", [&](ByteWriter &out) { features(out, 1, 11, 0); });
   refused(compatibility, "unknown view of a feature 6", [&](ByteWriter &out) { features(out, 1, 2, 6); });
   refused(corruption, "65 layers; expected at most 64", [&](ByteWriter &out) { layer(out, 65, 1, 1, 0, 0); });
   refused(corruption, "65537 layer inputs; expected at most 65536",
           [&](ByteWriter &out) { layer(out, 1, 65537, 1, 0, 0); });
   refused(corruption, "4294967295 layer outputs", [&](ByteWriter &out) { layer(out, 1, 1, kMost, 0, 0); });
   for (const std::uint8_t precision : {std::uint8_t{0}, std::uint8_t{1}})
      refused(corruption, "truncated in weights", [&](ByteWriter &out) { layer(out, 1, 65536, 65536, 0, precision); });
   refused(compatibility, "unknown activation 7", [&](ByteWriter &out) { layer(out, 1, 1, 1, 7, 0); });
   refused(compatibility, "unknown precision 2", [&](ByteWriter &out) { layer(out, 1, 1, 1, 0, 2); });
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("round trip", TestRoundTrip);
   suite.Case("halves", TestHalves);
   suite.Case("versions and sections", TestVersions);
   suite.Case("truncation at every byte", TestTruncation);
   suite.Case("damage of every bit", TestDamage);
   suite.Case("mutations behind right checksums", TestMutations);
   suite.Case("crafted files", TestCraftedFiles);
   return suite.ExitCode();
}
