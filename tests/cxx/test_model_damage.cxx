#include "allocation_watch.hxx"
#include "model_files.hxx"
#include "temporary_folder.hxx"
#include "testing.hxx"

#include "bytes.hxx"

#include <aeplugin/model.hxx>

#include <functional>
#include <limits>
#include <random>

// Model files that are truncated, damaged or crafted.
namespace {

using aeplugin::ByteWriter;
using aeplugin::CompatibilityError;
using aeplugin::CorruptionError;
using aeplugin::Model;
using aeplugin::ModelError;
using aeplugin::RecipeError;
using testing::File;
using testing::IsTrue;
using testing::kMagic;
using testing::kNoRules;
using testing::kSectionsAt;
using testing::SmallModel;
using testing::TemporaryFolder;
using testing::Throws;

void TestTruncation()
{
   const TemporaryFolder folder;
   Model model = SmallModel();
   model.fCollections.push_back(testing::RichCollection(aeplugin::Condition::kBoth));
   const auto bytes = model.ToBytes();
   for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto part = bytes.substr(0, size);
      const auto load = [&] { Model::FromBytes(part, "cut.model"); };
      if (size < kMagic.size())
         Throws<ModelError>(load, "cut.model: not an aeplugin model");
      else
         Throws<CorruptionError>(load, "cut.model: truncated in ");
      if (size % 50 == 0) {
         testing::WriteFile(folder / "cut.model", part);
         Throws<aeplugin::Error>([&] { Model::FromFile(folder / "cut.model"); }, folder / "cut.model: ");
      }
   }
   Throws<CorruptionError>([&] { Model::FromBytes(bytes + "x"); }, "1 bytes after the last section");
}

/// Every other value of every byte.
void TestDamage()
{
   const auto bytes = testing::RandomModel(testing::RandomCollection(1, {2, 1})).ToBytes();
   auto damaged = bytes;
   for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (int flip = 1; flip < 256; ++flip) {
         damaged[at] = static_cast<char>(bytes[at] ^ flip);
         if (at == testing::kVersionAt && damaged[at] == 3) {
            // Without a density, files of versions 3 and 4 say the same.
            IsTrue(Model::FromBytes(damaged).ToBytes() == bytes, "a model as of version 3");
            continue;
         }
         Throws<aeplugin::Error>([&] { Model::FromBytes(damaged, "bad.model"); }, "bad.model: ");
      }
      damaged[at] = bytes[at];
   }
   damaged[bytes.size() - 1] ^= 1;
   Throws<CorruptionError>([&] { Model::FromBytes(damaged, "bad.model"); }, "the checksum of section 'COLL' is wrong");
}

