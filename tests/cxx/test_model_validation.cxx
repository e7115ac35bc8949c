#include "random_model.hxx"
#include "testing.hxx"

#include <aeplugin/model.hxx>

#include <functional>
#include <limits>

// Models that are none.
namespace {

using aeplugin::CollectionModel;
using aeplugin::Model;
using aeplugin::ModelError;
using testing::Throws;

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
   jet("encoder, layer 0: takes 2 inputs; expected 3", [](auto &c) { c.fColumns.emplace_back().fColumn = "Jet_z"; });
   jet("encoder, layer 2: takes 2 inputs; expected 3", [](auto &c) { c.fEncoder.push_back(c.fEncoder[0]); });
   jet("decoder, layer 0: takes 3 inputs; expected 5", [](auto &c) { c.fEncoder.pop_back(); });
   jet("the decoder gives 5 values for 2 features of columns", [](auto &c) { c.fDecoder.pop_back(); });
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

/// Columns that are none; the rest of the collection does not come into it.
void TestValidateColumns()
{
   using Columns = std::vector<aeplugin::ModelColumn>;
   constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
   constexpr float kInfinity = std::numeric_limits<float>::infinity();
   const auto good = [] { return testing::EveryTransform(aeplugin::Condition::kBoth, "Jet"); };
   aeplugin::ValidateColumns(good(), "here");
   const auto refused = [&](const std::string &part, const std::function<void(Columns &)> &spoil) {
      auto columns = good();
      spoil(columns);
      Throws<ModelError>([&] { aeplugin::ValidateColumns(columns, "here"); }, "here: ");
      Throws<ModelError>([&] { aeplugin::ValidateColumns(columns, "here"); }, part);
   };
   enum { kLinear, kLog10, kFactor, kQuantile, kCircle, kOther, kLabel };
   for (const float factor : {0.f, kNaN, kInfinity})
      refused("'Jet_pt' has factor", [&](auto &c) { c[kLog10].fFactor = factor; });
   refused("and offset inf", [&](auto &c) { c[kLog10].fOffset = kInfinity; });
   for (const auto column : {kLinear, kQuantile, kCircle, kLabel}) {
      refused("else 1 and 0", [&](auto &c) { c[column].fFactor = 2; });
      refused("else 1 and 0", [&](auto &c) { c[column].fOffset = 1; });
   }
   refused("a circle or a label has 1", [](auto &c) { c[kCircle].fScale = 2; });
   refused("a circle or a label has 1", [](auto &c) { c[kLabel].fScale = 2; });
   refused("a label has 0", [](auto &c) { c[kLabel].fMean = 2; });
   for (const auto column : {kLinear, kLog10, kCircle, kLabel}) {
      refused("has knots; only", [&](auto &c) { c[column].fKnots = {1, 2}; });
      refused("has knots; only", [&](auto &c) { c[column].fKnotsTo = {1, 2}; });
   }
   refused("has knots at 1 values for 1 others", [](auto &c) { c[kQuantile].fKnots = c[kQuantile].fKnotsTo = {1}; });
   refused("knots at 7 values for 2 others", [](auto &c) { c[kQuantile].fKnotsTo = {1, 2}; });
   refused("expected 2 to 4096", [](auto &c) {
      c[kQuantile].fKnots.resize(4097);
      c[kQuantile].fKnotsTo.resize(4097);
   });
   for (const float value : {-2.f, -3.f, kNaN, kInfinity, -kInfinity}) {
      refused("knots that do not increase", [&](auto &c) { c[kQuantile].fKnots[2] = value; });
      refused("knots that do not increase", [&](auto &c) { c[kQuantile].fKnotsTo[2] = value == -2 ? -1 : value; });
   }
   for (const auto column : {kLinear, kLog10, kQuantile, kCircle})
      refused("has categories; only", [&](auto &c) { c[column].fLabels = {1}; });
   refused("has 0 categories", [](auto &c) { c[kLabel].fLabels.clear(); });
   refused("has 257 categories", [](auto &c) { c[kLabel].fLabels.resize(257); });
   refused("categories that do not increase", [](auto &c) { c[kLabel].fLabels = {1, 1}; });
   refused("beyond 16777216", [](auto &c) { c[kLabel].fLabels = {1, (1 << 24) + 1}; });
   for (const std::string name : {"", "a.b", "1a", "a b"})
      refused("variable '" + name + "' of a label is no name", [&](auto &c) { c[kLabel].fVariable = name; });
   refused("expected at most one, as the last column", [](auto &c) { std::swap(c[kCircle], c[kLabel]); });
   refused("has no columns that a network", [](auto &c) { c.erase(c.begin(), c.begin() + kLabel); });
   refused("has no columns that a network", [](auto &c) { c.clear(); });
}

void TestValidateNorms()
{
   const auto refused = [](const std::string &part, const std::function<void(CollectionModel &)> &spoil) {
      CollectionModel model = testing::RichCollection(aeplugin::Condition::kEncoder);
      model.Validate();
      spoil(model);
      Throws<ModelError>([&] { model.Validate(); }, part);
   };
   refused("has 22 gains and 23 shifts; expected none, or 23 of both",
           [](auto &c) { c.fEncoder[0].fGains.pop_back(); });
   refused("has 23 gains and 0 shifts", [](auto &c) { c.fEncoder[0].fShifts.clear(); });
   refused("weight that is not finite",
           [](auto &c) { c.fDecoder[0].fGains[1] = std::numeric_limits<float>::infinity(); });
   refused("has a label that no network is told", [](auto &c) { c.fCondition = aeplugin::Condition::kNone; });
   refused("encoder, layer 0: takes 11 inputs; expected 7",
           [](auto &c) { c.fCondition = aeplugin::Condition::kDecoder; });
   refused("decoder, layer 0: takes 3 inputs; expected 7", [](auto &c) { c.fCondition = aeplugin::Condition::kBoth; });
   refused("and there is none", [](auto &c) { c.fColumns.pop_back(); });
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("collections", TestValidate);
   suite.Case("columns", TestValidateColumns);
   suite.Case("norms and conditions", TestValidateNorms);
   return suite.ExitCode();
}
