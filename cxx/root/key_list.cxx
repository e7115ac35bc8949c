#include "key_list.hxx"

#include <aeplugin/error.hxx>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

// The places in a ROOT file are those of ROOT's "TFile" reference: header, directory record, keys; all big-endian.
namespace aeplugin::rdf {
namespace {

constexpr std::uint64_t kLargeFile = 1'000'000; ///< added to the version of files with 64-bit positions
constexpr std::uint64_t kLargeRecord = 1000;    ///< the same for directories and keys
constexpr std::uint64_t kHasByteCount = 0x4000'0000;
const std::string kNtupleClass = "\x0dROOT::RNTuple"; ///< as keys spell it: its length and the name
constexpr std::uint64_t kMaxKeys = 100'000;
constexpr std::uint64_t kMaxListBytes = 100'000'000;

class RootFile {
public:
   explicit RootFile(const std::string &path) : fPath(path), fFile(path, std::ios::binary)
   {
      std::error_code ignored;
      fSize = std::filesystem::file_size(path, ignored);
   }

   /// \throws CorruptionError for what is not inside the file
   std::string Bytes(std::uint64_t position, std::uint64_t size)
   {
      if (size > kMaxListBytes || position > fSize || size > fSize - position)
         Fail("it points beyond the end of the file");
      std::string bytes(size, '\0');
      fFile.seekg(static_cast<std::streamoff>(position));
      if (!fFile.read(bytes.data(), static_cast<std::streamsize>(size)))
         Fail("it cannot be read");
      return bytes;
   }
   std::uint64_t Number(std::uint64_t position, std::uint64_t size)
   {
      std::uint64_t number = 0;
      for (const char byte : Bytes(position, size))
         number = number << 8 | static_cast<unsigned char>(byte);
      return number;
   }
   std::uint64_t Size() const { return fSize; }
   [[noreturn]] void Fail(const std::string &why) const
   {
      throw CorruptionError(fPath + ": the list of its keys is damaged: " + why + "; copy the file again");
   }

private:
   const std::string &fPath;
   std::ifstream fFile;
   std::uint64_t fSize = 0;
};

/// Where the list of keys of the top folder stands, and how long it is.
struct KeyList {
   std::uint64_t fPosition;
   std::uint64_t fSize;
};

KeyList FindKeyList(RootFile &file)
{
   const bool isLarge = file.Number(4, 4) >= kLargeFile;
   const std::uint64_t folder = file.Number(8, 4) + file.Number(isLarge ? 36 : 28, 4);
   const bool hasLargePositions = file.Number(folder, 2) > kLargeRecord;
   return {file.Number(folder + (hasLargePositions ? 34 : 26), hasLargePositions ? 8 : 4), file.Number(folder + 10, 4)};
}

/// ROOT reads an object without its byte count as if it were of another layout.
void CheckByteCount(RootFile &file, std::uint64_t object, std::uint64_t size)
{
   const std::uint64_t count = file.Number(object, 4);
   if ((count & kHasByteCount) == 0 || (count & ~kHasByteCount) + 4 > size)
      file.Fail("an RNTuple's anchor does not begin with its size");
}

} // namespace

void CheckKeyList(const std::string &path)
{
   std::error_code ignored;
   char magic[4] = {};
   if (!std::filesystem::is_regular_file(path, ignored) ||
       !std::ifstream(path, std::ios::binary).read(magic, sizeof magic) || std::string(magic, sizeof magic) != "root")
      return;
   RootFile file(path);
   const KeyList list = FindKeyList(file);
   const std::uint64_t end = list.fPosition + list.fSize;
   std::uint64_t next = list.fPosition + file.Number(list.fPosition + 14, 2); // after the list's own key
   const std::uint64_t keys = file.Number(next, 4);
   next += 4;
   if (keys > kMaxKeys)
      file.Fail("it speaks of " + std::to_string(keys) + " keys");
   for (std::uint64_t i = 0; i < keys; ++i) {
      const std::uint64_t size = file.Number(next + 14, 2);
      const std::uint64_t positionBytes = file.Number(next + 4, 2) > kLargeRecord ? 8 : 4;
      const std::uint64_t position = file.Number(next + 18, positionBytes);
      if (size < 26 || next + size > end)
         file.Fail("key " + std::to_string(i) + " does not fit into it");
      if (file.Bytes(next, size) != file.Bytes(position, size))
         file.Fail("key " + std::to_string(i) + " differs from what stands at its place");
      if (file.Number(next, 4) > file.Size() - position)
         file.Fail("key " + std::to_string(i) + " ends beyond the end of the file");
      const bool isNtuple = file.Bytes(next + 18 + 2 * positionBytes, kNtupleClass.size()) == kNtupleClass;
      const std::uint64_t objectSize = file.Number(next + 6, 4);
      if (isNtuple && objectSize + size == file.Number(next, 4)) // not compressed
         CheckByteCount(file, position + size, objectSize);
      next += size;
   }
}

} // namespace aeplugin::rdf
