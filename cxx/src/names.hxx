#ifndef AEPLUGIN_NAMES_HXX
#define AEPLUGIN_NAMES_HXX

#include <string>

namespace aeplugin {

/// Whether a text is the name of a column and nothing else: such names become part of expressions that ROOT compiles.
bool IsName(const std::string &text);

} // namespace aeplugin

#endif
