#ifndef AEPLUGIN_EVENT_BLOCK_HXX
#define AEPLUGIN_EVENT_BLOCK_HXX

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace aeplugin {

enum class ColumnType { kUInt64, kInt32, kFloat32, kFloat64, kBool, kString };

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

/// The values of one column in a block; the alternatives stand in the order of ColumnType (booleans as 0 and 1).
using ColumnValues = std::variant<std::vector<std::uint64_t>, std::vector<std::int32_t>, std::vector<float>,
                                  std::vector<double>, std::vector<std::uint8_t>, std::vector<std::string>>;

/// Consecutive events, column by column.
struct EventBlock {
   std::uint64_t fFirstEvent = 0; ///< position of the first event in the whole input
   std::size_t fEvents = 0;
   std::vector<ColumnValues> fColumns;               ///< as Schema::fColumns
   std::vector<std::vector<std::uint64_t>> fOffsets; ///< per collection: fEvents + 1 offsets into its columns
};

} // namespace aeplugin

#endif
