#ifndef AEPLUGIN_DARKMACHINES_QUOTE_HXX
#define AEPLUGIN_DARKMACHINES_QUOTE_HXX

#include <string>
#include <string_view>

namespace aeplugin::darkmachines::internal {

/// Input text as it may stand in a message: in quotes, shortened, with bytes that are not printable ASCII escaped.
std::string Quote(std::string_view text);

} // namespace aeplugin::darkmachines::internal

#endif
