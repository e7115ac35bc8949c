#include "density_plan.hxx"

#include "bit_estimate.hxx"
#include "codecs/codec.hxx"
#include "column_coder.hxx"
#include "density/density_bytes.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/error.hxx>

#include <algorithm>

namespace aeplugin {
namespace {

constexpr double kBitsPerByte = 8;
/// Of a stream, whatever it holds: a sample has it in each of its blocks, a file in far larger ones.
constexpr double kBytesOfStates = 64;

/// Adds the columns of exact integers that the density has of a group.
void AddExactColumns(const TableSchema &schema, const Density &density, Group &group)
{
   for (const DensityVariable &variable : density.fVariables) {
      if (variable.fGroup != group.fName || variable.IsCount() || variable.fTolerance.fKind != ToleranceKind::kExact)
         continue;
      const auto index = FindColumn(schema, variable.fColumn);
      const auto fits = [&](const TableColumn &column) {
         return IsGridType(column.fType) && column.fDepth <= 1 && column.IsSingle() == group.fSingle;
      };
      if (!index || !fits(schema[*index]))
         throw ModelError("the density of the model codes column '" + variable.fColumn +
                          "' as integers of collection '" + group.fName +
                          "'; the data have none such; train a model on files like these");
      group.fColumns.push_back({*index, variable.fVariable, variable.fTolerance, {}, {}, {}});
   }
   std::sort(group.fColumns.begin(), group.fColumns.end(),
             [](const auto &a, const auto &b) { return a.fColumn < b.fColumn; });
}

double BitsOf(const StoredBlock &block)
{
   double bytes = static_cast<double>(block.fSpecial.size());
   for (const Integers &field : block.fIntegers)
      bytes += std::visit([](const auto &items) { return static_cast<double>(items.size()) - kBytesOfStates; }, field);
   return std::max(bytes, 0.) * kBitsPerByte;
}

} // namespace

bool HasDensity(const Model &model, const std::string &group)
{
   if (!model.fDensity)
      return false;
   const auto &variables = model.fDensity->fVariables;
   return std::any_of(variables.begin(), variables.end(),
                      [&](const DensityVariable &variable) { return variable.fGroup == group; });
}

DensityPlan PlanDensity(const TableSchema &schema, const Model &model, std::vector<Group> groups,
                        const std::vector<TableBlock> &sample)
{
   DensityPlan plan;
   for (Group &group : groups) {
      if (!HasDensity(model, group.fName))
         continue;
      group.fCodec = CodecKind::kAutoregressive;
      group.fLatents.clear();
      group.fCounts = {};
      for (CompressedColumn &column : group.fColumns) {
         column.fFormula.clear();
         column.fPacking = {};
      }
      AddExactColumns(schema, *model.fDensity, group);
      plan.fGroups.push_back(std::move(group));
   }
   const Layout layout{schema, plan.fGroups};
   layout.Validate("layout");
   const BlockCoder coder(layout, model);
   for (const TableBlock &block : sample) {
      std::vector<QuantiserSummary> summaries;
      plan.fBits += BitsOf(coder.Encode(block, summaries));
   }
   plan.fModelBits = static_cast<double>(DensityBytes(*model.fDensity).size()) * kBitsPerByte;
   return plan;
}

double BitsWithoutDensity(const TableSchema &schema, const std::vector<Group> &groups,
                          const std::vector<TableBlock> &sample)
{
   double bits = 0;
   for (const Group &group : groups) {
      for (const CompressedColumn &column : group.fColumns) {
         if (column.fTolerance.fKind != ToleranceKind::kExact)
            continue;
         std::vector<Grid> integers;
         for (const TableBlock &block : sample) {
            std::vector<std::uint64_t> exact;
            QuantiserSummary summary;
            const auto more = ColumnCoder(column, schema[column.fColumn], "")
                                 .Encode(block.fColumns[column.fColumn].fValues, exact, summary);
            integers.insert(integers.end(), more.begin(), more.end());
         }
         bits += EstimateBits(integers);
      }
      std::vector<Grid> counts;
      for (const TableBlock &block : sample) {
         const auto more = codecs::CountObjects(group, schema, block);
         counts.insert(counts.end(), more.begin(), more.end());
      }
      bits += EstimateBits(counts);
   }
   return bits;
}

} // namespace aeplugin