/// Counts and lengths that no honest file has, behind right checksums.
void TestCraftedFiles()
{
   constexpr std::uint32_t kMost = 0xFFFFFFFFu;
   const auto head = [](ByteWriter &out) {
      out.Text("Jet");
      out.Value(std::uint32_t{1});
      out.Text("pt");
      out.Text("Jet_pt");
      out.Value(aeplugin::Transform::kLinear);
      out.Floats({0, 1, 1, 0});
      out.Value(std::uint64_t{0}); // knots, categories
      out.Value(aeplugin::Condition::kNone);
   };
   const auto layer = [&](std::uint32_t layers, std::uint32_t inputs, std::uint32_t outputs, std::uint8_t activation) {
      return [=](ByteWriter &out) {
         head(out);
         out.Value(layers);
         out.Value(inputs);
         out.Value(outputs);
         out.Value(activation);
         out.Floats({1, 2, 3, 4});
      };
   };
   const auto refused = [](auto error, const std::string &bytes, const std::string &part) {
      testing::gLargestAllocation = 0;
      Throws<decltype(error)>([&] { Model::FromBytes(bytes, "evil.model"); }, part);
      IsTrue(testing::gLargestAllocation < 1000000,
             part + ": allocates " + std::to_string(testing::gLargestAllocation) + " bytes at once");
   };
   const auto collection = [&](auto error, const std::function<void(ByteWriter &)> &write, const std::string &part) {
      ByteWriter payload;
      write(payload);
      refused(error, File({{"RCPE", ""}, {"RULE", kNoRules}, {"TRNG", ""}, {"COLL", payload.Take()}}), part);
   };
   const CorruptionError corruption("");
   const CompatibilityError compatibility("");
   const ModelError impossible("");

   collection(corruption, layer(1, kMost, kMost, 0), "truncated in weights");
   collection(corruption, layer(1, 0x80000000u, 0x80000000u, 0), "truncated in weights");
   collection(corruption, layer(1, 1, kMost, 0), "truncated in weights");
   collection(corruption, layer(1, 0, kMost, 0), "truncated in biases");
   collection(corruption, layer(1, 0x40000001u, 1, 0), "truncated in weights"); // 4 bytes modulo 2^32
   collection(corruption, layer(kMost, 1, 1, 0), "4294967295 layers; expected at most 64");
   collection(compatibility, layer(1, 1, 1, 7), "unknown activation 7");
   const auto norm = [&](std::uint32_t outputs, std::uint8_t code) {
      return [=](ByteWriter &out) {
         layer(1, 0, outputs, 0)(out);
         out.Value(code);
      };
   };
   collection(compatibility, norm(4, 2), "unknown layer norm 2");
   collection(corruption, norm(4, 1), "truncated in gains");
   const auto column = [](std::uint32_t knots, std::uint32_t categories) {
      return [=](ByteWriter &out) {
         out.Text("Jet");
         out.Value(std::uint32_t{1});
         out.Text("pt");
         out.Text("Jet_pt");
         out.Value(aeplugin::Transform::kLinear);
         out.Floats({0, 1, 1, 0});
         out.Value(knots);
         out.Value(categories);
      };
   };
   collection(corruption, column(kMost, 0), "4294967295 knots; expected at most 4096");
   collection(corruption, column(4096, 0), "truncated in knots");
   collection(corruption, column(0, kMost), "4294967295 categories; expected at most 256");
   collection(corruption, column(0, 256), "truncated in category");
   const auto condition = [&](ByteWriter &out) {
      column(0, 0)(out);
      out.Value(std::uint8_t{4});
   };
   collection(compatibility, condition, "unknown condition 4");
   collection(corruption, [](ByteWriter &out) { out.Value(kMost); }, "truncated in collection name: 4294967295 bytes");
   const auto columns = [](ByteWriter &out) {
      out.Text("Jet");
      out.Value(kMost);
   };
   collection(corruption, columns, "4294967295 columns; expected at most 4096");
   const auto transform = [](ByteWriter &out) {
      out.Text("Jet");
      out.Value(std::uint32_t{1});
      out.Text("");
      out.Text("");
      out.Value(std::uint8_t{255});
   };
   collection(compatibility, transform, "unknown transform 255");
   const auto noLayers = [&](ByteWriter &out) {
      head(out);
      out.Value(std::uint32_t{0});
      out.Value(std::uint32_t{0});
   };
   collection(impossible, noLayers, "encoder: has 0 layers");
   const auto noOutputs = [&](ByteWriter &out) {
      head(out);
      for (int half = 0; half < 2; ++half) {
         out.Value(std::uint32_t{1});
         out.Value(std::uint32_t{1});
         out.Value(std::uint32_t{0});
         out.Value(aeplugin::Activation::kLinear);
         out.Value(std::uint8_t{0});
      }
   };
   collection(impossible, noOutputs, "has 0 outputs");
   const auto longer = [&](ByteWriter &out) {
      noLayers(out);
      out.Raw("tail", 4);
   };
   collection(corruption, longer, "4 bytes too many");
   collection(corruption, [](ByteWriter &) {}, "truncated in collection name");

   refused(corruption, File({}), "has 0 sections; expected at least 3");
   refused(corruption, File({{"RCPE", ""}, {"RULE", kNoRules}}), "has 2 sections; expected at least 3");
   auto sections = File({});
   sections.replace(kSectionsAt, 4, "\xff\xff\xff\xff");
   refused(corruption, sections, "4294967295 sections; expected at most 1024");
   auto size = File({{"RCPE", "a"}, {"RULE", kNoRules}, {"TRNG", ""}});
   size.replace(kSectionsAt + 4 + 8, 8, "\xff\xff\xff\xff\xff\xff\xff\xff");
   refused(corruption, size, "truncated in a section: 18446744073709551615 bytes expected, ");
   // Twice the same collection.
   const auto twice = SmallModel().ToBytes();
   const auto first = twice.find("COLL");
   const auto second = twice.find("COLL", first + 1);
   auto doubled = twice.substr(0, second) + twice.substr(first, second - first);
   refused(impossible, doubled, "collection 'Jet' stands twice");
}

