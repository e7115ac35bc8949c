#ifndef AEPLUGIN_ROOT_TABLE_SOURCES_HXX
#define AEPLUGIN_ROOT_TABLE_SOURCES_HXX

#include "table_reader.hxx"

#include <TFile.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace aeplugin::rdf {

/// Collects the columns of a table while it is opened, and those that no TableColumn can be.
class SchemaBuilder {
public:
   explicit SchemaBuilder(const TableReader::DropRule &isDropped) : fIsDropped(isDropped) {}

   bool IsDropped(const std::string &name) const { return fIsDropped(name); }
   /// Adds a column unless it is dropped or of a type that cannot be; says whether it was added.
   bool Add(const std::string &name, const std::string &typeName);
   /// Notes a column that cannot be read unless it is dropped.
   void Refuse(const std::string &name, const std::string &typeName);
   /// The columns.
   /// \throws InputError naming the columns that cannot be read
   TableSchema Finish(const std::string &where) const;

private:
   const TableReader::DropRule &fIsDropped;
   TableSchema fSchema;
   std::set<std::string> fNames;
   std::vector<std::string> fRefused;
};

std::unique_ptr<TableReader> OpenTree(const std::string &path, const std::string &name, std::unique_ptr<TFile> file,
                                      const TableReader::DropRule &isDropped);
std::unique_ptr<TableReader> OpenNtuple(const std::string &path, const std::string &name, std::unique_ptr<TFile> file,
                                        const TableReader::DropRule &isDropped);

} // namespace aeplugin::rdf

#endif
