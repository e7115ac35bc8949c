#ifndef AEPLUGIN_RDF_FILES_HXX
#define AEPLUGIN_RDF_FILES_HXX

#include <aeplugin/darkmachines.hxx>
#include <aeplugin/model.hxx>

#include <cstdint>
#include <functional>
#include <string>

/// Whole files: what `aeplugin convert`, `compress` and `decompress` do. Every output is written under a temporary name
/// and renamed when complete. The order of events is kept, also where implicit multi-threading is on.
namespace aeplugin::rdf {

/// Called now and then with the fraction of the work that is done.
using Progress = std::function<void(double)>;

enum class TableFormat { kRNTuple, kTTree };

struct ConvertSummary {
   std::uint64_t fEvents = 0;
   darkmachines::BadLines fBadLines;
};

/// Converts Dark Machines events to an RNTuple (or TTree) called "events".
/// \throws InputError at the first malformed line, unless options.fSkipBadLines
ConvertSummary Convert(const std::string &input, const std::string &output,
                       const darkmachines::ReaderOptions &options = {}, TableFormat format = TableFormat::kRNTuple,
                       const Progress &progress = {});

/// Compresses a file: the columns of the model's collections become latents, all others are kept, and the model goes
/// into the file. `tree` may be empty where the file has only one TTree or RNTuple. Returns the number of entries.
/// \throws RecipeError where the file lacks a column of the model; see Model::FromFile
std::uint64_t Compress(const std::string &input, const std::string &output, const std::string &modelPath,
                       const std::string &tree = "", const Progress &progress = {});

/// Gives back a plain file with the original columns in their original order; float stays float and double stays
/// double, and every vector or array is a vector as RDataFrame reads it (RVec). Returns the number of entries.
/// \throws CompatibilityError where `input` is no compressed file
std::uint64_t Decompress(const std::string &input, const std::string &output,
                         TableFormat format = TableFormat::kRNTuple, const Progress &progress = {});

/// The model inside a compressed file.
Model ReadModel(const std::string &compressedPath);

} // namespace aeplugin::rdf

#endif
