#include <aeplugin/version.hxx>

namespace aeplugin {

const char *Version()
{
   return AEPLUGIN_VERSION;
}

} // namespace aeplugin
