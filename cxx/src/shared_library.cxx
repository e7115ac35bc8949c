#include "shared_library.hxx"

#include <aeplugin/error.hxx>

#include <cstdlib>
#include <dlfcn.h>

namespace aeplugin {

SharedLibrary::SharedLibrary(const char *variable, const std::vector<std::string> &names, const std::string &hint)
{
   const char *given = std::getenv(variable);
   const std::vector<std::string> candidates = given ? std::vector<std::string>{given} : names;
   std::string reasons;
   for (const std::string &name : candidates) {
      fHandle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (fHandle) {
         fName = name;
         return;
      }
      const char *reason = ::dlerror();
      reasons += std::string(reasons.empty() ? "" : "; ") + (reason ? reason : name.c_str());
   }
   throw CompatibilityError("cannot load " + candidates.front() + " (" + reasons + "); " + hint +
                            ", or give its path in " + variable);
}

void *SharedLibrary::Find(const char *symbol) const
{
   void *address = ::dlsym(fHandle, symbol);
   if (!address)
      throw CompatibilityError(fName + ": has no symbol " + symbol + "; it is another library or too old");
   return address;
}

} // namespace aeplugin
