#include <aeplugin/atomic_file.hxx>
#include <aeplugin/error.hxx>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace fs = std::filesystem;

namespace aeplugin {
namespace {

/// Waits until the file's content is on the disk, so that a crash after the rename cannot leave an empty file.
void Flush(const std::string &path)
{
   const int file = ::open(path.c_str(), O_RDONLY);
   if (file < 0 || ::fsync(file) != 0) {
      const std::string reason = std::strerror(errno);
      if (file >= 0)
         ::close(file);
      throw InputError(path + ": cannot be written to disk (" + reason + ")");
   }
   ::close(file);
}

} // namespace

AtomicFile::AtomicFile(const std::string &path, const std::string &source) : fPath(path)
{
   const fs::path target(path);
   const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
   std::error_code ignored;
   if (fs::is_directory(target, ignored))
      throw InputError(path + ": is a folder; expected the name of a file to write");
   if (!fs::is_directory(folder, ignored))
      throw InputError(path + ": its folder " + folder.string() + " does not exist; make it first");
   if (!source.empty() && fs::equivalent(target, source, ignored))
      throw InputError(path + ": is the input itself; give the output another name");
   // Process and count keep two jobs, or two threads of one, that write the same name apart.
   static std::atomic<unsigned> count{0};
   const std::string name =
      "." + target.stem().string() + ".part" + std::to_string(::getpid()) + "_" + std::to_string(count++);
   fTemporary = (folder / (name + target.extension().string())).string();
}

AtomicFile::~AtomicFile()
{
   if (!fCommitted) {
      std::error_code ignored;
      fs::remove(fTemporary, ignored);
   }
}

void AtomicFile::Commit()
{
   Flush(fTemporary);
   std::error_code error;
   fs::rename(fTemporary, fPath, error);
   if (error)
      throw InputError(fPath + ": the finished file cannot be renamed from " + fTemporary + " (" + error.message() +
                       ")");
   fCommitted = true;
}

} // namespace aeplugin
