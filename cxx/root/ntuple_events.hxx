#ifndef AEPLUGIN_ROOT_NTUPLE_EVENTS_HXX
#define AEPLUGIN_ROOT_NTUPLE_EVENTS_HXX

#include <aeplugin/table.hxx>

#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RRawPtrWriteEntry.hxx>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace aeplugin::rdf {

/// The columns under names that an RNTuple can hold.
TableSchema WithFieldNames(TableSchema schema);

/// A bare model with a field for each column; the names must be such that an RNTuple can hold them.
std::unique_ptr<ROOT::RNTupleModel> MakeNtupleModel(const TableSchema &schema);

/// Gives the entry of an RNTuple the columns of a block, event by event.
class NtupleEvents {
public:
   /// \param schema that of the model
   NtupleEvents(std::unique_ptr<ROOT::Detail::RRawPtrWriteEntry> entry, const TableSchema &schema);
   ~NtupleEvents();

   /// Begins a block, which stays where it is until the next one.
   /// \param columns for each column of the schema, its position in the block
   void SetBlock(const TableBlock &block, const std::vector<std::size_t> &columns);
   /// The entry with the values of one event of the block.
   ROOT::Detail::RRawPtrWriteEntry &Event(std::size_t event);

private:
   class Source;
   template <typename T>
   class FixedSource;
   template <typename Family, typename T, std::size_t Depth>
   class VectorSource;
   static std::unique_ptr<Source> MakeSource(const TableColumn &column);

   std::unique_ptr<ROOT::Detail::RRawPtrWriteEntry> fEntry;
   std::vector<std::unique_ptr<Source>> fSources;
   std::vector<ROOT::RFieldToken> fTokens;
};

} // namespace aeplugin::rdf

#endif
