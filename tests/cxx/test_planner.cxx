#include "random_events.hxx"
#include "testing.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/planner.hxx>

#include <cmath>
#include <functional>
#include <numeric>

namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

/// Objects x, y and z in events of four; `fill` sets them.
struct Sample {
   explicit Sample(std::size_t objects, const std::function<void(std::size_t, float &, float &, float &)> &fill,
                   const std::string &type = "std::vector<float>")
   {
      std::vector<std::vector<float>> values(3, std::vector<float>(objects));
      for (std::size_t i = 0; i < objects; ++i)
         fill(i, values[0][i], values[1][i], values[2][i]);
      std::vector<std::uint64_t> offsets;
      for (std::size_t offset = 0; offset <= objects; offset += 4)
         offsets.push_back(offset);
      fBlock.fEvents = objects / 4;
      for (std::size_t i = 0; i < 3; ++i) {
         fSchema.push_back(TableColumn::Make(std::string(1, static_cast<char>('x' + i)), type));
         fBlock.fColumns.push_back({values[i], {offsets}});
      }
      fModel.fRules.fCollections = {{"Jet", CodecKind::kAuto, {}}};
      for (const TableColumn &column : fSchema)
         fModel.fRules.fCollections[0].fColumns.push_back(
            {column.fName, column.fName, {ToleranceKind::kAbs, 0.01}, {}, ""});
   }

   CollectionRule &Rule() { return fModel.fRules.fCollections[0]; }
   Layout Plan(std::uint64_t events = 0) const
   {
      return MakeLayout(fSchema, fModel, {fBlock}, events > 0 ? events : fBlock.fEvents);
   }

   TableSchema fSchema;
   TableBlock fBlock;
   Model fModel;
};

Sample Independent(std::size_t objects = 4000)
{
   std::mt19937 random(1);
   std::normal_distribution<float> normal;
   return Sample(objects, [&](std::size_t, float &x, float &y, float &z) {
      x = normal(random);
      y = normal(random);
      z = normal(random);
   });
}

Sample Sums(std::size_t objects = 4000)
{
   std::mt19937 random(2);
   std::normal_distribution<float> normal;
   return Sample(objects, [&](std::size_t, float &x, float &y, float &z) {
      x = normal(random);
      y = normal(random);
      z = x + y;
   });
}

void TestFormulas()
{
   Sample sums = Sums();
   sums.Rule().fColumns[2].fFormula = "x + y";
   const auto helped = sums.Plan().fGroups.front();
   AreEqual(helped.fColumns[2].fFormula, "x + y", "a formula that helps");
   AreEqual(helped.fColumns[2].fPacking.fBits, 3u, "bits of what it leaves");
   IsTrue(helped.fColumns[0].fPacking.fBits >= 9, "bits without it");
   sums.Rule().fColumns[2].fFormula = "1 / x";
   AreEqual(sums.Plan().fGroups.front().fColumns[2].fFormula, "", "a formula that does not help");
   sums.Rule().fColumns[2].fFormula = "x / 0";
   AreEqual(sums.Plan().fGroups.front().fColumns[2].fFormula, "", "a formula that is nowhere defined");
   Sample independent = Independent();
   independent.Rule().fColumns[2].fFormula = "x + y";
   AreEqual(independent.Plan().fGroups.front().fColumns[2].fFormula, "", "of other columns");
   // Where a parent's own formula goes, those that build on the parent stay.
   sums.Rule().fColumns[1].fFormula = "x * x";
   sums.Rule().fColumns[2].fFormula = "x + y";
   const auto chain = sums.Plan().fGroups.front();
   AreEqual(chain.fColumns[1].fFormula, "");
   AreEqual(chain.fColumns[2].fFormula, "x + y");
}

/// A linear network through which one latent carries three equal columns.
CollectionModel CopyingNetwork()
{
   CollectionModel network;
   network.fName = "Jet";
   for (const char *name : {"x", "y", "z"})
      network.fColumns.push_back({name, name, Transform::kLinear, 0, 1, 1, 0, {}, {}, {}});
   network.fEncoder = {{3, 1, Activation::kLinear, {1, 0, 0}, {0}, {}, {}}};
   network.fDecoder = {{1, 3, Activation::kLinear, {1, 1, 1}, {0, 0, 0}, {}, {}}};
   return network;
}

