#ifndef AEPLUGIN_RDF_METADATA_HXX
#define AEPLUGIN_RDF_METADATA_HXX

#include <aeplugin/metadata.hxx>

#include <string>
#include <vector>

namespace aeplugin::rdf {

/// What a compressed file says about itself: one item, or one per part where files were merged. ROOT and uproot read it
/// without this library (docs/format.md).
/// \throws CompatibilityError for a file without metadata or of a newer version; CorruptionError for damaged ones
std::vector<Metadata> ReadMetadata(const std::string &path);

} // namespace aeplugin::rdf

#endif
