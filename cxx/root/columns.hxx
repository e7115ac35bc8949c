#ifndef AEPLUGIN_ROOT_COLUMNS_HXX
#define AEPLUGIN_ROOT_COLUMNS_HXX

#include <TFile.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace aeplugin::rdf {

/// A TTree or RNTuple in a file.
struct Table {
   std::string fName;
   std::uint64_t fEntries = 0;
   std::vector<std::string> fColumns; ///< top-level columns in the file's order
};

/// Name of the RNTuple with model and provenance in a compressed file.
constexpr char kMetadata[] = "aeplugin";

/// Finds `tree`, or the only TTree or RNTuple of the file where `tree` is empty.
/// \throws InputError for a file that is missing or no ROOT file, or where there is none or more than one
Table FindTable(const std::string &path, const std::string &tree);

/// Opens a ROOT file for reading. Where ROOT would print and go on, this throws:
/// \throws InputError for a file that is missing, no ROOT file, or truncated
std::unique_ptr<TFile> OpenForReading(const std::string &path);

/// Whether a column type is float or double, not a vector of them.
bool IsSingleNumber(const std::string &type);
/// Whether a column type is double or a vector of it.
bool IsDouble(const std::string &type);

/// \throws RecipeError naming the first of `needed` that is not in `present`
void RequireColumns(const std::vector<std::string> &present, const std::vector<std::string> &needed);

} // namespace aeplugin::rdf

#endif
