#ifndef AEPLUGIN_DARKMACHINES_GUNZIP_HXX
#define AEPLUGIN_DARKMACHINES_GUNZIP_HXX

#include "file.hxx"
#include "zlib.hxx"

#include <string_view>
#include <vector>

namespace aeplugin::darkmachines::internal {

constexpr std::string_view kGzipMagic = "\x1f\x8b";

/// The text inside a gzip file of one or more members.
class Gunzip {
public:
   /// \throws CompatibilityError where there is no zlib
   explicit Gunzip(File &file);
   ~Gunzip();
   Gunzip(const Gunzip &) = delete;
   Gunzip &operator=(const Gunzip &) = delete;

   /// Reads `count` bytes, fewer only at the end.
   /// \throws InputError for damaged or truncated data
   std::size_t Read(char *to, std::size_t count);

private:
   void StartMember();
   bool NextMember();
   bool Refill();
   void Inflate();

   File &fFile;
   const Zlib &fZlib;
   ZStream fStream;
   std::vector<char> fCompressed;
   bool fInMember = false;
   bool fEnd = false;
};

} // namespace aeplugin::darkmachines::internal

#endif
