#ifndef AEPLUGIN_DARKMACHINES_CUTTER_HXX
#define AEPLUGIN_DARKMACHINES_CUTTER_HXX

#include "file.hxx"
#include "gunzip.hxx"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace aeplugin::darkmachines::internal {

/// No event comes near this; without a bound a file that is no text would end up in memory as one line.
constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

/// Consecutive whole lines, followed by kPadding zeros.
class Text {
public:
   const char *Begin() const { return fData.get(); }
   const char *LinesEnd() const { return fData.get() + fLines; } ///< after the last newline
   const char *End() const { return fData.get() + fSize; }       ///< differs where the file ends, or is too long a line

private:
   friend class Cutter;
   void Reserve(std::size_t bytes);

   std::unique_ptr<char[]> fData;
   std::size_t fCapacity = 0;
   std::size_t fSize = 0;
   std::size_t fLines = 0;
};

/// Cuts a file, plain or gzip, into texts of about `blockBytes`. Where it cuts depends on nothing else.
class Cutter {
public:
   /// \throws InputError where the file is unreadable, empty or plainly no text
   Cutter(const std::string &path, std::size_t blockBytes, const std::atomic<bool> &stop);

   /// Makes `text` (whose memory it reuses) the next one; false at the end.
   bool Next(Text &text);

   std::uint64_t BytesRead() const { return fFile.BytesRead(); }
   std::uint64_t FileSize() const { return fFile.Size(); }
   bool IsGzip() const { return fGunzip.has_value(); }

private:
   std::size_t Read(char *to, std::size_t count);
   void Append(Text &text, std::size_t count);

   File fFile;
   std::optional<Gunzip> fGunzip;
   std::size_t fBlockBytes;
   std::string fRest; ///< the beginning of the next text
   bool fEnd = false;
};

} // namespace aeplugin::darkmachines::internal

#endif
