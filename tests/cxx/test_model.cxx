#include "model_files.hxx"
#include "random_model.hxx"
#include "temporary_folder.hxx"
#include "testing.hxx"

#include "bytes.hxx"

#include <aeplugin/model.hxx>

#include <sys/stat.h>

namespace {

using aeplugin::CollectionModel;
using aeplugin::CompatibilityError;
using aeplugin::InputError;
using aeplugin::Model;
using aeplugin::ModelError;
using testing::AreEqual;
using testing::File;
using testing::IsSame;
using testing::IsTrue;
using testing::kMagic;
using testing::kNoRules;
using testing::kVersionAt;
using testing::SmallModel;
using testing::TemporaryFolder;
using testing::Throws;

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
   Model rich = testing::RandomModel(testing::RichCollection(aeplugin::Condition::kBoth));
   rich.fCollections.push_back(
      testing::RichCollection(aeplugin::Condition::kNone, aeplugin::Activation::kGelu, "Photon"));
   for (const Model &model : {jets, SmallModel(), rich}) {
      IsTrue(IsSame(Model::FromBytes(model.ToBytes()), model), "through bytes");
      AreEqual(Model::FromBytes(model.ToBytes()).ToBytes() == model.ToBytes(), true, "the same bytes again");
      model.Save(folder / "a.model");
      IsTrue(IsSame(Model::FromFile(folder / "a.model"), model), "through a file");
      IsTrue(testing::ReadFile(folder / "a.model") == model.ToBytes(), "the file is the bytes");
   }
   auto other = jets;
   other.fCollections[0].fDecoder[2].fWeights[77] += 1e-6f;
   IsTrue(!IsSame(jets, other), "the comparison sees a weight");
   other = rich;
   other.fCollections[0].fColumns[3].fKnotsTo[1] += 1e-3f;
   IsTrue(!IsSame(rich, other), "the comparison sees a knot");
}

/// A model of one column and two layers, and its collection in a file of version 2.
CollectionModel TinyCollection()
{
   CollectionModel tiny;
   tiny.fName = "J";
   tiny.fColumns = {{"pt", "J_pt", aeplugin::Transform::kLog10, 1.5f, 0.25f, 1, 0, {}, {}, {}}};
   tiny.fEncoder = {{1, 1, aeplugin::Activation::kTanh, {2.f}, {3.f}, {}, {}}};
   tiny.fDecoder = {{1, 1, aeplugin::Activation::kLinear, {-4.f}, {0.f}, {}, {}}};
   return tiny;
}
const std::string kTinyHead("\x01\0\0\0J"
                            "\x01\0\0\0"
                            "\x02\0\0\0pt"
                            "\x04\0\0\0J_pt"
                            "\x01"
                            "\0\0\xc0\x3f"
                            "\0\0\x80\x3e",
                            5 + 4 + 6 + 8 + 1 + 8);
const std::string kTinyEncoder("\x01\0\0\0"
                               "\x01\0\0\0"
                               "\x01\0\0\0"
                               "\x01"
                               "\0\0\0\x40"
                               "\0\0\x40\x40",
                               4 + 4 + 4 + 1 + 8);
const std::string kTinyDecoder("\x01\0\0\0"
                               "\x01\0\0\0"
                               "\x01\0\0\0"
                               "\0"
                               "\0\0\x80\xc0"
                               "\0\0\0\0",
                               4 + 4 + 4 + 1 + 8);

std::string FileOf(const std::string &collection, std::uint32_t version)
{
   return File({{"RCPE", "r"}, {"RULE", kNoRules}, {"TRNG", "{}"}, {"COLL", collection}}, version);
}

/// Files of version 2 are inside compressed files, and readable for ever.
void TestVersion2()
{
   const std::string bytes = FileOf(kTinyHead + kTinyEncoder + kTinyDecoder, 2);
   AreEqual(bytes.substr(0, 16) == kMagic + std::string("\x02\0\0\0\x04\0\0\0", 8), true, "the head");
   const Model model = Model::FromBytes(bytes);
   IsTrue(IsSame(model, {"r", {}, "{}", {TinyCollection()}, {}}), "the model of a file of version 2");
   IsTrue(model.ToBytes() != bytes, "it is written as version 4");
   IsTrue(IsSame(Model::FromBytes(model.ToBytes()), model), "through version 4");
   // Codes that version 2 has not.
   for (const auto &[code, message] :
        {std::pair{kTinyHead.size() - 9, "unknown transform 2"}, {kTinyHead.size() + 12, "unknown activation 2"}}) {
      std::string payload = kTinyHead + kTinyEncoder + kTinyDecoder;
      payload[code] = 2;
      Throws<CompatibilityError>([&, part = payload] { Model::FromBytes(FileOf(part, 2)); }, message);
   }
}

