#ifndef AEPLUGIN_NEAREST_HXX
#define AEPLUGIN_NEAREST_HXX

#include <string>
#include <vector>

namespace aeplugin {

/// The end of an error message about an unknown `name`: "; did you mean 'Jet_pt'?", or where nothing is near, the first
/// few of `known`.
std::string Nearest(const std::string &name, const std::vector<std::string> &known);

} // namespace aeplugin

#endif
