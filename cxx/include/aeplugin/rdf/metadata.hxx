#ifndef AEPLUGIN_RDF_METADATA_HXX
#define AEPLUGIN_RDF_METADATA_HXX

#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin::rdf {

/// What a compressed file says about itself: one entry of an RNTuple called "aeplugin", one field per member
/// (docs/compressed-file.md). ROOT and uproot read it without this library.
struct Metadata {
   std::uint32_t fFormatVersion = 1;
   std::string fAepluginVersion;
   std::string fRootVersion;
   std::string fTable;                    ///< the compressed RNTuple
   std::vector<std::string> fColumnNames; ///< the original columns, in their original order
   std::vector<std::string> fColumnTypes; ///< their types, as RDataFrame names them
   std::string fRecipe;                   ///< YAML text, also part of the model
   std::vector<std::uint8_t> fModel;      ///< a model file
   std::string fInputName;
   std::uint64_t fInputBytes = 0;
   std::string fInputMd5; ///< as md5sum prints it; empty for an input that is no local file
};

/// Adds the metadata to a ROOT file.
void WriteMetadata(const std::string &path, const Metadata &metadata);

/// \throws CompatibilityError for a file without metadata or of a newer version
Metadata ReadMetadata(const std::string &path);

} // namespace aeplugin::rdf

#endif
