#ifndef AEPLUGIN_ATOMIC_FILE_HXX
#define AEPLUGIN_ATOMIC_FILE_HXX

#include <string>

namespace aeplugin {

/// A file that appears under its name only when it is complete: write to TemporaryPath(), then Commit().
/// Without Commit(), the temporary file is removed and what stood under the name stays as it was.
class AtomicFile {
public:
   /// \throws InputError where the folder does not exist or `path` is a folder
   explicit AtomicFile(const std::string &path);
   ~AtomicFile();
   AtomicFile(const AtomicFile &) = delete;
   AtomicFile &operator=(const AtomicFile &) = delete;

   /// In the folder of the final file, with its extension.
   const std::string &TemporaryPath() const { return fTemporary; }
   /// \throws InputError where the file cannot be flushed or renamed
   void Commit();

private:
   std::string fPath;
   std::string fTemporary;
   bool fCommitted = false;
};

} // namespace aeplugin

#endif