/// Changed bytes behind a right checksum, in a model with all there is: an error, or another model that is one.
void TestMutations()
{
   const auto bytes = testing::RandomModel(testing::RichCollection(aeplugin::Condition::kBoth)).ToBytes();
   const std::size_t start = bytes.find("COLL") + 16;
   std::mt19937 random(6);
   int models = 0;
   constexpr int kMutations = 30000;
   for (int i = 0; i < kMutations; ++i) {
      std::string payload = bytes.substr(start);
      // Most of the payload is weights; what is before them matters more.
      const std::size_t most = i % 2 == 0 ? payload.size() : 600;
      for (unsigned changes = 1 + static_cast<unsigned>(random()) % 3; changes > 0; --changes)
         payload[random() % most] = static_cast<char>(random());
      const std::string file = File({{"RCPE", ""}, {"RULE", kNoRules}, {"TRNG", ""}, {"COLL", payload}});
      testing::gLargestAllocation = 0;
      try {
         const Model model = Model::FromBytes(file, "mutated.model");
         IsTrue(model.ToBytes() == file, "what is read is what is written");
         ++models;
      } catch (const aeplugin::Error &error) {
         IsTrue(std::string(error.what()).find("mutated.model") == 0, error.what());
      }
      IsTrue(testing::gLargestAllocation < 1000000, "allocates much at once");
   }
   IsTrue(models > kMutations / 10 && models < kMutations, std::to_string(models) + " models of all mutations");
}

/// The same for the rules, which also must be ones that a recipe could give.
void TestCraftedRules()
{
   constexpr std::uint32_t kMost = 0xFFFFFFFFu;
   const auto refused = [](auto error, const std::string &part, const std::function<void(ByteWriter &)> &write) {
      ByteWriter payload;
      write(payload);
      const std::string bytes = File({{"RCPE", ""}, {"RULE", payload.Take()}, {"TRNG", ""}});
      testing::gLargestAllocation = 0;
      Throws<decltype(error)>([&] { Model::FromBytes(bytes, "evil.model"); }, "evil.model: ");
      Throws<decltype(error)>([&] { Model::FromBytes(bytes, "evil.model"); }, part);
      IsTrue(testing::gLargestAllocation < 1000000, part + ": allocates much at once");
   };
   /// A collection of one column up to its tolerance.
   const auto column = [](ByteWriter &out, const std::string &variable, std::uint8_t codec, std::uint8_t kind,
                          double tolerance) {
      out.Value(std::uint32_t{1});
      out.Text("Jet");
      out.Value(codec);
      out.Value(std::uint32_t{1});
      out.Text(variable);
      out.Text("Jet_pt");
      out.Value(kind);
      out.Value(tolerance);
   };
   const auto whole = [&](const std::string &formula, double tolerance, std::uint32_t twice) {
      return [=](ByteWriter &out) {
         column(out, "pt", 0, 1, tolerance);
         out.Value(twice);
         for (std::uint32_t i = 0; i < twice; ++i)
            out.Value(-999.);
         out.Text(formula);
         out.Value(std::uint32_t{0});
      };
   };
   const CorruptionError corruption("");
   const CompatibilityError compatibility("");
   const RecipeError recipe("");
   refused(corruption, "truncated in collections", [](ByteWriter &) {});
   refused(corruption, "4294967295 collections; expected at most", [](ByteWriter &out) { out.Value(kMost); });
   refused(corruption, "truncated in collection name", [](ByteWriter &out) {
      out.Value(std::uint32_t{1});
      out.Value(kMost);
   });
   refused(compatibility, "unknown codec 7", [&](ByteWriter &out) { column(out, "pt", 7, 1, 1); });
   refused(compatibility, "unknown tolerance 3", [&](ByteWriter &out) { column(out, "pt", 0, 3, 1); });
   refused(corruption, "4294967295 sentinels; expected at most 16", [&](ByteWriter &out) {
      column(out, "pt", 0, 1, 1);
      out.Value(kMost);
   });
   refused(corruption, "3 bytes too many in the rules", [&](ByteWriter &out) {
      whole("", 1, 0)(out);
      out.Raw("abc", 3);
   });
   for (const double tolerance : {0., -1., std::numeric_limits<double>::quiet_NaN()})
      refused(recipe, "abs tolerance of", whole("", tolerance, 0));
   refused(recipe, "stands twice", whole("", 1, 2));
   refused(recipe, "'Jet_pt' is predicted from 'eta', which has no tolerance", whole("eta", 1, 0));
   refused(recipe, "predicted from each other", whole("pt", 1, 0));
   refused(recipe, "", whole("1 +", 1, 0));
   refused(recipe, "", whole(std::string(100, '('), 1, 0));
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("truncation at every byte", TestTruncation);
   suite.Case("damage of every byte", TestDamage);
   suite.Case("crafted files", TestCraftedFiles);
   suite.Case("mutations behind right checksums", TestMutations);
   suite.Case("crafted rules", TestCraftedRules);
   return suite.ExitCode();
}
