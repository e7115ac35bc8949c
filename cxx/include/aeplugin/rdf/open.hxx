#ifndef AEPLUGIN_RDF_OPEN_HXX
#define AEPLUGIN_RDF_OPEN_HXX

#include <ROOT/RDataFrame.hxx>

#include <initializer_list>
#include <string>
#include <vector>

namespace aeplugin {

/// An RDataFrame over compressed files, whose columns have their original names and are decoded as they are read: whole
/// blocks at a time, only the columns that are used, with implicit multi-threading several blocks at once. The values
/// are those that Decompress gives, to the last bit. Vectors and arrays are read as RVec.
/// \throws CompatibilityError for a file that is no compressed one, or whose columns differ from those of the first;
/// CorruptionError for a damaged one
ROOT::RDataFrame Open(const std::string &path);
ROOT::RDataFrame Open(const std::vector<std::string> &paths);
/// For Open({"a.root", "b.root"}), which could mean a string otherwise.
ROOT::RDataFrame Open(std::initializer_list<std::string> paths);

} // namespace aeplugin

#endif
