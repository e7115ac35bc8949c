#ifndef AEPLUGIN_VERSION_HXX
#define AEPLUGIN_VERSION_HXX

namespace aeplugin {

/// Version of the library, "major.minor.patch".
const char *Version();

} // namespace aeplugin

#endif
