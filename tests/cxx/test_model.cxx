#include "allocation_watch.hxx"
#include "random_model.hxx"
#include "temporary_folder.hxx"
#include "testing.hxx"

#include "bytes.hxx"

#include <aeplugin/model.hxx>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include <sys/stat.h>

namespace {

using aeplugin::ByteWriter;
using aeplugin::CollectionModel;
using aeplugin::CompatibilityError;
using aeplugin::CorruptionError;
using aeplugin::InputError;
using aeplugin::Model;
using aeplugin::ModelError;
using aeplugin::RecipeError;
using aeplugin::Rules;
using testing::AreEqual;
using testing::IsTrue;
using testing::TemporaryFolder;
using testing::Throws;

const std::string kMagic("\x89"
                         "AEPM\r\n\x1a",
                         8);
const std::string kNoRules(8, '\0');
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kSectionsAt = 12;

Model SmallModel()
{
   Model model = testing::RandomModel(testing::RandomCollection(2, {3, 1}));
   model.fCollections.push_back(testing::RandomCollection(1, {1}, 2, "Muon"));
   model.fRules.fCollections = {
      {"Jet",
       aeplugin::CodecKind::kAuto,
       {{"x0", "Jet_x0", {aeplugin::ToleranceKind::kRel, 0.02}, {-999, 0}, "x1"},
        {"x1", "Jet_x1", {aeplugin::ToleranceKind::kAbs, 0.01}, {}, ""}}},
      {"MET", aeplugin::CodecKind::kPlain, {{"MET", "MET", {aeplugin::ToleranceKind::kAbs, 10}, {}, ""}}}};
   model.fRules.fDropped = {"trash", "old.column"};
   return model;
}

bool IsSameNetwork(const aeplugin::Network &a, const aeplugin::Network &b)
{
   return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto &x, const auto &y) {
      return x.fInputs == y.fInputs && x.fOutputs == y.fOutputs && x.fActivation == y.fActivation &&
             x.fWeights == y.fWeights && x.fBiases == y.fBiases;
   });
}

bool IsSameCollection(const CollectionModel &a, const CollectionModel &b)
{
   const auto sameColumn = [](const auto &x, const auto &y) {
      return x.fVariable == y.fVariable && x.fColumn == y.fColumn && x.fTransform == y.fTransform &&
             x.fMean == y.fMean && x.fScale == y.fScale;
   };
   return a.fName == b.fName && IsSameNetwork(a.fEncoder, b.fEncoder) && IsSameNetwork(a.fDecoder, b.fDecoder) &&
          std::equal(a.fColumns.begin(), a.fColumns.end(), b.fColumns.begin(), b.fColumns.end(), sameColumn);
}

bool IsSameRules(const Rules &a, const Rules &b)
{
   const auto sameColumn = [](const auto &x, const auto &y) {
      return x.fVariable == y.fVariable && x.fColumn == y.fColumn && x.fTolerance.fKind == y.fTolerance.fKind &&
             x.fTolerance.fValue == y.fTolerance.fValue && x.fSentinels == y.fSentinels && x.fFormula == y.fFormula;
   };
   const auto sameCollection = [&](const auto &x, const auto &y) {
      return x.fName == y.fName && x.fCodec == y.fCodec &&
             std::equal(x.fColumns.begin(), x.fColumns.end(), y.fColumns.begin(), y.fColumns.end(), sameColumn);
   };
   return a.fDropped == b.fDropped && std::equal(a.fCollections.begin(), a.fCollections.end(), b.fCollections.begin(),
                                                 b.fCollections.end(), sameCollection);
}

bool IsSame(const Model &a, const Model &b)
{
   return a.fRecipe == b.fRecipe && IsSameRules(a.fRules, b.fRules) && a.fTraining == b.fTraining &&
          std::equal(a.fCollections.begin(), a.fCollections.end(), b.fCollections.begin(), b.fCollections.end(),
                     IsSameCollection);
}

/// A file of the given sections, with right checksums.
std::string File(const std::vector<std::pair<std::string, std::string>> &sections)
{
   ByteWriter out;
   out.Raw(kMagic.data(), kMagic.size());
   out.Value(std::uint32_t{2});
   out.Value(static_cast<std::uint32_t>(sections.size()));
   for (const auto &[tag, payload] : sections) {
      out.Raw(tag.data(), tag.size());
      out.Value(aeplugin::Crc32(payload.data(), payload.size()));
      out.Value(std::uint64_t{payload.size()});
      out.Raw(payload.data(), payload.size());
   }
   return out.Take();
}

