#ifndef AEPLUGIN_TEMPORARY_FOLDER_HXX
#define AEPLUGIN_TEMPORARY_FOLDER_HXX

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>

#include <stdlib.h>

namespace testing {

/// A new, empty folder that is removed at the end with all that is in it.
class TemporaryFolder {
public:
   TemporaryFolder()
   {
      std::string name = (std::filesystem::temp_directory_path() / "aeplugin_test_XXXXXX").string();
      if (!::mkdtemp(name.data()))
         throw std::runtime_error("no temporary folder " + name);
      fPath = name;
   }
   ~TemporaryFolder() { std::filesystem::remove_all(fPath); }
   TemporaryFolder(const TemporaryFolder &) = delete;
   TemporaryFolder &operator=(const TemporaryFolder &) = delete;

   std::string operator/(const std::string &name) const { return (fPath / name).string(); }
   std::string Path() const { return fPath.string(); }

   /// Names of what is in it.
   std::set<std::string> Names() const
   {
      std::set<std::string> names;
      for (const auto &entry : std::filesystem::directory_iterator(fPath))
         names.insert(entry.path().filename().string());
      return names;
   }

private:
   std::filesystem::path fPath;
};

inline void WriteFile(const std::string &path, const std::string &bytes)
{
   std::ofstream file(path, std::ios::binary);
   file << bytes;
   if (!file.flush())
      throw std::runtime_error("cannot write " + path);
}

inline std::string ReadFile(const std::string &path)
{
   std::ifstream file(path, std::ios::binary);
   return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

} // namespace testing

#endif
