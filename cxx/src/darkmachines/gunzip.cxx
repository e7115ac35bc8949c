#include "gunzip.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <climits>
#include <new>

namespace aeplugin::darkmachines::internal {

namespace {
constexpr std::size_t kCompressedBytes = std::size_t{256} << 10;
}

Gunzip::Gunzip(File &file) : fFile(file), fZlib(GetZlib()), fCompressed(kCompressedBytes)
{
   StartMember();
}

Gunzip::~Gunzip()
{
   if (fInMember)
      fZlib.fInflateEnd(&fStream);
}

void Gunzip::StartMember()
{
   const int status = fZlib.fInflateInit(&fStream, kZGzipWindow, fZlib.fVersion(), sizeof(ZStream));
   if (status == kZMemoryError)
      throw std::bad_alloc();
   if (status != kZOk)
      throw CompatibilityError("zlib " + std::string(fZlib.fVersion()) +
                               " cannot be used to read gzip files (inflateInit2 returned " + std::to_string(status) +
                               "); install another zlib 1.x, or decompress the file first (gunzip)");
   fInMember = true;
}

bool Gunzip::Refill()
{
   const auto got = fFile.Read(fCompressed.data(), fCompressed.size());
   fStream.fNextIn = reinterpret_cast<const std::uint8_t *>(fCompressed.data());
   fStream.fAvailIn = static_cast<unsigned>(got);
   return got > 0;
}

/// Starts the next member if there is one. Zeros after the last one are padding, as for gzip itself.
bool Gunzip::NextMember()
{
   bool zeros = false;
   while (fStream.fAvailIn > 0 || Refill()) {
      if (*fStream.fNextIn != 0)
         break;
      zeros = true;
      ++fStream.fNextIn;
      --fStream.fAvailIn;
   }
   if (fStream.fAvailIn == 0)
      return false;
   if (zeros || *fStream.fNextIn != static_cast<std::uint8_t>(kGzipMagic.front()))
      throw InputError(fFile.Path() + ": other bytes follow the gzip data; the file is damaged, copy or make it again");
   StartMember();
   return true;
}

void Gunzip::Inflate()
{
   const bool input = fStream.fAvailIn > 0 || Refill();
   // Without input there may still be output that had no room before.
   const int status = fZlib.fInflate(&fStream, kZNoFlush);
   if (status == kZBufferError && !input)
      throw InputError(fFile.Path() + ": the gzip data stop in the middle after " + std::to_string(fFile.BytesRead()) +
                       " bytes: the file is truncated; copy or make it again");
   if (status == kZStreamEnd) {
      fZlib.fInflateEnd(&fStream);
      fInMember = false;
   } else if (status == kZMemoryError) {
      throw std::bad_alloc();
   } else if (status != kZOk && status != kZBufferError) {
      throw InputError(fFile.Path() + ": the gzip data are damaged (zlib: " +
                       (fStream.fMessage ? fStream.fMessage : "error " + std::to_string(status)) +
                       "); copy or make the file again");
   }
}

std::size_t Gunzip::Read(char *to, std::size_t count)
{
   std::size_t done = 0;
   while (done < count && !fEnd) {
      if (!fInMember && !NextMember()) {
         fEnd = true;
         break;
      }
      const auto room = static_cast<unsigned>(std::min<std::size_t>(count - done, UINT_MAX));
      fStream.fNextOut = reinterpret_cast<std::uint8_t *>(to + done);
      fStream.fAvailOut = room;
      Inflate();
      done += room - fStream.fAvailOut;
   }
   return done;
}

} // namespace aeplugin::darkmachines::internal
