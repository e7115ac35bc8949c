#include "column_coder.hxx"

#include <aeplugin/error.hxx>

#include <limits>
#include <type_traits>

namespace aeplugin {
namespace {

/// Integers as grid integers: themselves, or the mark of what is beyond the grid.
template <typename T>
std::vector<Grid> EncodeIntegers(const std::vector<T> &values, std::vector<std::uint64_t> &exact,
                                 QuantiserSummary &summary)
{
   std::vector<Grid> grid(values.size());
   for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<std::int64_t>(values[i]);
      const bool isOnGrid = value >= -kGridLimit && value <= kGridLimit;
      grid[i] = isOnGrid ? static_cast<Grid>(value) : kExactMark;
      if (!isOnGrid) {
         exact.push_back(static_cast<std::uint64_t>(value));
         ++summary.fSpecial;
      }
   }
   summary.fValues += values.size();
   return grid;
}

template <typename T>
std::vector<T> DecodeIntegers(const std::vector<Grid> &grid, const std::vector<std::uint64_t> &exact, bool isBool)
{
   const std::int64_t largest = isBool ? 1 : static_cast<std::int64_t>(std::numeric_limits<T>::max());
   std::vector<T> values(grid.size());
   std::size_t next = 0;
   for (std::size_t i = 0; i < grid.size(); ++i) {
      if (grid[i] == kExactMark && next == exact.size())
         throw CorruptionError("more integers are marked as kept exactly than the " + std::to_string(next) +
                               " that are there");
      if (grid[i] != kExactMark && !IsOnGrid(grid[i]))
         throw CorruptionError("grid integer " + std::to_string(grid[i]) + " is off the grid");
      const auto value = grid[i] == kExactMark ? static_cast<std::int64_t>(exact[next++]) : std::int64_t{grid[i]};
      if (value < static_cast<std::int64_t>(std::numeric_limits<T>::min()) || value > largest)
         throw CorruptionError("integer " + std::to_string(value) + " is none of the column's type");
      values[i] = static_cast<T>(value);
   }
   if (next != exact.size())
      throw CorruptionError("of " + std::to_string(exact.size()) + " exactly kept integers only " +
                            std::to_string(next) + " are marked");
   return values;
}

} // namespace

bool IsGridType(ColumnType type)
{
   switch (type) {
   case ColumnType::kBool:
   case ColumnType::kInt8:
   case ColumnType::kUInt8:
   case ColumnType::kInt16:
   case ColumnType::kUInt16:
   case ColumnType::kInt32:
   case ColumnType::kUInt32:
      return true;
   default:
      return false;
   }
}

ColumnCoder::ColumnCoder(const CompressedColumn &column, const TableColumn &original, const std::string &instructionSet)
   : fType(original.fType)
{
   if (column.fTolerance.fKind != ToleranceKind::kExact)
      fQuantiser.emplace(column.fTolerance, original.fType, column.fSentinels, instructionSet);
}

std::vector<Grid> ColumnCoder::Encode(const ColumnValues &values, std::vector<std::uint64_t> &exact,
                                      QuantiserSummary &summary) const
{
   return VisitColumnType(fType, [&](auto type) -> std::vector<Grid> {
      using Value = decltype(type);
      if constexpr (std::is_floating_point_v<Value>) {
         const auto &list = std::get<std::vector<Value>>(values);
         std::vector<Grid> grid(list.size());
         fQuantiser->Encode(list.data(), list.size(), grid.data(), exact, summary);
         return grid;
      } else if constexpr (std::is_integral_v<Value>) {
         return EncodeIntegers(std::get<std::vector<Value>>(values), exact, summary);
      } else {
         return {};
      }
   });
}

ColumnValues ColumnCoder::Decode(const std::vector<Grid> &grid, const std::vector<std::uint64_t> &exact) const
{
   return VisitColumnType(fType, [&](auto type) -> ColumnValues {
      using Value = decltype(type);
      if constexpr (std::is_floating_point_v<Value>) {
         std::vector<Value> values(grid.size());
         fQuantiser->Decode(grid.data(), grid.size(), exact, values.data());
         return values;
      } else if constexpr (std::is_integral_v<Value>) {
         return DecodeIntegers<Value>(grid, exact, fType == ColumnType::kBool);
      } else {
         return {};
      }
   });
}

std::string ColumnCoder::ExactBytes(const std::vector<std::uint64_t> &exact) const
{
   ByteWriter out;
   for (const std::uint64_t bits : exact)
      if (fType == ColumnType::kFloat32)
         out.Value(static_cast<std::uint32_t>(bits));
      else
         out.Value(bits);
   return out.Take();
}

std::vector<std::uint64_t> ColumnCoder::ReadExact(ByteReader &in) const
{
   if (fType != ColumnType::kFloat32)
      return in.List<std::uint64_t>("exact values");
   const auto exact = in.List<std::uint32_t>("exact values");
   return {exact.begin(), exact.end()};
}

} // namespace aeplugin
