#include "codecs/predictor.hxx"
#include "column_coder.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/layout.hxx>

#include <algorithm>
#include <cmath>
#include <set>

namespace aeplugin {
namespace {

void ValidatePacking(const Packing &packing, const std::string &where)
{
   if (packing.fBits < 1 || packing.fBits > kMaxPackingBits)
      throw CorruptionError(where + ": has integers of " + std::to_string(packing.fBits) + " bits; expected 1 to " +
                            std::to_string(kMaxPackingBits));
}

void ValidateColumn(const Group &group, const CompressedColumn &column, const TableSchema &schema,
                    const std::string &where)
{
   if (column.fColumn >= schema.size())
      throw CorruptionError(where + ": has column " + std::to_string(column.fColumn) + " of " +
                            std::to_string(schema.size()));
   const TableColumn &original = schema[column.fColumn];
   const std::string here = where + ", column '" + original.fName + "'";
   const bool isExact = column.fTolerance.fKind == ToleranceKind::kExact;
   const bool mayBeExact = group.fCodec == CodecKind::kAutoregressive && IsGridType(original.fType);
   if (!(original.IsFloating() || mayBeExact) || original.fDepth > 1 || original.IsSingle() != group.fSingle)
      throw CorruptionError(here + ": is of type " + original.fTypeName + ", which the group cannot hold");
   ValidatePacking(column.fPacking, here);
   if (isExact && !mayBeExact)
      throw CorruptionError(here + ": is exact, and yet compressed");
   if (isExact && !column.fSentinels.empty())
      throw CorruptionError(here + ": is exact, and has sentinels");
   if (group.fCodec == CodecKind::kAutoregressive && !column.fFormula.empty())
      throw CorruptionError(here + ": has a formula, of which a density knows its own");
   if ((std::uint64_t{1} << column.fPacking.fBits) < column.fSentinels.size() + 2)
      throw CorruptionError(here + ": " + std::to_string(column.fPacking.fBits) +
                            " bits have no room for the marks of " + std::to_string(column.fSentinels.size()) +
                            " sentinels");
}

/// \throws CorruptionError where tolerances, sentinels or formulas are none
void ValidateMeaning(const Group &group, const TableSchema &schema, const std::string &where)
{
   try {
      codecs::CodecInput input{group, {}};
      for (const CompressedColumn &column : group.fColumns)
         if (column.fTolerance.fKind != ToleranceKind::kExact)
            input.fQuantisers.emplace_back(column.fTolerance, schema[column.fColumn].fType, column.fSentinels);
      const codecs::Predictor predictor(std::move(input));
   } catch (const RecipeError &error) {
      throw CorruptionError(where + ": " + error.what());
   } catch (const CorruptionError &error) {
      throw CorruptionError(where + ": " + error.what());
   }
}

} // namespace

bool Layout::IsKept(std::size_t column) const
{
   return std::none_of(fGroups.begin(), fGroups.end(), [&](const Group &group) {
      return std::any_of(group.fColumns.begin(), group.fColumns.end(),
                         [&](const CompressedColumn &compressed) { return compressed.fColumn == column; });
   });
}

void Layout::Validate(const std::string &where) const
{
   std::set<std::string> names;
   std::set<std::size_t> columns;
   for (const Group &group : fGroups) {
      const std::string here = where + ": group '" + group.fName + "'";
      if (group.fName.empty() || !names.insert(group.fName).second || group.fColumns.empty())
         throw CorruptionError(here + ": has no columns or no name, or stands twice");
      for (const CompressedColumn &column : group.fColumns) {
         ValidateColumn(group, column, fSchema, here);
         if (!columns.insert(column.fColumn).second)
            throw CorruptionError(here + ": column '" + fSchema[column.fColumn].fName + "' stands twice");
      }
      ValidateMeaning(group, fSchema, here);
      if ((group.fCodec == CodecKind::kAutoencoder) == group.fLatents.empty())
         throw CorruptionError(here + ": has " + std::to_string(group.fLatents.size()) + " latents with the codec " +
                               CodecName(group.fCodec));
      if (!std::is_sorted(group.fColumns.begin(), group.fColumns.end(),
                          [](const auto &a, const auto &b) { return a.fColumn < b.fColumn; }))
         throw CorruptionError(here + ": its columns do not stand in the order of the table");
      if (!group.fSingle)
         ValidatePacking(group.fCounts, here + ", counts");
      for (const QuantisedLatent &latent : group.fLatents) {
         ValidatePacking(latent.fPacking, here + ", latents");
         if (!std::isfinite(latent.fStep) || !(latent.fStep > 0))
            throw CorruptionError(here + ": has a latent of step " + std::to_string(latent.fStep));
      }
   }
}

} // namespace aeplugin