void TestCrc32()
{
   AreEqual(aeplugin::Crc32("123456789", 9), 0xCBF43926u);
   AreEqual(aeplugin::Crc32("", 0), 0u);
   AreEqual(aeplugin::Crc32("\xff\xff\xff\xff", 4), 0xFFFFFFFFu);
}

void TestRoundTrip()
{
   const TemporaryFolder folder;
   auto jets = testing::RandomModel(testing::RandomJets());
   jets.fRecipe = std::string("a: \xc3\xa9\r\n\0 end", 12);
   jets.fTraining.clear();
   for (const Model &model : {jets, SmallModel()}) {
      IsTrue(IsSame(Model::FromBytes(model.ToBytes()), model), "through bytes");
      AreEqual(Model::FromBytes(model.ToBytes()).ToBytes() == model.ToBytes(), true, "the same bytes again");
      model.Save(folder / "a.model");
      IsTrue(IsSame(Model::FromFile(folder / "a.model"), model), "through a file");
      IsTrue(testing::ReadFile(folder / "a.model") == model.ToBytes(), "the file is the bytes");
   }
   auto other = jets;
   other.fCollections[0].fDecoder[2].fWeights[77] += 1e-6f;
   IsTrue(!IsSame(jets, other), "the comparison sees a weight");
}

/// The layout of the file, written down a second time.
void TestLayout()
{
   CollectionModel tiny;
   tiny.fName = "J";
   tiny.fColumns = {{"pt", "J_pt", aeplugin::Transform::kLog10, 1.5f, 0.25f}};
   tiny.fEncoder = {{1, 1, aeplugin::Activation::kTanh, {2.f}, {3.f}}};
   tiny.fDecoder = {{1, 1, aeplugin::Activation::kLinear, {-4.f}, {0.f}}};
   const std::string collection("\x01\0\0\0J"
                                "\x01\0\0\0"
                                "\x02\0\0\0pt"
                                "\x04\0\0\0J_pt"
                                "\x01"
                                "\0\0\xc0\x3f"
                                "\0\0\x80\x3e"
                                "\x01\0\0\0"
                                "\x01\0\0\0"
                                "\x01\0\0\0"
                                "\x01"
                                "\0\0\0\x40"
                                "\0\0\x40\x40"
                                "\x01\0\0\0"
                                "\x01\0\0\0"
                                "\x01\0\0\0"
                                "\0"
                                "\0\0\x80\xc0"
                                "\0\0\0\0",
                                5 + 4 + 6 + 8 + 1 + 8 + 2 * (4 + 4 + 4 + 1 + 8));
   const std::string bytes = Model{"r", {}, "{}", {tiny}}.ToBytes();
   IsTrue(bytes == File({{"RCPE", "r"}, {"RULE", kNoRules}, {"TRNG", "{}"}, {"COLL", collection}}),
          "the bytes of a tiny model");
   AreEqual(bytes.substr(0, 16) == kMagic + std::string("\x02\0\0\0\x04\0\0\0", 8), true, "the head");

   const std::string rules("\x01\0\0\0"
                           "\x01\0\0\0J"
                           "\xff"
                           "\x01\0\0\0"
                           "\x02\0\0\0pt"
                           "\x04\0\0\0J_pt"
                           "\x02"
                           "\0\0\0\0\0\0\xc0\x3f"
                           "\x01\0\0\0"
                           "\0\0\0\0\0\0\xf0\xbf"
                           "\x01\0\0\0"
                           "1"
                           "\x01\0\0\0"
                           "\x01\0\0\0d",
                           4 + 5 + 1 + 4 + 6 + 8 + 1 + 8 + 4 + 8 + 5 + 4 + 5);
   Model ruled;
   ruled.fRules = {
      {{"J", aeplugin::CodecKind::kAuto, {{"pt", "J_pt", {aeplugin::ToleranceKind::kRel, 0.125}, {-1}, "1"}}}}, {"d"}};
   IsTrue(ruled.ToBytes() == File({{"RCPE", ""}, {"RULE", rules}, {"TRNG", ""}}), "the bytes of rules");
}

