#ifndef AEPLUGIN_ROOT_COMPRESSED_READER_HXX
#define AEPLUGIN_ROOT_COMPRESSED_READER_HXX

#include "table_reader.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/metadata.hxx>

#include <ROOT/RNTupleReader.hxx>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace aeplugin::rdf {

/// What is known of a compressed file before a block of it is read. Shared by the readers of all threads.
class CompressedFile {
public:
   struct Block {
      std::uint64_t fFirstEvent;
      std::uint32_t fEvents;
      std::size_t fPart;
   };

   /// \throws CompatibilityError for a file that is none of ours, or of another version; CorruptionError for a damaged
   /// one; InputError for one that cannot be read
   static std::shared_ptr<const CompressedFile> Open(const std::string &path);

   const std::string &Path() const { return fPath; }
   const std::string &Table() const { return fParts.front().fTable; }
   std::uint64_t Events() const { return fEvents; }
   const std::vector<Metadata> &Parts() const { return fParts; }
   const std::vector<Block> &Blocks() const { return fBlocks; }
   const BlockCoder &CoderOf(std::size_t part) const { return fCoders[part]; }
   /// The columns of the original table.
   const TableSchema &Schema() const { return fCoders.front().GetLayout().fSchema; }

private:
   CompressedFile() = default;
   void MakeCoders();
   void ListBlocks();

   std::string fPath;
   std::vector<Metadata> fParts;
   std::vector<BlockCoder> fCoders; ///< per part
   std::vector<Block> fBlocks;
   std::uint64_t fEvents = 0;
};

/// Reads blocks of a compressed file. One reader belongs to one thread.
class CompressedReader {
public:
   explicit CompressedReader(std::shared_ptr<const CompressedFile> file);

   const CompressedFile &File() const { return *fFile; }
   /// Reads and decodes some columns of a block, indices into the file's schema; the others stay empty.
   /// \throws CorruptionError where the data are damaged
   void Read(std::size_t block, const std::vector<std::size_t> &columns, TableBlock &result);
   /// Reads a block as it is stored, and the columns that are kept into `kept`, as Read does.
   StoredBlock ReadStored(std::size_t block, TableBlock &kept);

private:
   StoredBlock ReadFields(std::size_t block, const std::vector<std::size_t> &fields);
   void ReadKept(std::size_t block, const std::vector<std::size_t> &columns, TableBlock &result);

   std::shared_ptr<const CompressedFile> fFile;
   std::vector<std::size_t> fKeptColumns; ///< per field of the events: the column of the schema
   std::unique_ptr<TableReader> fEvents;
   std::unique_ptr<ROOT::RNTupleReader> fBlocks;
   TableBlock fKept; ///< kept between reads for its memory
};

} // namespace aeplugin::rdf

#endif
