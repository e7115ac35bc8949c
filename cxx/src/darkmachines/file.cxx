#include "file.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace aeplugin::darkmachines::internal {

namespace {

[[noreturn]] void FailToOpen(const std::string &path, int error)
{
   if (error == ENOENT || error == ENOTDIR)
      throw InputError(path + ": there is no such file; check the path");
   if (error == EACCES || error == EPERM)
      throw InputError(path + ": no permission to read this file; check its mode and that of its directories");
   throw InputError(path + ": the file cannot be opened: " + std::generic_category().message(error));
}

} // namespace

File::File(const std::string &path, const std::atomic<bool> &stop)
   : fPath(path), fStop(stop), fDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC))
{
   if (fDescriptor < 0)
      FailToOpen(path, errno);
   struct stat status{};
   const bool known = fstat(fDescriptor, &status) == 0;
   if (known && S_ISDIR(status.st_mode)) {
      close(fDescriptor);
      throw InputError(path + ": this is a directory; expected a Dark Machines file (text, plain or gzip)");
   }
   fRegular = known && S_ISREG(status.st_mode);
   fSize = fRegular ? static_cast<std::uint64_t>(status.st_size) : 0;
}

File::~File()
{
   close(fDescriptor);
}

const std::string &File::Peek(std::size_t count)
{
   std::string more(count - std::min(count, fPeeked.size()), '\0');
   more.resize(ReadDescriptor(more.data(), more.size()));
   fPeeked += more;
   return fPeeked;
}

std::size_t File::Read(char *to, std::size_t count)
{
   const auto peeked = fPeeked.copy(to, count);
   fPeeked.erase(0, peeked);
   return peeked + ReadDescriptor(to + peeked, count - peeked);
}

bool File::WaitForData() const
{
   constexpr int kMilliseconds = 50;
   pollfd request{fDescriptor, POLLIN, 0};
   while (!fStop) {
      if (poll(&request, 1, kMilliseconds) > 0)
         return true;
   }
   return false;
}

std::size_t File::ReadDescriptor(char *to, std::size_t count)
{
   constexpr std::size_t kAtOnce = std::size_t{1} << 30; // some systems refuse 2 GiB and more
   std::size_t done = 0;
   while (done < count && (fRegular || WaitForData())) {
      const auto got = read(fDescriptor, to + done, std::min(count - done, kAtOnce));
      if (got == 0)
         break;
      if (got > 0)
         done += static_cast<std::size_t>(got);
      else if (errno != EINTR)
         throw InputError(fPath + ": reading failed after " + std::to_string(fBytesRead + done) +
                          " bytes: " + std::generic_category().message(errno));
   }
   fBytesRead += done;
   return done;
}

} // namespace aeplugin::darkmachines::internal
