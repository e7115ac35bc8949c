#ifndef AEPLUGIN_EVENT_BLOCK_HXX
#define AEPLUGIN_EVENT_BLOCK_HXX

#include <aeplugin/table.hxx>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

/// One column of an event table.
struct ColumnSpec {
   /// `fCollection` of a column that has one value per event.
   static constexpr int kPerEvent = -1;

   std::string fName;
   ColumnType fType;
   int fCollection = kPerEvent; ///< index in Schema::fCollections, or kPerEvent
};

/// The columns of an event table, in order.
struct Schema {
   std::vector<std::string> fCollections;
   std::vector<ColumnSpec> fColumns;
};

/// Consecutive events, column by column.
struct EventBlock {
   std::uint64_t fFirstEvent = 0; ///< position of the first event in the whole input
   std::size_t fEvents = 0;
   std::vector<ColumnValues> fColumns;               ///< as Schema::fColumns
   std::vector<std::vector<std::uint64_t>> fOffsets; ///< per collection: fEvents + 1 offsets into its columns
};

} // namespace aeplugin

#endif
