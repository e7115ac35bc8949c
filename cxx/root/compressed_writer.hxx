#ifndef AEPLUGIN_ROOT_COMPRESSED_WRITER_HXX
#define AEPLUGIN_ROOT_COMPRESSED_WRITER_HXX

#include "ntuple_events.hxx"
#include "parallel.hxx"

#include <aeplugin/block_coder.hxx>

#include <ROOT/RNTupleFillContext.hxx>
#include <ROOT/RNTupleParallelWriter.hxx>
#include <TFile.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace aeplugin::rdf {

/// Writes the two RNTuples of a compressed file: the columns that are kept, event by event, and the coded ones, block
/// by block. Several threads write at once, each through a lane of its own; blocks end up in the order of their
/// numbers. Every block is one cluster of both.
class CompressedWriter {
public:
   /// \param table name of the table that was compressed
   /// \param fields of the RNTuple of blocks; those of a merged file may be wider than those of its parts
   /// \param compression ROOT's number for algorithm and level
   CompressedWriter(TFile &file, const std::string &table, const Layout &layout, std::vector<StoredField> fields,
                    int compression);
   CompressedWriter(const CompressedWriter &) = delete;
   CompressedWriter &operator=(const CompressedWriter &) = delete;

   /// What one thread writes with.
   class Lane {
   public:
      explicit Lane(CompressedWriter &writer);
      /// Adds block `number`, once all blocks before it were added; compresses it before it waits for them.
      /// \param block the columns that are kept
      /// \param fields what stored.fIntegers are; fields of the file that are not among them stay empty
      /// \throws std::runtime_error where another lane gave up
      void Write(std::uint64_t number, const TableBlock &block, StoredBlock stored,
                 const std::vector<StoredField> &fields);

   private:
      void BindBlock(StoredBlock &stored, const std::vector<StoredField> &fields);

      CompressedWriter &fWriter;
      std::shared_ptr<ROOT::RNTupleFillContext> fEvents;
      std::unique_ptr<NtupleEvents> fEventFiller;
      std::shared_ptr<ROOT::RNTupleFillContext> fBlocks;
      std::unique_ptr<ROOT::Detail::RRawPtrWriteEntry> fBlockEntry;
      std::vector<Integers> fIntegers; ///< per field of the file
   };

   /// Lets lanes that wait for a block that will never come give up.
   void GiveUp() { fTurnstile.Close(); }
   /// Completes both RNTuples; all lanes must be gone.
   void Close();

private:
   TableSchema fKept; ///< the columns that are kept, under the names of their fields
   std::vector<std::size_t> fKeptColumns;
   std::vector<StoredField> fFields;
   std::unique_ptr<ROOT::RNTupleParallelWriter> fEventWriter;
   std::unique_ptr<ROOT::RNTupleParallelWriter> fBlockWriter;
   Turnstile fTurnstile; ///< to the file
};

} // namespace aeplugin::rdf

#endif
