#include "reproducible_file.hxx"

#include "file_checksum.hxx"
#include "root_messages.hxx"

#include <aeplugin/error.hxx>

#include <TArrayC.h>
#include <TClass.h>
#include <TKey.h>
#include <TList.h>
#include <TObjArray.h>
#include <TROOT.h>
#include <TStreamerElement.h>
#include <TStreamerInfo.h>
#include <TVirtualRWMutex.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace aeplugin::rdf {
namespace {

/// What stands in the file where ROOT would put its path.
constexpr char kInnerName[] = "aeplugin";
constexpr char kDescriptionsKey[] = "StreamerInfo";

/// Describes arrays of variable size and their counters as ROOT does in the description that a class itself keeps.
void DescribeArrays(const TObjArray &elements)
{
   for (TObject *element : elements)
      if (auto *array = dynamic_cast<TStreamerBasicPointer *>(element)) {
         array->SetSize(sizeof(void *));
         if (auto *counter = static_cast<TStreamerElement *>(elements.FindObject(array->GetCountName())))
            counter->SetType(TVirtualStreamerInfo::kCounter);
      }
}

/// ROOT describes the classes in a file in the order in which the process has met them, in the words of the first file
/// that the process has read them from, with marks of their use; this describes them afresh and in order of their
/// names. It leaves out the rules for reading old versions of ROOT's own classes, which ROOT brings along.
class ReproducibleFile final : public TFile {
public:
   explicit ReproducibleFile(const std::string &path)
      : TFile((path + "?reproducible=" + kInnerName).c_str(), "RECREATE")
   {
   }

   void WriteStreamerInfo() override
   {
      constexpr char kWritten = 0;
      constexpr char kBeingWritten = 2;
      if (!IsWritable() || fClassIndex == nullptr || (fClassIndex->fArray[0] == kWritten && fSeekInfo != 0))
         return;
      const auto descriptions = Descriptions();
      TList list;
      for (const auto &description : descriptions)
         list.Add(description.get());
      fClassIndex->fArray[0] = kBeingWritten;
      if (fSeekInfo != 0)
         MakeFree(fSeekInfo, fSeekInfo + fNbytesInfo - 1);
      TKey key(&list, kDescriptionsKey, GetBestBuffer(), this);
      fKeys->Remove(&key);
      fSeekInfo = key.GetSeekKey();
      fNbytesInfo = key.GetNbytes();
      SumBuffer(key.GetObjlen());
      key.WriteFile(0);
      fClassIndex->fArray[0] = kWritten;
   }

private:
   /// Of the classes that the file has objects of, as this version of ROOT knows them.
   std::vector<std::unique_ptr<TStreamerInfo>> Descriptions() const
   {
      std::vector<std::unique_ptr<TStreamerInfo>> descriptions;
      for (TClass *described : DescribedClasses()) {
         descriptions.push_back(std::make_unique<TStreamerInfo>(described));
         descriptions.back()->Build();
         DescribeArrays(*descriptions.back()->GetElements());
      }
      return descriptions;
   }

   std::vector<TClass *> DescribedClasses() const
   {
      std::vector<TClass *> found;
      R__READ_LOCKGUARD(ROOT::gCoreMutex);
      for (const TObject *object : *gROOT->GetListOfStreamerInfo())
         if (const auto *description = static_cast<const TStreamerInfo *>(object);
             description != nullptr && fClassIndex->fArray[description->GetNumber()] != 0)
            found.push_back(description->GetClass());
      std::sort(found.begin(), found.end(),
                [](const TClass *a, const TClass *b) { return std::string(a->GetName()).compare(b->GetName()) < 0; });
      return found;
   }
};

/// The bytes of a ROOT file, big-endian; the places in it are those of ROOT's "TFile" reference.
class FileBytes {
public:
   explicit FileBytes(const std::string &path)
      : fPath(path), fFile(path, std::ios::in | std::ios::out | std::ios::binary)
   {
   }