void TestAutoencoder()
{
   std::mt19937 random(3);
   std::normal_distribution<float> normal;
   Sample equal(8000, [&](std::size_t, float &x, float &y, float &z) { x = y = z = 10 * normal(random); });
   equal.fModel.fCollections = {CopyingNetwork()};
   auto group = equal.Plan(10'000'000).fGroups.front();
   IsTrue(group.fCodec == CodecKind::kAutoencoder, "a network that knows the columns pays");
   AreEqual(group.fLatents.size(), 1u);
   IsTrue(group.fColumns[2].fPacking.fBits < 8, "differences are small");
   // The same network for a handful of events: too large to go into the file.
   Sample few(40, [&](std::size_t, float &x, float &y, float &z) { x = y = z = normal(random); });
   few.fModel.fCollections = {testing::RandomCollection(3, {200, 200, 3})};
   for (std::size_t i = 0; i < 3; ++i)
      few.fModel.fCollections[0].fColumns[i].fVariable = few.fSchema[i].fName;
   IsTrue(few.Plan().fGroups.front().fCodec == CodecKind::kPlain, "too few events");
   // A network that knows nothing.
   Sample independent = Independent();
   independent.fModel.fCollections = few.fModel.fCollections;
   IsTrue(independent.Plan(1'000'000'000).fGroups.front().fCodec == CodecKind::kPlain, "useless network");
   IsTrue(independent.Plan(1'000'000'000).fGroups.front().fLatents.empty(), "no latents");
   independent.Rule().fCodec = CodecKind::kAutoencoder;
   IsTrue(independent.Plan().fGroups.front().fCodec == CodecKind::kAutoencoder, "as told");
   independent.Rule().fCodec = CodecKind::kPlain;
   IsTrue(independent.Plan().fGroups.front().fCodec == CodecKind::kPlain, "as told");
   independent.Rule().fCodec = CodecKind::kAutoencoder;
   independent.fModel.fCollections[0].fName = "Muon";
   Throws<ModelError>([&] { independent.Plan(); }, "the model has no collection 'Jet'; known are Muon");
   independent.Rule().fCodec = CodecKind::kAuto;
   IsTrue(independent.Plan().fGroups.front().fCodec == CodecKind::kPlain, "auto without a network");
}

/// A network that is told a label is for other uses than the codec.
void TestLabel()
{
   Sample equal(8000, [](std::size_t i, float &x, float &y, float &z) { x = y = z = static_cast<float>(i % 100); });
   CollectionModel network = CopyingNetwork();
   network.fColumns.push_back({"kind", "kind", Transform::kLabel, 0, 1, 1, 0, {}, {}, {1}});
   network.fCondition = Condition::kEncoder;
   network.fEncoder = {{4, 1, Activation::kLinear, {1, 0, 0, 0}, {0}, {}, {}}};
   equal.fModel.fCollections = {network};
   IsTrue(equal.Plan(10'000'000).fGroups.front().fCodec == CodecKind::kPlain, "auto does without");
   equal.Rule().fCodec = CodecKind::kAutoencoder;
   Throws<RecipeError>([&] { equal.Plan(); }, "collection 'Jet': the codec autoencoder cannot use a network that is "
                                              "told a label, 'kind'; take the codec plain or auto");
}

/// The network predicts its columns, the formula of another one stays.
void TestFormulaBesideNetwork()
{
   Sample sums = Sums();
   CollectionModel network = CopyingNetwork();
   network.fColumns.pop_back();
   network.fEncoder = {{2, 1, Activation::kLinear, {1, 0}, {0}, {}, {}}};
   network.fDecoder = {{1, 2, Activation::kLinear, {1, 1}, {0, 0}, {}, {}}};
   sums.fModel.fCollections = {network};
   sums.Rule().fCodec = CodecKind::kAutoencoder;
   sums.Rule().fColumns[2].fFormula = "x + y";
   sums.Rule().fColumns[1].fFormula = "x";
   const auto group = sums.Plan().fGroups.front();
   AreEqual(group.fColumns[1].fFormula, "");
   AreEqual(group.fColumns[2].fFormula, "x + y");
}

void TestMissingColumns()
{
   Sample sample = Independent(40);
   sample.Rule().fColumns[1].fColumn = "yy";
   Throws<RecipeError>([&] { sample.Plan(); }, "the data have no column 'yy' that the recipe names; did you mean 'y'?");
   sample.Rule().fColumns[1].fColumn = "quite_another";
   Throws<RecipeError>([&] { sample.Plan(); }, "known are x, y, z");
}

void TestOtherTypes()
{
   Sample sample = Independent(40);
   for (const char *type :
        {"std::vector<std::int32_t>", "std::vector<bool>", "std::string", "std::vector<std::vector<float>>"}) {
      sample.fSchema[1] = TableColumn::Make("y", type);
      Throws<RecipeError>([&] { sample.Plan(); },
                          std::string("column 'y' is of type ") + type + "; a tolerance is for");
   }
   sample.fSchema[1] = TableColumn::Make("y", "float");
   Throws<RecipeError>([&] { sample.Plan(); }, "columns 'x' of type std::vector<float> and 'y' of type float of "
                                               "collection 'Jet' have different shapes");
   sample.fSchema[1] = TableColumn::Make("y", "std::array<float,4>");
   AreEqual(sample.Plan().fGroups.size(), 1u, "vectors and arrays of the same lengths");
}

/// Columns of a collection with different numbers of objects, found in the sample.
void TestDifferentLengths()
{
   for (const bool withFormula : {false, true}) {
      Sample sample = Sums(400);
      if (withFormula)
         sample.Rule().fColumns[2].fFormula = "x + y";
      std::get<std::vector<float>>(sample.fBlock.fColumns[0].fValues).resize(4);
      auto &offsets = sample.fBlock.fColumns[0].fOffsets.front();
      std::fill(offsets.begin() + 2, offsets.end(), 4);
      sample.fBlock.fFirstEvent = 70;
      Throws<InputError>([&] { sample.Plan(); },
                         "event 71: columns 'x' and 'y' of collection 'Jet' have different numbers of objects");
   }
}

void TestEmptySamples()
{
   for (const CodecKind codec : {CodecKind::kPlain, CodecKind::kAutoencoder, CodecKind::kAuto}) {
      const Model model = testing::EventModel(codec);
      for (const auto &sample : {std::vector<TableBlock>{}, std::vector<TableBlock>{testing::RandomEvents(0, 1)},
                                 std::vector<TableBlock>{testing::RandomEvents(9, 1, {1, 0})}}) {
         const Layout layout = MakeLayout(testing::EventSchema(), model, sample, 0);
         AreEqual(layout.fGroups.size(), 5u);
         for (const Group &group : layout.fGroups)
            for (const CompressedColumn &column : group.fColumns)
               IsTrue((std::uint64_t{1} << column.fPacking.fBits) >= column.fSentinels.size() + 2, "room for marks");
         if (codec == CodecKind::kAutoencoder)
            AreEqual(layout.fGroups.front().fLatents.size(), 2u);
      }
   }
   AreEqual(MakeLayout({}, {}, {}, 0).fGroups.size(), 0u, "nothing at all");
}

void TestSampleOfMarks()
{
   Sample nothing(400, [](std::size_t, float &x, float &y, float &z) {
      x = NAN;
      y = INFINITY;
      z = -1e30f;
   });
   nothing.Rule().fColumns[2].fFormula = "x + y";
   nothing.fModel.fCollections = {CopyingNetwork()};
   for (const CodecKind codec : {CodecKind::kAuto, CodecKind::kAutoencoder}) {
      nothing.Rule().fCodec = codec;
      AreEqual(nothing.Plan().fGroups.front().fColumns[0].fPacking.fBits, 8u);
   }
}

/// Columns of a group stand in the order of the table, whatever the recipe's.
void TestOrder()
{
   Sample sample = Independent(400);
   std::swap(sample.Rule().fColumns[0], sample.Rule().fColumns[2]);
   const auto group = sample.Plan().fGroups.front();
   for (std::size_t i = 0; i < 3; ++i) {
      AreEqual(group.fColumns[i].fColumn, i);
      AreEqual(group.fColumns[i].fVariable, sample.fSchema[i].fName);
   }
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("formulas", TestFormulas);
   suite.Case("autoencoder", TestAutoencoder);
   suite.Case("network with a label", TestLabel);
   suite.Case("formula beside a network", TestFormulaBesideNetwork);
   suite.Case("missing columns", TestMissingColumns);
   suite.Case("other types", TestOtherTypes);
   suite.Case("different lengths", TestDifferentLengths);
   suite.Case("empty samples", TestEmptySamples);
   suite.Case("a sample of nothing but marks", TestSampleOfMarks);
   suite.Case("order of columns", TestOrder);
   return suite.ExitCode();
}
