#ifndef AEPLUGIN_ROOT_COMPRESSED_TABLES_HXX
#define AEPLUGIN_ROOT_COMPRESSED_TABLES_HXX

#include "columns.hxx"

#include <aeplugin/layout.hxx>
#include <aeplugin/metadata.hxx>

#include <ROOT/RNTupleReader.hxx>
#include <TFile.h>

#include <memory>
#include <string>
#include <vector>

/// The three RNTuples of a compressed file: events, blocks and metadata.
namespace aeplugin::rdf {

/// The name of the RNTuple of events: that of the table, as far as an RNTuple can have it ("folder/events").
std::string EventsName(const std::string &table);

/// The columns of a layout that stand in the RNTuple of events: indices in the schema ...
std::vector<std::size_t> KeptIndices(const Layout &layout);
/// ... and the columns, under the names of their fields.
TableSchema KeptColumns(const Layout &layout);

/// \throws CorruptionError where there is none of that name; what ROOT throws
std::unique_ptr<ROOT::RNTupleReader> OpenRNTuple(TFile &file, const std::string &name, const std::string &path);

/// Adds the metadata to a file that is written, with their checksums.
void WriteMetadata(TFile &file, const std::vector<Metadata> &parts);

} // namespace aeplugin::rdf

#endif
