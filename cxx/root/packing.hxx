#ifndef AEPLUGIN_ROOT_PACKING_HXX
#define AEPLUGIN_ROOT_PACKING_HXX

#include <ROOT/RDataFrame.hxx>

#include <string>
#include <vector>

namespace aeplugin::rdf {

/// A name that no other step of this process uses: a frame may get several steps, also on redefined columns.
std::string UniqueName(const std::string &what);

/// Adds a column with all `columns` side by side as RVec<RVec<type>>, and gives its name. Compiled by ROOT, because
/// number and types of the columns are known only now; so their names must be no more than names.
std::string PackColumns(ROOT::RDF::RNode &node, const std::vector<std::string> &columns, const std::string &type);

} // namespace aeplugin::rdf

#endif
