#ifndef AEPLUGIN_ROOT_TABLE_WRITER_HXX
#define AEPLUGIN_ROOT_TABLE_WRITER_HXX

#include <aeplugin/rdf/files.hxx>
#include <aeplugin/table.hxx>

#include <TFile.h>

#include <memory>
#include <string>

namespace aeplugin::rdf {

/// Writes blocks as a plain table, in order. The file must not be used before Close(), and outlive the writer.
class TableWriter {
public:
   /// Without Close() the table is unfinished, and so is the file.
   virtual ~TableWriter() = default;
   TableWriter(const TableWriter &) = delete;
   TableWriter &operator=(const TableWriter &) = delete;

   /// An RNTuple has a vector where the schema has an array with a counter, and '_' for what field names may not
   /// contain, such as dots. A TTree has an std::vector in place of an RVec that ROOT has no dictionary for, and of an
   /// array whose counter is no integer column before it.
   /// \param compression as in ROOT: 505 for zstd, level 5
   /// \throws InputError for a column that ROOT cannot write
   static std::unique_ptr<TableWriter> Create(TFile &file, const std::string &name, const TableSchema &schema,
                                              TableFormat format, int compression);

   /// Appends the events of a block, which has all columns of the schema.
   /// \throws InputError where the file cannot be written, or a counter differs from the length of its array
   virtual void Write(const TableBlock &block) = 0;
   /// Writes what is still in memory.
   /// \throws InputError where the file cannot be written
   virtual void Close() = 0;

protected:
   TableWriter() = default;
};

std::unique_ptr<TableWriter> CreateNtuple(TFile &file, const std::string &name, const TableSchema &schema,
                                          int compression);
std::unique_ptr<TableWriter> CreateTree(TFile &file, const std::string &name, const TableSchema &schema,
                                        int compression);

} // namespace aeplugin::rdf

#endif