void TestTruncation()
{
   const TemporaryFolder folder;
   const auto bytes = SmallModel().ToBytes();
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
         Throws<aeplugin::Error>([&] { Model::FromBytes(damaged, "bad.model"); }, "bad.model: ");
      }
      damaged[at] = bytes[at];
   }
   damaged[bytes.size() - 1] ^= 1;
   Throws<CorruptionError>([&] { Model::FromBytes(damaged, "bad.model"); }, "the checksum of section 'COLL' is wrong");
}

void TestVersions()
{
   auto bytes = SmallModel().ToBytes();
   bytes[kVersionAt] = 3;
   Throws<CompatibilityError>([&] { Model::FromBytes(bytes, "new.model"); },
                              "new.model: model file of version 3; this aeplugin reads version 2; a newer one may");
   bytes[kVersionAt] = 1;
   Throws<CompatibilityError>([&] { Model::FromBytes(bytes); }, "version 1; this aeplugin reads version 2; train the");
   bytes[kVersionAt] = 0;
   Throws<CompatibilityError>([&] { Model::FromBytes(bytes); }, "version 0");
   Throws<CompatibilityError>([] { Model::FromBytes(File({{"RCPE", ""}, {"RULE", kNoRules}, {"NEWS", "1"}})); },
                              "section 'NEWS' where 'TRNG' is expected; a newer aeplugin may read it");
   Throws<CompatibilityError>([] { Model::FromBytes(File({{"RCPE", ""}, {"RCPE", ""}, {"TRNG", ""}})); },
                              "section 'RCPE' where 'RULE' is expected");
}

