#include "bytes.hxx"

#include <aeplugin/metadata.hxx>

#include <algorithm>
#include <string_view>

namespace aeplugin {
namespace {

constexpr const char *kToleranceNames[] = {"exact", "abs", "rel"};

std::string ToleranceName(ToleranceKind kind)
{
   return kToleranceNames[static_cast<std::size_t>(kind)];
}

ToleranceKind ParseToleranceKind(const std::string &name, const std::string &where)
{
   for (std::size_t i = 0; i < std::size(kToleranceNames); ++i)
      if (name == kToleranceNames[i])
         return static_cast<ToleranceKind>(i);
   throw CompatibilityError(where + ": unknown tolerance '" + name + "'; a newer aeplugin may read it");
}

CodecKind ParseStoredCodec(const std::string &name, const std::string &where)
{
   for (const CodecKind codec : {CodecKind::kPlain, CodecKind::kAutoencoder, CodecKind::kAutoregressive})
      if (name == CodecName(codec))
         return codec;
   throw CompatibilityError(where + ": unknown codec '" + name + "'; a newer aeplugin may read it");
}

/// Feeds values into a checksum: numbers as their little-endian bytes, texts and lists after their size as 32 bits.
class Checksum {
public:
   template <typename T>
   void Add(const T &value)
   {
      if constexpr (std::is_arithmetic_v<T>) {
         fCrc = Crc32(&value, sizeof value, fCrc);
      } else {
         Add(static_cast<std::uint32_t>(value.size()));
         for (const auto &item : value)
            Add(item);
      }
   }
   std::uint32_t Value() const { return fCrc; }

private:
   std::uint32_t fCrc = 0;
};

void RequireSize(std::size_t size, std::size_t expected, const char *list, const std::string &where)
{
   if (size != expected)
      throw CorruptionError(where + ": '" + std::string(list) + "' has " + std::to_string(size) + " items; expected " +
                            std::to_string(expected));
}

} // namespace

void Metadata::SetLayout(const Layout &layout)
{
   const std::size_t columns = layout.fSchema.size();
   for (const TableColumn &column : layout.fSchema) {
      fColumnNames.push_back(column.fName);
      fColumnTypes.push_back(column.fTypeName);
   }
   fColumnGroups.assign(columns, -1);
   fColumnVariables.resize(columns);
   fColumnTolerances.assign(columns, ToleranceName(ToleranceKind::kExact));
   fColumnToleranceValues.resize(columns);
   fColumnSentinels.resize(columns);
   fColumnFormulas.resize(columns);
   fColumnOffsets.resize(columns);
   fColumnBits.resize(columns);
   fColumnValues.resize(columns);
   fColumnSpecial.resize(columns);
   fColumnMaxErrors.resize(columns);
   for (std::size_t g = 0; g < layout.fGroups.size(); ++g) {
      const Group &group = layout.fGroups[g];
      fGroupNames.push_back(group.fName);
      fGroupSingle.push_back(group.fSingle);
      fGroupCodecs.push_back(CodecName(group.fCodec));
      fGroupCountOffsets.push_back(group.fSingle ? 0 : group.fCounts.fOffset);
      fGroupCountBits.push_back(static_cast<std::uint8_t>(group.fSingle ? 0 : group.fCounts.fBits));
      fGroupLatentSteps.emplace_back();
      fGroupLatentOffsets.emplace_back();
      fGroupLatentBits.emplace_back();
      fGroupParameters.emplace_back();
      for (const QuantisedLatent &latent : group.fLatents) {
         fGroupLatentSteps.back().push_back(latent.fStep);
         fGroupLatentOffsets.back().push_back(latent.fPacking.fOffset);
         fGroupLatentBits.back().push_back(static_cast<std::uint8_t>(latent.fPacking.fBits));
      }
      for (const CompressedColumn &column : group.fColumns) {
         const std::size_t i = column.fColumn;
         fColumnGroups[i] = static_cast<std::int32_t>(g);
         fColumnVariables[i] = column.fVariable;
         fColumnTolerances[i] = ToleranceName(column.fTolerance.fKind);
         fColumnToleranceValues[i] = column.fTolerance.fValue;
         fColumnSentinels[i] = column.fSentinels;
         fColumnFormulas[i] = column.fFormula;
         fColumnOffsets[i] = column.fPacking.fOffset;
         fColumnBits[i] = static_cast<std::uint8_t>(column.fPacking.fBits);
      }
   }
}

Layout Metadata::GetLayout(const std::string &where) const
{
   const std::size_t columns = fColumnNames.size();
   const auto requireColumns = [&](const auto &list, const char *name) {
      RequireSize(list.size(), columns, name, where);
   };
   requireColumns(fColumnTypes, "column_types");
   requireColumns(fColumnGroups, "column_groups");
   requireColumns(fColumnVariables, "column_variables");
   requireColumns(fColumnTolerances, "column_tolerances");
   requireColumns(fColumnToleranceValues, "column_tolerance_values");
   requireColumns(fColumnSentinels, "column_sentinels");
   requireColumns(fColumnFormulas, "column_formulas");
   requireColumns(fColumnOffsets, "column_offsets");
   requireColumns(fColumnBits, "column_bits");
   requireColumns(fColumnValues, "column_values");
   requireColumns(fColumnSpecial, "column_special");
   requireColumns(fColumnMaxErrors, "column_max_errors");
   const auto requireGroups = [&](const auto &list, const char *name) {
      RequireSize(list.size(), fGroupNames.size(), name, where);
   };
   requireGroups(fGroupSingle, "group_single");
   requireGroups(fGroupCodecs, "group_codecs");
   requireGroups(fGroupCountOffsets, "group_count_offsets");
   requireGroups(fGroupCountBits, "group_count_bits");
   requireGroups(fGroupLatentSteps, "group_latent_steps");
   requireGroups(fGroupLatentOffsets, "group_latent_offsets");
   requireGroups(fGroupLatentBits, "group_latent_bits");
   requireGroups(fGroupParameters, "group_parameters");

   Layout layout;
   for (std::size_t g = 0; g < fGroupNames.size(); ++g) {
      Group group;
      group.fName = fGroupNames[g];
      group.fSingle = fGroupSingle[g] != 0;
      group.fCodec = ParseStoredCodec(fGroupCodecs[g], where);
      group.fCounts = {fGroupCountOffsets[g], fGroupCountBits[g]};
      const std::size_t latents = fGroupLatentSteps[g].size();
      RequireSize(fGroupLatentOffsets[g].size(), latents, "group_latent_offsets", where);
      RequireSize(fGroupLatentBits[g].size(), latents, "group_latent_bits", where);
      for (std::size_t k = 0; k < latents; ++k)
         group.fLatents.push_back({fGroupLatentSteps[g][k], {fGroupLatentOffsets[g][k], fGroupLatentBits[g][k]}});
      layout.fGroups.push_back(std::move(group));
   }
   for (std::size_t i = 0; i < columns; ++i) {
      auto column = TableColumn::TryMake(fColumnNames[i], fColumnTypes[i]);
      if (!column)
         throw CompatibilityError(where + ": column '" + fColumnNames[i] + "' is of unknown type " + fColumnTypes[i] +
                                  "; a newer aeplugin may read it");
      layout.fSchema.push_back(*column);
      if (fColumnGroups[i] == -1)
         continue;
      if (fColumnGroups[i] < 0 || static_cast<std::size_t>(fColumnGroups[i]) >= layout.fGroups.size())
         throw CorruptionError(where + ": column '" + fColumnNames[i] + "' belongs to group " +
                               std::to_string(fColumnGroups[i]) + " of " + std::to_string(layout.fGroups.size()));
      layout.fGroups[static_cast<std::size_t>(fColumnGroups[i])].fColumns.push_back(
         {i,
          fColumnVariables[i],
          Tolerance{ParseToleranceKind(fColumnTolerances[i], where), fColumnToleranceValues[i]},
          fColumnSentinels[i],
          fColumnFormulas[i],
          {fColumnOffsets[i], fColumnBits[i]}});
   }
   layout.Validate(where);
   return layout;
}

std::uint32_t Metadata::ComputeChecksum() const
{
   Checksum checksum;
   ForEachField(*this, [&](std::string_view name, const auto &value) {
      if (name != "checksum")
         checksum.Add(value);
   });
   return checksum.Value();
}

void Metadata::Check(const std::string &where) const
{
   if (fFormatVersion != kFormatVersion)
      throw CompatibilityError(where + ": compressed file of format version " + std::to_string(fFormatVersion) +
                               "; this aeplugin reads version " + std::to_string(kFormatVersion) +
                               "; a newer one may read it");
   if (ComputeChecksum() != fChecksum)
      throw CorruptionError(where + ": the checksum of its metadata is wrong; the file is damaged, copy it again");
}

} // namespace aeplugin
