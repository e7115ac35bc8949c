#ifndef AEPLUGIN_TABLE_HXX
#define AEPLUGIN_TABLE_HXX

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace aeplugin {

/// The types that single values have.
enum class ColumnType : std::uint8_t {
   kBool,
   kInt8,
   kUInt8,
   kInt16,
   kUInt16,
   kInt32,
   kUInt32,
   kInt64,
   kUInt64,
   kFloat32,
   kFloat64,
   kString
};

/// The values of a column, those of all events and objects one after the other; booleans as 0 and 1.
using ColumnValues = std::variant<std::vector<std::int8_t>, std::vector<std::uint8_t>, std::vector<std::int16_t>,
                                  std::vector<std::uint16_t>, std::vector<std::int32_t>, std::vector<std::uint32_t>,
                                  std::vector<std::int64_t>, std::vector<std::uint64_t>, std::vector<float>,
                                  std::vector<double>, std::vector<std::string>>;

/// Calls `visitor` with a value of the type in which columns of `type` are kept: std::uint8_t for booleans.
template <typename Visitor>
auto VisitColumnType(ColumnType type, Visitor &&visitor)
{
   switch (type) {
   case ColumnType::kInt8:
      return visitor(std::int8_t{});
   case ColumnType::kInt16:
      return visitor(std::int16_t{});
   case ColumnType::kUInt16:
      return visitor(std::uint16_t{});
   case ColumnType::kInt32:
      return visitor(std::int32_t{});
   case ColumnType::kUInt32:
      return visitor(std::uint32_t{});
   case ColumnType::kInt64:
      return visitor(std::int64_t{});
   case ColumnType::kUInt64:
      return visitor(std::uint64_t{});
   case ColumnType::kFloat32:
      return visitor(float{});
   case ColumnType::kFloat64:
      return visitor(double{});
   case ColumnType::kString:
      return visitor(std::string{});
   case ColumnType::kBool:
   case ColumnType::kUInt8:
      break;
   }
   return visitor(std::uint8_t{});
}

/// No values, in the alternative that columns of a type have.
ColumnValues MakeColumnValues(ColumnType type);

/// "float", "std::int32_t" ...: the type of single values as C++ spells it.
std::string ValueTypeName(ColumnType type);

/// What a column holds for one event.
enum class Shape : std::uint8_t {
   kValue,       ///< one value: "float"
   kVector,      ///< any number of values: "std::vector<float>", nested: "std::vector<std::vector<float>>"
   kRVec,        ///< the same as ROOT's vector: "ROOT::VecOps::RVec<float>"
   kArray,       ///< a fixed number of values: "std::array<float,3>"; in a TTree the branch x[3]
   kCountedArray ///< a C array with a counter, only in TTrees: "float[NJet]"; elsewhere a vector
};

/// A column of a table: an event variable, or one per object of a collection.
struct TableColumn {
   std::string fName;
   std::string fTypeName; ///< such as "std::vector<float>"
   ColumnType fType = ColumnType::kFloat32;
   Shape fShape = Shape::kValue;
   std::size_t fDepth = 0;     ///< levels of nesting: 0 for a value, 1 for a vector or array, 2 for a vector of vectors
   std::size_t fArraySize = 0; ///< of Shape::kArray
   std::string fCounter;       ///< of Shape::kCountedArray: the column with its length

   /// A column of the type that a name means; the names of C++, ROOT and RDataFrame are understood.
   /// \throws InputError for a type that no column can have
   static TableColumn Make(const std::string &name, const std::string &typeName);
   /// The same without an exception: nothing for a type that no column can have.
   static std::optional<TableColumn> TryMake(const std::string &name, const std::string &typeName);
   /// Whether there is one value per event.
   bool IsSingle() const { return fDepth == 0; }
   bool IsFloating() const { return fType == ColumnType::kFloat32 || fType == ColumnType::kFloat64; }
};

/// The columns of a table, in order.
using TableSchema = std::vector<TableColumn>;

/// The index of the column of a name; nothing where there is none.
std::optional<std::size_t> FindColumn(const TableSchema &schema, const std::string &name);
/// The same; \throws RecipeError with `who` names it: "that the recipe names", and the nearest name there is
std::size_t RequireColumn(const TableSchema &schema, const std::string &name, const std::string &who);

/// Names under which an RNTuple can hold columns: '_' for the characters that it forbids ('.', '/', '\\' and control
/// characters), and '_' appended until each name is there once and none is among `taken`.
std::vector<std::string> FieldNames(const std::vector<std::string> &columns,
                                    const std::vector<std::string> &taken = {});

/// The values of a column for consecutive events.
struct ColumnBlock {
   ColumnValues fValues;
   /// One list per level of nesting, the outermost first: [0] has events + 1 offsets into the next level,
   /// the last offsets into the values.
   std::vector<std::vector<std::uint64_t>> fOffsets;
};

/// Consecutive events of a table, column by column.
struct TableBlock {
   std::uint64_t fFirstEvent = 0; ///< position of the first event in the table
   std::size_t fEvents = 0;
   std::vector<ColumnBlock> fColumns; ///< as the schema
};

} // namespace aeplugin

#endif
