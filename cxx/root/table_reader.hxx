#ifndef AEPLUGIN_ROOT_TABLE_READER_HXX
#define AEPLUGIN_ROOT_TABLE_READER_HXX

#include <aeplugin/table.hxx>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aeplugin::rdf {

/// Reads events of a TTree or RNTuple into blocks. One reader belongs to one thread; several may read one file
/// (after ROOT::EnableThreadSafety).
class TableReader {
public:
   /// Whether the column of a name is left out. The members of a class that a TTree has split are columns of their own;
   /// of a record in an RNTuple, all are left out with it.
   using DropRule = std::function<bool(const std::string &)>;

   virtual ~TableReader() = default;
   TableReader(const TableReader &) = delete;
   TableReader &operator=(const TableReader &) = delete;

   /// \param table may be empty where the file has only one TTree or RNTuple
   /// \throws InputError for a file or table that cannot be read, or with columns of types that no TableColumn can have
   /// \throws CorruptionError where the description of the table is damaged
   static std::unique_ptr<TableReader> Open(const std::string &path, const std::string &table,
                                            const std::vector<std::string> &dropped = {});
   static std::unique_ptr<TableReader> Open(const std::string &path, const std::string &table,
                                            const DropRule &isDropped);

   /// The table's name.
   const std::string &Name() const { return fName; }
   std::uint64_t Events() const { return fEvents; }
   /// The columns in the file's order, without those that are left out.
   const TableSchema &Schema() const { return fSchema; }

   /// Reads events [first, first + n) of some columns, indices into Schema(); the others are empty in the block.
   /// \throws CorruptionError where the data are damaged
   virtual void Read(std::uint64_t first, std::size_t n, const std::vector<std::size_t> &columns,
                     TableBlock &block) = 0;

protected:
   TableReader(std::string path, std::string name) : fPath(std::move(path)), fName(std::move(name)) {}

   /// Empties the block and gives it the shape of the schema.
   /// \throws InputError for events that the table does not have
   void Prepare(std::uint64_t first, std::size_t n, const std::vector<std::size_t> &columns, TableBlock &block) const;
   /// "FILE: events 0 to 99 of column 'x' in 'events'", for messages.
   std::string Describe(std::uint64_t first, std::size_t n, std::size_t column) const;

   std::string fPath;
   std::string fName;
   std::uint64_t fEvents = 0;
   TableSchema fSchema;
};

} // namespace aeplugin::rdf

#endif
