#ifndef AEPLUGIN_ROOT_DARKMACHINES_SOURCE_HXX
#define AEPLUGIN_ROOT_DARKMACHINES_SOURCE_HXX

#include <aeplugin/darkmachines.hxx>

#include <ROOT/RDataSource.hxx>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aeplugin::rdf {

/// RDataFrame's view of a darkmachines::Reader: as many blocks as there are slots are held at a time.
class DarkMachinesSource final : public ROOT::RDF::RDataSource {
public:
   DarkMachinesSource(std::string path, const darkmachines::ReaderOptions &options);

   const std::vector<std::string> &GetColumnNames() const override { return fNames; }
   bool HasColumn(std::string_view name) const override;
   std::string GetTypeName(std::string_view name) const override;
   std::unique_ptr<ROOT::Detail::RDF::RColumnReaderBase> GetColumnReaders(unsigned int slot, std::string_view name,
                                                                          const std::type_info &type) override;
   std::vector<std::pair<ULong64_t, ULong64_t>> GetEntryRanges() override;
   bool SetEntry(unsigned int, ULong64_t) override { return true; }
   void Initialize() override;
   void Finalize() override;
   std::string GetLabel() override { return "Dark Machines"; }

   const darkmachines::BadLines &GetBadLines() const { return fBadLines; }
   double GetFractionRead() const;
   /// The block that holds an entry; only entries of the current ranges are asked for.
   const EventBlock &BlockOf(ULong64_t entry) const;

protected:
   Record_t GetColumnReadersImpl(std::string_view, const std::type_info &) override { return {}; }

private:
   std::size_t IndexOf(std::string_view name) const;
   /// \throws InputError where RDataFrame asks for another type than the column has
   void CheckType(const ColumnSpec &column, const std::type_info &asked) const;

   std::string fPath;
   darkmachines::ReaderOptions fOptions;
   Schema fSchema;
   std::vector<std::string> fNames;
   std::unique_ptr<darkmachines::Reader> fReader;
   bool fStarted = false; ///< whether fReader has given blocks
   std::vector<EventBlock> fBlocks;
   darkmachines::BadLines fBadLines;
};

} // namespace aeplugin::rdf

#endif
