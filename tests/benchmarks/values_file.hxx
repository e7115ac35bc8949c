#ifndef AEPLUGIN_BENCHMARKS_VALUES_FILE_HXX
#define AEPLUGIN_BENCHMARKS_VALUES_FILE_HXX

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace aeplugin::benchmarks {

/// All values of a file that holds nothing else.
template <typename T>
std::vector<T> ReadValues(const std::string &path)
{
   std::ifstream file(path, std::ios::binary | std::ios::ate);
   if (!file)
      throw std::runtime_error("cannot open " + path);
   std::vector<T> values(static_cast<std::size_t>(file.tellg()) / sizeof(T));
   file.seekg(0);
   file.read(reinterpret_cast<char *>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
   if (!file)
      throw std::runtime_error("cannot read " + path);
   return values;
}

} // namespace aeplugin::benchmarks

#endif
