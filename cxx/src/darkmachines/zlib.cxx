#include "zlib.hxx"

#include <aeplugin/error.hxx>

#include <dlfcn.h>
#include <string>

namespace aeplugin::darkmachines::internal
{

namespace
{

template <typename Function>
void Find(void *library, const char *name, Function &function)
{
   void *const symbol = dlsym(library, name);
   if (!symbol)
      throw CompatibilityError("the system's zlib lacks the function " + std::string(name) +
                               "; install zlib 1.2 or newer, or decompress the file first (gunzip)");
   function = reinterpret_cast<Function>(symbol);
}

Zlib LoadZlib()
{
   for (const char *name : {"libz.so.1", "libz.1.dylib", "libz.so"}) {
      // Never closed: the functions are needed as long as the process runs.
      if (void *const library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
         Zlib zlib;
         Find(library, "zlibVersion", zlib.fVersion);
         Find(library, "inflateInit2_", zlib.fInflateInit);
         Find(library, "inflate", zlib.fInflate);
         Find(library, "inflateEnd", zlib.fInflateEnd);
         return zlib;
      }
   }
   throw CompatibilityError("reading gzip files needs zlib (libz.so.1, on macOS libz.1.dylib), which was not found; "
                            "install it (Debian and Ubuntu: zlib1g; Fedora, RHEL and conda: zlib), or decompress the "
                            "file first (gunzip)");
}

} // namespace

const Zlib &GetZlib()
{
   static const Zlib zlib = LoadZlib();
   return zlib;
}

} // namespace aeplugin::darkmachines::internal
