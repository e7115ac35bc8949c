#include "cutter.hxx"

#include "number.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace aeplugin::darkmachines::internal {

namespace {

constexpr std::size_t kHeadBytes = 512;
constexpr std::size_t kMinBlockBytes = 64;
constexpr std::size_t kMaxBlockBytes = std::size_t{256} << 20;

struct Magic {
   std::string_view fBytes;
   const char *fName;
   bool fPacked; ///< may hold text once it is decompressed
};

constexpr std::array<Magic, 10> kMagics{{{{"root\0", 5}, "a ROOT file", false},
                                         {"\x89HDF\r\n\x1a\n", "an HDF5 file", false},
                                         {"PAR1", "a Parquet file", false},
                                         {"\x93NUMPY", "a NumPy file", false},
                                         {"PK\x03\x04", "a zip archive", true},
                                         {"\x28\xb5\x2f\xfd", "a zstd file", true},
                                         {"\xfd\x37zXZ", "an xz file", true},
                                         {"7z\xbc\xaf", "a 7z archive", true},
                                         {"BZh", "a bzip2 file", true},
                                         {kGzipMagic, "a gzip file inside a gzip file", true}}};

void CheckHead(const std::string &path, std::string_view head)
{
   if (head.empty())
      throw InputError(path + ": the file is empty; expected Dark Machines events, one per line");
   for (const auto &magic : kMagics) {
      if (head.substr(0, magic.fBytes.size()) == magic.fBytes)
         throw InputError(path + ": this looks like " + magic.fName + "; expected Dark Machines text, plain or gzip" +
                          (magic.fPacked ? " (decompress it first)" : ""));
   }
   if (head.find('\0') != std::string_view::npos)
      throw InputError(path + ": this looks like a binary file (its beginning has zero bytes); expected Dark Machines "
                              "text, plain or gzip");
}

std::size_t AfterLastNewline(std::string_view text)
{
   return text.rfind('\n') + 1; // npos + 1 is 0
}

} // namespace

void Text::Reserve(std::size_t bytes)
{
   if (bytes + kPadding <= fCapacity)
      return;
   const auto capacity = std::max(bytes + kPadding, fCapacity + fCapacity / 2);
   std::unique_ptr<char[]> data(new char[capacity]);
   if (fSize > 0)
      std::memcpy(data.get(), fData.get(), fSize);
   fData = std::move(data);
   fCapacity = capacity;
}

Cutter::Cutter(const std::string &path, std::size_t blockBytes, const std::atomic<bool> &stop)
   : fFile(path, stop), fBlockBytes(std::clamp(blockBytes, kMinBlockBytes, kMaxBlockBytes))
{
   if (fFile.Peek(kGzipMagic.size()) == kGzipMagic)
      fGunzip.emplace(fFile);
   fRest.resize(kHeadBytes);
   fRest.resize(Read(fRest.data(), fRest.size()));
   CheckHead(path, fRest);
}

std::size_t Cutter::Read(char *to, std::size_t count)
{
   return fGunzip ? fGunzip->Read(to, count) : fFile.Read(to, count);
}

/// Appends `count` bytes of the file to `text`, fewer only at the end.
void Cutter::Append(Text &text, std::size_t count)
{
   text.Reserve(text.fSize + count);
   const auto got = Read(text.fData.get() + text.fSize, count);
   const auto lines = AfterLastNewline({text.fData.get() + text.fSize, got});
   if (lines > 0)
      text.fLines = text.fSize + lines;
   text.fSize += got;
   fEnd = got < count;
}

bool Cutter::Next(Text &text)
{
   text.fSize = 0;
   text.Reserve(std::max(fRest.size(), fBlockBytes));
   std::memcpy(text.fData.get(), fRest.data(), fRest.size());
   text.fSize = fRest.size();
   text.fLines = AfterLastNewline(fRest);
   if (!fEnd && fRest.size() < fBlockBytes)
      Append(text, fBlockBytes - fRest.size());
   while (!fEnd && text.fLines == 0 && text.fSize <= kMaxLineBytes)
      Append(text, fBlockBytes);
   // A line that is too long ends the input: it stands at the end of the text as a truncated one would.
   fEnd = fEnd || text.fLines == 0;
   const auto keep = fEnd ? text.fSize : text.fLines;
   fRest.assign(text.fData.get() + keep, text.fSize - keep);
   text.fSize = keep;
   std::memset(text.fData.get() + text.fSize, 0, kPadding);
   return text.fSize > 0;
}

} // namespace aeplugin::darkmachines::internal
