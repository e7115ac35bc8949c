#ifndef AEPLUGIN_DARKMACHINES_FILE_HXX
#define AEPLUGIN_DARKMACHINES_FILE_HXX

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace aeplugin::darkmachines::internal {

/// The bytes of a file or pipe, with a look at its beginning.
class File {
public:
   /// A read that waits for a pipe gives up, as if at the end, once `stop` is set.
   /// \throws InputError for what is missing, unreadable or a directory
   File(const std::string &path, const std::atomic<bool> &stop);
   ~File();
   File(const File &) = delete;
   File &operator=(const File &) = delete;

   /// Up to `count` bytes that Read will return again.
   const std::string &Peek(std::size_t count);

   /// Reads `count` bytes, fewer only at the end of the file.
   std::size_t Read(char *to, std::size_t count);

   const std::string &Path() const { return fPath; }
   std::uint64_t BytesRead() const { return fBytesRead; }
   std::uint64_t Size() const { return fSize; } ///< 0 for a pipe

private:
   bool WaitForData() const;
   std::size_t ReadDescriptor(char *to, std::size_t count);

   std::string fPath;
   const std::atomic<bool> &fStop;
   int fDescriptor;
   bool fRegular = false;
   std::uint64_t fSize = 0;
   std::uint64_t fBytesRead = 0;
   std::string fPeeked;
};

} // namespace aeplugin::darkmachines::internal

#endif