/// The layout of the file, written down a second time.
void TestLayout()
{
   const std::string plain("\0\0\x80\x3f"
                           "\0\0\0\0"
                           "\0\0\0\0"
                           "\0\0\0\0",
                           16);
   const std::string none(1, '\0');
   const std::string bytes = Model{"r", {}, "{}", {TinyCollection()}, {}}.ToBytes();
   IsTrue(bytes == FileOf(kTinyHead + plain + none + kTinyEncoder + none + kTinyDecoder + none, 4),
          "the bytes of a tiny model");
   AreEqual(bytes.substr(0, 16) == kMagic + std::string("\x04\0\0\0\x04\0\0\0", 8), true, "the head");

   CollectionModel rich = TinyCollection();
   rich.fColumns[0].fFactor = -1;
   rich.fColumns[0].fOffset = 2;
   rich.fColumns.push_back({"q", "Q", aeplugin::Transform::kQuantile, 0, 1, 1, 0, {1, 2}, {3, 4}, {}});
   rich.fColumns.push_back({"k", "K", aeplugin::Transform::kLabel, 0, 1, 1, 0, {}, {}, {-1, 258}});
   rich.fCondition = aeplugin::Condition::kDecoder;
   rich.fEncoder = {{2, 1, aeplugin::Activation::kGelu, {2, 2}, {3}, {4}, {1}}};
   rich.fDecoder = {{3, 2, aeplugin::Activation::kRelu, {0, 0, 0, 0, 0, 0}, {0, 0}, {}, {}}};
   const std::string expected = std::string("\x01\0\0\0J"
                                            "\x03\0\0\0",
                                            9) +
                                kTinyHead.substr(9) +
                                std::string("\0\0\x80\xbf"
                                            "\0\0\0\x40"
                                            "\0\0\0\0"
                                            "\0\0\0\0"
                                            "\x01\0\0\0q\x01\0\0\0Q\x02"
                                            "\0\0\0\0\0\0\x80\x3f\0\0\x80\x3f\0\0\0\0"
                                            "\x02\0\0\0"
                                            "\0\0\x80\x3f\0\0\0\x40"
                                            "\0\0\x40\x40\0\0\x80\x40"
                                            "\0\0\0\0"
                                            "\x01\0\0\0k\x01\0\0\0K\x04"
                                            "\0\0\0\0\0\0\x80\x3f\0\0\x80\x3f\0\0\0\0"
                                            "\0\0\0\0"
                                            "\x02\0\0\0"
                                            "\xff\xff\xff\xff\x02\x01\0\0"
                                            "\x02"
                                            "\x01\0\0\0\x02\0\0\0\x01\0\0\0\x06"
                                            "\0\0\0\x40\0\0\0\x40\0\0\x40\x40"
                                            "\x01"
                                            "\0\0\x80\x40\0\0\x80\x3f"
                                            "\x01\0\0\0\x03\0\0\0\x02\0\0\0\x02",
                                            16 + 11 + 16 + 4 + 16 + 4 + 11 + 16 + 4 + 12 + 1 + 13 + 12 + 1 + 8 + 13) +
                                std::string(8 * 4 + 1, '\0');
   IsTrue(Model{"r", {}, "{}", {rich}, {}}.ToBytes() == FileOf(expected, 4), "the bytes of a model with all there is");

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

void TestVersions()
{
   auto bytes = SmallModel().ToBytes();
   bytes[kVersionAt] = 5;
   Throws<CompatibilityError>(
      [&] { Model::FromBytes(bytes, "new.model"); },
      "new.model: model file of version 5; this aeplugin reads versions 2 to 4; a newer one may");
   bytes[kVersionAt] = 1;
   Throws<CompatibilityError>([&] { Model::FromBytes(bytes); },
                              "version 1; this aeplugin reads versions 2 to 4; train the");
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
   const auto kinds = testing::RichCollection(aeplugin::Condition::kDecoder);
   AreEqual(kinds.Latents(), 3u, "latents without the label");
   AreEqual(kinds.Features(), 7u, "features");
   AreEqual(kinds.LatentNames().back(), "Object_latent_kind");
   AreEqual(kinds.ColumnNames().back(), "Object_kind");
   IsTrue(CollectionModel{}.LatentNames().empty(), "an empty model has no latents");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("checksum", TestCrc32);
   suite.Case("round trip", TestRoundTrip);
   suite.Case("version 2", TestVersion2);
   suite.Case("layout", TestLayout);
   suite.Case("versions", TestVersions);
   suite.Case("other files", TestOtherFiles);
   suite.Case("collections", TestCollection);
   return suite.ExitCode();
}
