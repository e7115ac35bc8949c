#ifndef AEPLUGIN_ROOT_WRITE_TABLE_HXX
#define AEPLUGIN_ROOT_WRITE_TABLE_HXX

#include <aeplugin/rdf/files.hxx>

#include <ROOT/RDataFrame.hxx>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace aeplugin::rdf {

/// Switches implicit multi-threading off while it lives: several threads would write events in any order.
class SequentialScope {
public:
   SequentialScope();
   ~SequentialScope();
   SequentialScope(const SequentialScope &) = delete;
   SequentialScope &operator=(const SequentialScope &) = delete;

private:
   unsigned int fThreads;
};

/// Writes `columns` of `node` to `path`, in this order, and returns the number of entries.
/// \param fractionDone tells now and then how much of the input was read, given the entries so far
std::uint64_t WriteTable(ROOT::RDF::RNode node, const std::string &name, const std::vector<std::string> &columns,
                         const std::string &path, TableFormat format, const Progress &progress,
                         const std::function<double(std::uint64_t)> &fractionDone);

} // namespace aeplugin::rdf

#endif
