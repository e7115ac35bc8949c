#include "bit_estimate.hxx"
#include "codecs/codec_kinds.hxx"
#include "codecs/latent_steps.hxx"
#include "codecs/packing.hxx"
#include "density_plan.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/planner.hxx>

#include <algorithm>

namespace aeplugin {
namespace {

using codecs::GroupGrids;

/// A way to store a group and about how many bits it takes for the sample.
struct Candidate {
   Group fGroup;
   double fBits;
};

/// The group of a collection, without what the sample decides.
Group MakeGroup(const TableSchema &schema, const CollectionRule &rule)
{
   Group group;
   group.fName = rule.fName;
   for (const ColumnRule &column : rule.fColumns) {
      const std::size_t index = RequireColumn(schema, column.fColumn, "that the recipe names");
      const TableColumn &original = schema[index];
      if (column.fTolerance.fKind == ToleranceKind::kExact)
         continue;
      if (!original.IsFloating() || original.fDepth > 1)
         throw RecipeError("column '" + column.fColumn + "' is of type " + original.fTypeName +
                           "; a tolerance is for float and double, and vectors or arrays of them");
      group.fColumns.push_back({index, column.fVariable, column.fTolerance, column.fSentinels, column.fFormula, {}});
   }
   std::sort(group.fColumns.begin(), group.fColumns.end(),
             [](const auto &a, const auto &b) { return a.fColumn < b.fColumn; });
   if (group.fColumns.empty())
      return group;
   const TableColumn &first = schema[group.fColumns.front().fColumn];
   group.fSingle = first.IsSingle();
   for (const CompressedColumn &column : group.fColumns)
      if (schema[column.fColumn].IsSingle() != group.fSingle)
         throw RecipeError("columns '" + first.fName + "' of type " + first.fTypeName + " and '" +
                           schema[column.fColumn].fName + "' of type " + schema[column.fColumn].fTypeName +
                           " of collection '" + rule.fName +
                           "' have different shapes; put them into different collections");
   return group;
}

/// Grid integers of the sample: [column of the group][object].
GroupGrids QuantiseSample(const codecs::CodecInput &input, const std::vector<TableBlock> &sample)
{
   GroupGrids grids(input.fGroup.fColumns.size());
   for (std::size_t i = 0; i < grids.size(); ++i) {
      for (const TableBlock &block : sample) {
         std::vector<std::uint64_t> exact;
         QuantiserSummary summary;
         const auto quantise = [&](const auto &values) {
            const std::size_t before = grids[i].size();
            grids[i].resize(before + values.size());
            input.fQuantisers[i].Encode(values.data(), values.size(), grids[i].data() + before, exact, summary);
         };
         const ColumnValues &values = block.fColumns[input.fGroup.fColumns[i].fColumn].fValues;
         if (input.fQuantisers[i].Type() == ColumnType::kFloat32)
            quantise(std::get<std::vector<float>>(values));
         else
            quantise(std::get<std::vector<double>>(values));
      }
   }
   return grids;
}

/// Of the integers that are no marks; 0 where there are none.
Grid Median(std::vector<Grid> grid)
{
   grid.erase(std::remove_if(grid.begin(), grid.end(), IsMark), grid.end());
   if (grid.empty())
      return 0;
   const auto middle = grid.begin() + static_cast<std::ptrdiff_t>(grid.size() / 2);
   std::nth_element(grid.begin(), middle, grid.end());
   return *middle;
}

/// \throws InputError where columns of the group differ in the number of objects
Packing PackCounts(const Group &group, const TableSchema &schema, const std::vector<TableBlock> &sample)
{
   std::vector<Grid> counts;
   for (const TableBlock &block : sample) {
      const auto more = codecs::CountObjects(group, schema, block);
      counts.insert(counts.end(), more.begin(), more.end());
   }
   return codecs::ChoosePacking(counts, std::vector<Grid>(counts.size(), 0), 0);
}

/// Keeps the formulas that help, and sizes the integers.
Candidate PlanPlain(codecs::CodecInput input, const GroupGrids &grids)
{
   const codecs::Predictor predictor(input);
   Candidate plan{input.fGroup, 0};
   plan.fGroup.fCodec = CodecKind::kPlain;
   for (std::size_t i = 0; i < grids.size(); ++i) {
      CompressedColumn &column = plan.fGroup.fColumns[i];
      std::vector<Grid> predicted(grids[i].size(), 0);
      double bits = EstimateBits(grids[i], std::vector<Grid>(grids[i].size(), Median(grids[i])));
      if (!column.fFormula.empty()) {
         auto byFormula = predictor.Predict(i, grids, grids[i].size());
         const double bitsByFormula = EstimateBits(grids[i], byFormula);
         if (bitsByFormula < bits) {
            bits = bitsByFormula;
            predicted = std::move(byFormula);
         } else {
            column.fFormula.clear();
         }
      }
      column.fPacking = codecs::ChoosePacking(grids[i], predicted, column.fSentinels.size());
      plan.fBits += bits;
   }
   return plan;
}

/// \param plain what the plain codec does with the columns that the network does not know
Candidate PlanAutoencoder(codecs::CodecInput input, const Candidate &plain, const CollectionModel &network,
                          const GroupGrids &grids)
{
   input.fGroup = plain.fGroup;
   input.fGroup.fCodec = CodecKind::kAutoencoder;
   for (CompressedColumn &column : input.fGroup.fColumns)
      for (const ModelColumn &known : network.fColumns)
         if (known.fVariable == column.fVariable)
            column.fFormula.clear();
   const auto chosen = codecs::ChooseLatentSteps(input, MakeAutoencoder(network), grids);
   return {chosen.fGroup, chosen.fBits};
}

/// Whether a collection has a network that the codec can use: a label is no value that comes back.
bool HasNetwork(const Model &model, const std::string &name)
{
   return std::any_of(model.fCollections.begin(), model.fCollections.end(), [&](const CollectionModel &collection) {
      return collection.fName == name && !collection.HasLabel();
   });
}

/// The network of a collection whose codec is to be autoencoder.
const CollectionModel &NetworkOf(const Model &model, const std::string &name)
{
   const CollectionModel &network = model.Collection(name);
   if (network.HasLabel())
      throw RecipeError(
         "collection '" + name + "': the codec autoencoder cannot use a network that is told a label, '" +
         network.fColumns.back().fVariable + "'; take the codec plain or auto, or train a network without `condition`");
   return network;
}

double BitsOf(const CollectionModel &network)
{
   std::size_t weights = 0;
   for (const Network *half : {&network.fEncoder, &network.fDecoder})
      for (const Layer &layer : *half)
         weights += layer.fWeights.size() + layer.fBiases.size() + layer.fGains.size() + layer.fShifts.size();
   for (const ModelColumn &column : network.fColumns)
      weights += column.fKnots.size() + column.fKnotsTo.size();
   return 32. * static_cast<double>(weights);
}

/// A group without any codec but plain and autoencoder.
Candidate PlanAlone(const TableSchema &schema, const Model &model, const CollectionRule &rule,
                    const std::vector<TableBlock> &sample, double share)
{
   codecs::CodecInput input{MakeGroup(schema, rule), {}};
   if (input.fGroup.fColumns.empty())
      return {input.fGroup, 0};
   for (const CompressedColumn &column : input.fGroup.fColumns)
      input.fQuantisers.emplace_back(column.fTolerance, schema[column.fColumn].fType, column.fSentinels);
   input.fGroup.fCounts = PackCounts(input.fGroup, schema, sample);
   const GroupGrids grids = QuantiseSample(input, sample);
   Candidate best = PlanPlain(input, grids);
   if (rule.fCodec == CodecKind::kAutoencoder ||
       (rule.fCodec == CodecKind::kAuto && HasNetwork(model, rule.fName) && share > 0)) {
      const CollectionModel &network = NetworkOf(model, rule.fName);
      Candidate learned = PlanAutoencoder(input, best, network, grids);
      learned.fBits += BitsOf(network) * share;
      if (rule.fCodec == CodecKind::kAutoencoder || learned.fBits < best.fBits)
         best = std::move(learned);
   }
   return best;
}

/// Whether groups are to be coded by the model's density, however many bits that takes.
/// \throws RecipeError where only some of those that it codes together are, or it does not know one
bool IsDensityAskedFor(const Model &model)
{
   const CollectionRule *asked = nullptr;
   const CollectionRule *refused = nullptr;
   for (const CollectionRule &rule : model.fRules.fCollections) {
      if (rule.fCodec == CodecKind::kAutoregressive && !HasDensity(model, rule.fName))
         throw ModelError("collection '" + rule.fName +
                          "' has the codec autoregressive, and the model has no density " +
                          "of it; make one with `aeplugin train` and this recipe, and give it as the model");
      if (rule.fCodec == CodecKind::kAutoregressive)
         asked = &rule;
      else if (HasDensity(model, rule.fName) && rule.fCodec != CodecKind::kAuto)
         refused = &rule;
   }
   if (asked && refused)
      throw RecipeError("collection '" + asked->fName + "' has the codec autoregressive and '" + refused->fName +
                        "' the codec " + CodecName(refused->fCodec) +
                        "; the model codes them together: give both the same, or train with other codecs");
   return asked != nullptr;
}

/// Whether all groups of the model's density may be coded by it.
bool IsDensityAllowed(const Model &model)
{
   return model.fDensity && std::all_of(model.fRules.fCollections.begin(), model.fRules.fCollections.end(),
                                        [&](const CollectionRule &rule) {
                                           return !HasDensity(model, rule.fName) || rule.fCodec == CodecKind::kAuto ||
                                                  rule.fCodec == CodecKind::kAutoregressive;
                                        });
}

/// Lets the density code its groups where that takes fewer bits, or is asked for.
/// \param groups of the layout, and their bits
void PlanTogether(const TableSchema &schema, const Model &model, const std::vector<TableBlock> &sample, double share,
                  std::vector<Candidate> &groups)
{
   const bool isAskedFor = IsDensityAskedFor(model);
   if (!isAskedFor && !(IsDensityAllowed(model) && share > 0))
      return;
   std::vector<Group> alone;
   double bitsAlone = 0;
   for (const Candidate &group : groups) {
      alone.push_back(group.fGroup);
      bitsAlone += HasDensity(model, group.fGroup.fName) ? group.fBits : 0;
   }
   DensityPlan plan;
   try {
      plan = PlanDensity(schema, model, std::move(alone), sample);
   } catch (const ModelError &) {
      if (isAskedFor)
         throw;
      return; // a density of other columns or tolerances, which a model may bring to another recipe
   }
   bitsAlone += BitsWithoutDensity(schema, plan.fGroups, sample);
   if (!isAskedFor && plan.fBits + plan.fModelBits * share >= bitsAlone)
      return;
   auto planned = plan.fGroups.cbegin();
   for (Candidate &group : groups)
      if (HasDensity(model, group.fGroup.fName))
         group.fGroup = *planned++;
}

} // namespace

Layout MakeLayout(const TableSchema &schema, const Model &model, const std::vector<TableBlock> &sample,
                  std::uint64_t events)
{
   model.fRules.Validate();
   std::uint64_t sampled = 0;
   for (const TableBlock &block : sample)
      sampled += block.fEvents;
   // A model goes into the file once, however many events there are: this much of it counts for the sample.
   const double share = static_cast<double>(sampled) / static_cast<double>(std::max<std::uint64_t>(events, 1));
   std::vector<Candidate> groups;
   for (const CollectionRule &rule : model.fRules.fCollections) {
      Candidate group = PlanAlone(schema, model, rule, sample, share);
      if (!group.fGroup.fColumns.empty())
         groups.push_back(std::move(group));
   }
   PlanTogether(schema, model, sample, share, groups);
   Layout layout{schema, {}};
   for (Candidate &group : groups)
      layout.fGroups.push_back(std::move(group.fGroup));
   layout.Validate("layout");
   return layout;
}

} // namespace aeplugin
