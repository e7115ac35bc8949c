#ifndef AEPLUGIN_RDF_DARKMACHINES_SOURCE_HXX
#define AEPLUGIN_RDF_DARKMACHINES_SOURCE_HXX

#include <aeplugin/darkmachines.hxx>

#include <ROOT/RDataFrame.hxx>

#include <string>

namespace aeplugin::rdf {

/// An RDataFrame that reads Dark Machines events as they are, in blocks; with implicit multi-threading several blocks
/// are processed at once. Columns as darkmachines::MakeSchema says.
/// \throws InputError see darkmachines::Reader
ROOT::RDataFrame FromDarkMachines(const std::string &path, const darkmachines::ReaderOptions &options = {});

} // namespace aeplugin::rdf

#endif