   std::iostream &Stream() { return fFile; }
   std::int64_t Number(std::uint64_t position, std::size_t size)
   {
      std::array<char, 8> bytes{};
      fFile.seekg(static_cast<std::streamoff>(position)).read(bytes.data(), static_cast<std::streamsize>(size));
      std::uint64_t number = 0;
      for (std::size_t i = 0; i < size; ++i)
         number = number << 8 | static_cast<unsigned char>(bytes[i]);
      return size == 4 ? static_cast<std::int32_t>(number) : static_cast<std::int64_t>(number);
   }
   std::uint64_t Position(std::uint64_t position, std::size_t size)
   {
      return static_cast<std::uint64_t>(Number(position, size));
   }
   template <typename Bytes>
   void Write(std::uint64_t position, const Bytes &bytes)
   {
      fFile.seekp(static_cast<std::streamoff>(position))
         .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
   }
   /// \throws OutputError where something before could not be read or written
   void RequireGood()
   {
      if (!fFile.flush())
         throw OutputError(fPath + ": cannot be written; is the disk full?");
   }

private:
   std::string fPath;
   std::fstream fFile;
};

/// What the header of a file says of it.
struct Header {
   explicit Header(FileBytes &file)
      : fIsLarge(file.Number(4, 4) >= 1'000'000), fFirstRecord(file.Position(8, 4)),
        fEnd(file.Position(12, fIsLarge ? 8 : 4)), fFolder(fFirstRecord + file.Position(fIsLarge ? 36 : 28, 4))
   {
   }
   bool fIsLarge; ///< whether positions have 64 bits
   std::uint64_t fFirstRecord;
   std::uint64_t fEnd;
   std::uint64_t fFolder; ///< where the top folder is described
};

/// Gives each record the time that ROOT gives its own in reproducible files. RNTuples write the real one.
void EraseTimes(FileBytes &file, const Header &header)
{
   constexpr std::array<std::uint8_t, 4> kNoTime{0x9c, 0x42, 0, 1};
   constexpr std::uint64_t kPlaceOfTime = 10;
   constexpr std::int64_t kSmallestKey = 26;
   for (std::uint64_t record = header.fFirstRecord; record < header.fEnd;) {
      const std::int64_t size = file.Number(record, 4); // negative where nothing is
      if (size >= kSmallestKey)
         file.Write(record + kPlaceOfTime, kNoTime);
      else if (size >= 0)
         throw InputError("a record of " + std::to_string(size) + " bytes at " + std::to_string(record) +
                          ": ROOT has written a file that is none");
      record += static_cast<std::uint64_t>(size < 0 ? -size : size);
   }
}

/// In the header and in the record of the top folder.
std::array<std::uint64_t, 2> PlacesOfIdentity(FileBytes &file, const Header &header)
{
   constexpr std::int64_t kLargeFolder = 1000;
   constexpr std::uint64_t kVersionOfUuid = 2;
   const std::uint64_t positions = file.Number(header.fFolder, 2) > kLargeFolder ? 8 : 4;
   return {(header.fIsLarge ? 57 : 45) + kVersionOfUuid, header.fFolder + 18 + 3 * positions + kVersionOfUuid};
}

/// The UUID of version 8 (RFC 9562, made as the writer likes) of a file whose UUIDs are still zero.
Md5 MakeIdentity(std::istream &file, const std::function<void()> &tick)
{
   Md5 identity = ComputeMd5(file, tick);
   identity[6] = static_cast<std::uint8_t>((identity[6] & 0x0f) | 0x80);
   identity[8] = static_cast<std::uint8_t>((identity[8] & 0x3f) | 0x80);
   return identity;
}

} // namespace

std::unique_ptr<TFile> CreateReproducible(const std::string &path)
{
   const RootMessages quiet;
   auto file = std::make_unique<ReproducibleFile>(path);
   if (file->IsZombie())
      throw OutputError(path + ": cannot be opened for writing");
   return file;
}

void MakeReproducible(const std::string &path, const std::function<void()> &tick)
{
   FileBytes file(path);
   const Header header(file);
   EraseTimes(file, header);
   const Md5 identity = MakeIdentity(file.Stream(), tick);
   for (const std::uint64_t place : PlacesOfIdentity(file, header))
      file.Write(place, identity);
   file.RequireGood();
}

} // namespace aeplugin::rdf
