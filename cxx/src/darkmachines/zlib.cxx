#include "zlib.hxx"

#include "../shared_library.hxx"

namespace aeplugin::darkmachines::internal {

const Zlib &GetZlib()
{
   static const Zlib kZlib = [] {
      const SharedLibrary library("AEPLUGIN_ZLIB", {"libz.so.1", "libz.1.dylib", "libz.so"},
                                  "gzip files need zlib: install it (Debian and Ubuntu: zlib1g; Fedora, RHEL and "
                                  "conda: zlib), decompress the file first (gunzip)");
      return Zlib{library.Get<decltype(Zlib::fVersion)>("zlibVersion"),
                  library.Get<decltype(Zlib::fInflateInit)>("inflateInit2_"),
                  library.Get<decltype(Zlib::fInflate)>("inflate"),
                  library.Get<decltype(Zlib::fInflateEnd)>("inflateEnd")};
   }();
   return kZlib;
}

} // namespace aeplugin::darkmachines::internal