void TestOtherFiles()
{
   const TemporaryFolder folder;
   const std::string path = folder / "some.model";
   const auto load = [&] { Model::FromFile(path); };
   const auto refused = [&](const std::string &bytes, const std::string &part) {
      testing::WriteFile(path, bytes);
      Throws<ModelError>(load, path + ": not an aeplugin model: " + part);
      Throws<ModelError>(load, "`aeplugin train` makes models");
   };
   for (const char protocol : {'\x02', '\x03', '\x04', '\x05'})
      refused(std::string("\x80") + protocol + "cos\nsystem\n", "it looks like a Python pickle, which is never loaded");
   refused("PK\x03\x04 torch", "it looks like a zip archive, perhaps from torch.save");
   refused(std::string("root\0\0\xf4\x1e", 8), "it looks like a ROOT file; a compressed file carries its model inside");
   refused("\x89"
           "AEPM\n\x1a",
           "its line ends were changed; copy it in binary mode");
   refused("pt: 2 %\n", "its first bytes are not those of one");
   refused("r", "its first bytes are not those of one");
   refused("", "it is empty");

   Throws<InputError>([&] { Model::FromFile(folder.Path()); }, folder.Path() + ": is no file");
   Throws<InputError>([&] { Model::FromFile(folder / "none.model"); }, "none.model: no such file; expected a model");
   Throws<InputError>([&] { Model::FromFile(path + "/below"); }, "no such file");
   Throws<InputError>([&] { Model::FromFile(std::string(10000, 'x')); }, "no such file");
   Throws<InputError>([] { Model::FromFile(""); }, "no such file");
   AreEqual(::mkfifo((folder / "pipe").c_str(), 0600), 0, "mkfifo");
   Throws<InputError>([&] { Model::FromFile(folder / "pipe"); }, "is no file");
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
      out.Value(0.f);
      out.Value(1.f);
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
   collection(compatibility, layer(1, 1, 1, 2), "unknown activation 2");
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

void TestValidate()
{
   const auto refused = [](const std::string &part, const std::function<void(Model &)> &spoil) {
      Model model = testing::RandomModel(testing::RandomCollection(2, {5, 3}));
      model.Validate();
      spoil(model);
      Throws<ModelError>([&] { model.Validate("my.model"); }, "my.model: ");
      Throws<ModelError>([&] { model.Validate("my.model"); }, part);
      Throws<ModelError>([&] { model.ToBytes(); }, part);
      if (model.fCollections.size() == 1)
         Throws<ModelError>([&] { model.fCollections[0].Validate(); }, part);
   };
   const auto jet = [&](const std::string &part, const std::function<void(CollectionModel &)> &spoil) {
      refused(part, [&](Model &model) { spoil(model.fCollections[0]); });
   };
   constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
   constexpr float kInfinity = std::numeric_limits<float>::infinity();

   refused("'Jet' stands twice", [](Model &model) { model.fCollections.push_back(model.fCollections[0]); });
   refused("holds 1001 collections", [](Model &model) { model.fCollections.resize(1001); });
   jet("has no columns, or a name that is none", [](auto &c) { c.fName.clear(); });
   jet("has no columns, or a name that is none", [](auto &c) { c.fColumns.clear(); });
   jet("has 4097 columns", [](auto &c) { c.fColumns.resize(4097); });
   jet("column 'Jet_x0' is empty or stands twice", [](auto &c) { c.fColumns[1].fColumn = "Jet_x0"; });
   jet("column '' is empty", [](auto &c) { c.fColumns[1].fColumn.clear(); });
   for (const float scale : {0.f, -0.f, -1.f, kNaN, kInfinity})
      jet("column 'Jet_x1' has mean", [&](auto &c) { c.fColumns[1].fScale = scale; });
   for (const float mean : {kNaN, kInfinity, -kInfinity})
      jet("expected finite ones", [&](auto &c) { c.fColumns[0].fMean = mean; });

   jet("encoder: has 0 layers", [](auto &c) { c.fEncoder.clear(); });
   jet("decoder: has 0 layers", [](auto &c) { c.fDecoder.clear(); });
   jet("encoder: has 65 layers", [](auto &c) { c.fEncoder.resize(65); });
   jet("encoder, layer 0: takes 2 inputs; expected 3", [](auto &c) { c.fColumns.push_back({"z", "Jet_z"}); });
   jet("encoder, layer 2: takes 2 inputs; expected 3", [](auto &c) { c.fEncoder.push_back(c.fEncoder[0]); });
   jet("decoder, layer 0: takes 3 inputs; expected 5", [](auto &c) { c.fEncoder.pop_back(); });
   jet("the decoder gives 5 values for 2 columns", [](auto &c) { c.fDecoder.pop_back(); });
   jet("encoder, layer 0: has 9 weights and 5 biases; expected 2 x 5 and 5",
       [](auto &c) { c.fEncoder[0].fWeights.pop_back(); });
   jet("has 10 weights and 6 biases", [](auto &c) { c.fEncoder[0].fBiases.push_back(0); });
   jet("has 0 outputs", [](auto &c) { c.fEncoder[1].fOutputs = 0; });
   jet("has 65537 outputs; expected 1 to 65536", [](auto &c) { c.fEncoder[1].fOutputs = 65537; });
   for (const float value : {kNaN, kInfinity, -kInfinity}) {
      jet("decoder, layer 1: holds a weight that is not finite",
          [&](auto &c) { c.fDecoder[1].fWeights.back() = value; });
      jet("encoder, layer 0: holds a weight that is not finite",
          [&](auto &c) { c.fEncoder[0].fBiases.back() = value; });
   }
}

void TestCollection()
{
   const auto model = SmallModel();
   AreEqual(model.Collection("Muon").fName, "Muon");
   Throws<ModelError>([&] { model.Collection(""); }, "known are Jet, Muon");
   Throws<ModelError>([&] { model.Collection("jet"); }, "no collection 'jet'; did you mean 'Jet'?");
   const auto jets = testing::RandomModel(testing::RandomJets());
   AreEqual(jets.Collection("").fName, "Jet");
   AreEqual(jets.Collection("").Latents(), 3u);
   IsTrue(jets.Collection("").LatentNames() == std::vector<std::string>{"Jet_latent_0", "Jet_latent_1", "Jet_latent_2"},
          "names of the latents");
   IsTrue(jets.Collection("").ColumnNames() == std::vector<std::string>{"Jet_x0", "Jet_x1", "Jet_x2", "Jet_x3"},
          "names of the columns");
   IsTrue(CollectionModel{}.LatentNames().empty(), "an empty model has no latents");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("checksum", TestCrc32);
   suite.Case("round trip", TestRoundTrip);
   suite.Case("layout", TestLayout);
   suite.Case("truncation at every byte", TestTruncation);
   suite.Case("damage of every byte", TestDamage);
   suite.Case("versions", TestVersions);
   suite.Case("other files", TestOtherFiles);
   suite.Case("crafted files", TestCraftedFiles);
   suite.Case("crafted rules", TestCraftedRules);
   suite.Case("validation", TestValidate);
   suite.Case("collections", TestCollection);
   return suite.ExitCode();
}
