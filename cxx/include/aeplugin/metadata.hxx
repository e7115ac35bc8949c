#ifndef AEPLUGIN_METADATA_HXX
#define AEPLUGIN_METADATA_HXX

#include <aeplugin/error.hxx>
#include <aeplugin/layout.hxx>

#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

/// The format of compressed files that this library writes; docs/format.md has the table of versions.
constexpr std::uint32_t kFormatVersion = 1;

/// What a compressed file says about its events, or about a part of them where files were merged: one entry of the
/// RNTuple "aeplugin", one field per member. The lists that begin with fColumn have one item per column of the
/// original table, those that begin with fGroup one per group.
struct Metadata {
   std::uint32_t fFormatVersion = kFormatVersion;
   std::string fAepluginVersion;
   std::string fRootVersion;
   std::string fTable;
   std::uint64_t fEvents = 0;
   std::uint64_t fBlocks = 0;
   std::vector<std::string> fColumnNames;
   std::vector<std::string> fColumnTypes;
   std::vector<std::int32_t> fColumnGroups; ///< index of the group, or -1 for a column that is kept as it is
   std::vector<std::string> fColumnVariables;
   std::vector<std::string> fColumnTolerances; ///< "exact", "abs" or "rel"
   std::vector<double> fColumnToleranceValues;
   std::vector<std::vector<double>> fColumnSentinels;
   std::vector<std::string> fColumnFormulas;
   std::vector<std::int32_t> fColumnOffsets;  ///< of the packing
   std::vector<std::uint8_t> fColumnBits;     ///< of the packing; 0 for columns that are kept
   std::vector<std::uint64_t> fColumnValues;  ///< number of values; 0 for columns that are kept
   std::vector<std::uint64_t> fColumnSpecial; ///< of them special values
   std::vector<double> fColumnMaxErrors;      ///< achieved, in the terms of the tolerance
   std::vector<std::string> fGroupNames;
   std::vector<std::uint8_t> fGroupSingle; ///< 1 for one value per event
   std::vector<std::string> fGroupCodecs;  ///< "plain", "autoencoder" or "autoregressive"
   std::vector<std::int32_t> fGroupCountOffsets;
   std::vector<std::uint8_t> fGroupCountBits; ///< 0 where there is one value per event
   std::vector<std::vector<float>> fGroupLatentSteps;
   std::vector<std::vector<std::int32_t>> fGroupLatentOffsets;
   std::vector<std::vector<std::uint8_t>> fGroupLatentBits;
   std::vector<std::vector<std::uint8_t>> fGroupParameters; ///< for codecs to come; empty for those there are
   std::string fRecipe;                                     ///< YAML text
   std::vector<std::uint8_t> fModel; ///< a model file; empty where no codec needs one, or for that of an earlier part
   std::string fInputName;
   std::uint64_t fInputBytes = 0;
   std::string fInputMd5;       ///< as md5sum prints it; empty for an input that is no local file
   std::uint32_t fChecksum = 0; ///< CRC-32 of all of the above
   /// Which events of the original's table these are: from this one on, of so many. No part of the first edition of
   /// format version 1, so neither of its list of fields nor of the checksum.
   std::uint64_t fInputFirstEvent = 0;
   std::uint64_t fInputEvents = 0;

   /// Sets what describes a layout.
   void SetLayout(const Layout &layout);
   /// \throws CompatibilityError for an unknown version, codec, tolerance or type; CorruptionError where lists differ
   /// in length or contradict each other
   Layout GetLayout(const std::string &where) const;

   std::uint32_t ComputeChecksum() const;
   /// \throws CompatibilityError for a newer version, CorruptionError for a wrong checksum
   void Check(const std::string &where) const;

   /// Calls `visit(name, member)` for every field, with the name that it has in the file.
   template <typename Self, typename Visit>
   static void ForEachField(Self &metadata, Visit &&visit)
   {
      visit("format_version", metadata.fFormatVersion);
      visit("aeplugin_version", metadata.fAepluginVersion);
      visit("root_version", metadata.fRootVersion);
      visit("table", metadata.fTable);
      visit("events", metadata.fEvents);
      visit("blocks", metadata.fBlocks);
      visit("column_names", metadata.fColumnNames);
      visit("column_types", metadata.fColumnTypes);
      visit("column_groups", metadata.fColumnGroups);
      visit("column_variables", metadata.fColumnVariables);
      visit("column_tolerances", metadata.fColumnTolerances);
      visit("column_tolerance_values", metadata.fColumnToleranceValues);
      visit("column_sentinels", metadata.fColumnSentinels);
      visit("column_formulas", metadata.fColumnFormulas);
      visit("column_offsets", metadata.fColumnOffsets);
      visit("column_bits", metadata.fColumnBits);
      visit("column_values", metadata.fColumnValues);
      visit("column_special", metadata.fColumnSpecial);
      visit("column_max_errors", metadata.fColumnMaxErrors);
      visit("group_names", metadata.fGroupNames);
      visit("group_single", metadata.fGroupSingle);
      visit("group_codecs", metadata.fGroupCodecs);
      visit("group_count_offsets", metadata.fGroupCountOffsets);
      visit("group_count_bits", metadata.fGroupCountBits);
      visit("group_latent_steps", metadata.fGroupLatentSteps);
      visit("group_latent_offsets", metadata.fGroupLatentOffsets);
      visit("group_latent_bits", metadata.fGroupLatentBits);
      visit("group_parameters", metadata.fGroupParameters);
      visit("recipe", metadata.fRecipe);
      visit("model", metadata.fModel);
      visit("input_name", metadata.fInputName);
      visit("input_bytes", metadata.fInputBytes);
      visit("input_md5", metadata.fInputMd5);
      visit("checksum", metadata.fChecksum);
   }
};

} // namespace aeplugin

#endif
