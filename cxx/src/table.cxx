#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>
#include <aeplugin/table.hxx>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

namespace aeplugin {
namespace {

constexpr std::size_t kMaxDepth = 3;
constexpr std::size_t kMaxArraySize = 1'000'000;

/// The first name of each type is the one that files carry.
constexpr std::pair<std::string_view, ColumnType> kValueTypes[] = {
   {"bool", ColumnType::kBool},
   {"std::int8_t", ColumnType::kInt8},
   {"std::uint8_t", ColumnType::kUInt8},
   {"std::int16_t", ColumnType::kInt16},
   {"std::uint16_t", ColumnType::kUInt16},
   {"std::int32_t", ColumnType::kInt32},
   {"std::uint32_t", ColumnType::kUInt32},
   {"std::int64_t", ColumnType::kInt64},
   {"std::uint64_t", ColumnType::kUInt64},
   {"float", ColumnType::kFloat32},
   {"double", ColumnType::kFloat64},
   {"std::string", ColumnType::kString},
   {"Bool_t", ColumnType::kBool},
   {"char", ColumnType::kInt8},
   {"Char_t", ColumnType::kInt8},
   {"signedchar", ColumnType::kInt8},
   {"int8_t", ColumnType::kInt8},
   {"unsignedchar", ColumnType::kUInt8},
   {"UChar_t", ColumnType::kUInt8},
   {"uint8_t", ColumnType::kUInt8},
   {"short", ColumnType::kInt16},
   {"Short_t", ColumnType::kInt16},
   {"int16_t", ColumnType::kInt16},
   {"unsignedshort", ColumnType::kUInt16},
   {"UShort_t", ColumnType::kUInt16},
   {"uint16_t", ColumnType::kUInt16},
   {"int", ColumnType::kInt32},
   {"Int_t", ColumnType::kInt32},
   {"int32_t", ColumnType::kInt32},
   {"unsigned", ColumnType::kUInt32},
   {"unsignedint", ColumnType::kUInt32},
   {"UInt_t", ColumnType::kUInt32},
   {"uint32_t", ColumnType::kUInt32},
   {"long", ColumnType::kInt64},
   {"longlong", ColumnType::kInt64},
   {"Long_t", ColumnType::kInt64},
   {"Long64_t", ColumnType::kInt64},
   {"int64_t", ColumnType::kInt64},
   {"unsignedlong", ColumnType::kUInt64},
   {"unsignedlonglong", ColumnType::kUInt64},
   {"ULong_t", ColumnType::kUInt64},
   {"ULong64_t", ColumnType::kUInt64},
   {"uint64_t", ColumnType::kUInt64},
   {"Float_t", ColumnType::kFloat32},
   {"Float16_t", ColumnType::kFloat32},
   {"Double_t", ColumnType::kFloat64},
   {"Double32_t", ColumnType::kFloat64},
   {"string", ColumnType::kString},
};

constexpr std::string_view kVectors[] = {"std::vector<", "vector<"};
constexpr std::string_view kRVecs[] = {"ROOT::VecOps::RVec<", "ROOT::RVec<", "RVec<"};
constexpr std::string_view kArrays[] = {"std::array<", "array<"};

std::optional<ColumnType> FindValueType(std::string_view name)
{
   for (const auto &[known, type] : kValueTypes)
      if (name == known)
         return type;
   return std::nullopt;
}

/// Takes "PREFIX...>" off a name, for any of the prefixes.
template <std::size_t N>
bool Unwrap(std::string_view &name, const std::string_view (&prefixes)[N])
{
   for (const std::string_view prefix : prefixes)
      if (name.substr(0, prefix.size()) == prefix && name.back() == '>') {
         name = name.substr(prefix.size(), name.size() - prefix.size() - 1);
         return true;
      }
   return false;
}

std::size_t ParseSize(std::string_view digits)
{
   std::size_t size = 0;
   for (const char digit : digits) {
      if (digit < '0' || digit > '9' || size > kMaxArraySize)
         return 0;
      size = 10 * size + static_cast<std::size_t>(digit - '0');
   }
   return size > kMaxArraySize ? 0 : size;
}

/// "float,3" -> "float" and 3.
bool ParseArray(std::string_view &name, TableColumn &column)
{
   const auto comma = name.rfind(',');
   if (comma == std::string_view::npos)
      return false;
   column.fShape = Shape::kArray;
   column.fArraySize = ParseSize(name.substr(comma + 1));
   name = name.substr(0, comma);
   return column.fArraySize > 0;
}

/// "float[3]" or "float[NJet]" -> "float" and what is in the brackets.
bool ParseCArray(std::string_view &name, TableColumn &column)
{
   const auto bracket = name.find('[');
   const std::string_view inside = name.substr(bracket + 1, name.size() - bracket - 2);
   if (inside.empty() || inside.find('[') != std::string_view::npos)
      return false;
   name = name.substr(0, bracket);
   column.fArraySize = ParseSize(inside);
   column.fShape = column.fArraySize > 0 ? Shape::kArray : Shape::kCountedArray;
   if (column.fShape == Shape::kCountedArray)
      column.fCounter = std::string(inside);
   return true;
}

std::string CanonicalName(const TableColumn &column)
{
   const std::string value = ValueTypeName(column.fType);
   switch (column.fShape) {
   case Shape::kValue:
      break;
   case Shape::kArray:
      return "std::array<" + value + "," + std::to_string(column.fArraySize) + ">";
   case Shape::kCountedArray:
      return value + "[" + column.fCounter + "]";
   case Shape::kVector:
   case Shape::kRVec: {
      std::string name = value;
      for (std::size_t level = 0; level < column.fDepth; ++level)
         name = (column.fShape == Shape::kVector ? "std::vector<" : "ROOT::VecOps::RVec<") + name + ">";
      return name;
   }
   }
   return value;
}

} // namespace

ColumnValues MakeColumnValues(ColumnType type)
{
   return VisitColumnType(type, [](auto value) { return ColumnValues(std::vector<decltype(value)>()); });
}

std::string ValueTypeName(ColumnType type)
{
   return std::string(std::find_if(std::begin(kValueTypes), std::end(kValueTypes), [&](const auto &known) {
                         return known.second == type;
                      })->first);
}

std::optional<TableColumn> TableColumn::TryMake(const std::string &name, const std::string &typeName)
{
   TableColumn column;
   column.fName = name;
   std::string compact;
   std::copy_if(typeName.begin(), typeName.end(), std::back_inserter(compact),
                [](unsigned char c) { return !std::isspace(c); });
   std::string_view rest = compact;
   if (rest.empty())
      return std::nullopt;
   if (rest.back() == ']') {
      if (!ParseCArray(rest, column))
         return std::nullopt;
      column.fDepth = 1;
   } else if (Unwrap(rest, kArrays)) {
      if (!ParseArray(rest, column))
         return std::nullopt;
      column.fDepth = 1;
   } else {
      while (!rest.empty() && column.fDepth < kMaxDepth) {
         if (column.fShape != Shape::kRVec && Unwrap(rest, kVectors))
            column.fShape = Shape::kVector;
         else if (column.fShape != Shape::kVector && Unwrap(rest, kRVecs))
            column.fShape = Shape::kRVec;
         else
            break;
         ++column.fDepth;
      }
   }
   const auto type = FindValueType(rest);
   if (!type)
      return std::nullopt;
   column.fType = *type;
   column.fTypeName = CanonicalName(column);
   return column;
}

TableColumn TableColumn::Make(const std::string &name, const std::string &typeName)
{
   auto column = TryMake(name, typeName);
   if (!column)
      throw InputError("column '" + name + "' is of type " + typeName +
                       "; expected numbers, booleans or strings, or vectors or arrays of them");
   return *column;
}

std::optional<std::size_t> FindColumn(const TableSchema &schema, const std::string &name)
{
   const auto found =
      std::find_if(schema.begin(), schema.end(), [&](const TableColumn &column) { return column.fName == name; });
   if (found == schema.end())
      return {};
   return static_cast<std::size_t>(found - schema.begin());
}

std::size_t RequireColumn(const TableSchema &schema, const std::string &name, const std::string &who)
{
   if (const auto found = FindColumn(schema, name))
      return *found;
   std::vector<std::string> known;
   for (const TableColumn &column : schema)
      known.push_back(column.fName);
   throw RecipeError("the data have no column '" + name + "' " + who + Nearest(name, known));
}

std::vector<std::string> FieldNames(const std::vector<std::string> &columns, const std::vector<std::string> &taken)
{
   const auto isForbidden = [](unsigned char c) { return c == '.' || c == '/' || c == '\\' || std::iscntrl(c); };
   std::set<std::string> used(taken.begin(), taken.end());
   std::vector<std::string> names(columns.size());
   // Columns whose names are possible keep them.
   for (const bool possible : {true, false})
      for (std::size_t i = 0; i < columns.size(); ++i) {
         if (std::none_of(columns[i].begin(), columns[i].end(), isForbidden) != possible)
            continue;
         names[i] = columns[i];
         std::replace_if(names[i].begin(), names[i].end(), isForbidden, '_');
         while (!used.insert(names[i]).second)
            names[i] += '_';
      }
   return names;
}

} // namespace aeplugin
