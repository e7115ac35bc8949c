#ifndef AEPLUGIN_DARKMACHINES_ZLIB_HXX
#define AEPLUGIN_DARKMACHINES_ZLIB_HXX

#include <cstdint>

/// zlib, loaded at run time: its binary interface has been the same since 1995, so the build needs no headers of it.
namespace aeplugin::darkmachines::internal {

/// z_stream.
struct ZStream {
   const std::uint8_t *fNextIn = nullptr;
   unsigned fAvailIn = 0;
   unsigned long fTotalIn = 0;
   std::uint8_t *fNextOut = nullptr;
   unsigned fAvailOut = 0;
   unsigned long fTotalOut = 0;
   const char *fMessage = nullptr;
   void *fState = nullptr;
   void *(*fAllocate)(void *, unsigned, unsigned) = nullptr;
   void (*fFree)(void *, void *) = nullptr;
   void *fOpaque = nullptr;
   int fDataType = 0;
   unsigned long fAdler = 0;
   unsigned long fReserved = 0;
};

constexpr int kZOk = 0;
constexpr int kZStreamEnd = 1;
constexpr int kZMemoryError = -4;
constexpr int kZBufferError = -5;
constexpr int kZVersionError = -6;
constexpr int kZNoFlush = 0;
constexpr int kZGzipWindow = 15 + 16; ///< windowBits of the largest window, with a gzip header and checksum

struct Zlib {
   const char *(*fVersion)();
   int (*fInflateInit)(ZStream *, int windowBits, const char *version, int streamSize);
   int (*fInflate)(ZStream *, int flush);
   int (*fInflateEnd)(ZStream *);
};

/// \throws CompatibilityError where there is no zlib
const Zlib &GetZlib();

} // namespace aeplugin::darkmachines::internal

#endif
