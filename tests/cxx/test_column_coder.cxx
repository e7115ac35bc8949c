#include "random_table.hxx"
#include "testing.hxx"

#include "column_coder.hxx"

#include <algorithm>
#include <limits>
#include <random>

namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

constexpr ColumnType kIntegers[] = {ColumnType::kBool,   ColumnType::kInt8,  ColumnType::kUInt8, ColumnType::kInt16,
                                    ColumnType::kUInt16, ColumnType::kInt32, ColumnType::kUInt32};

ColumnCoder CoderOf(ColumnType type)
{
   TableColumn column;
   column.fType = type;
   return ColumnCoder({0, "x", {}, {}, "", {}}, column, "");
}

/// The ends of a type, of the grid, and their neighbours, as far as the type has them; and random ones.
template <typename T>
std::vector<T> EndsOf(bool isBool)
{
   const std::int64_t least = std::numeric_limits<T>::min();
   const std::int64_t most = isBool ? 1 : static_cast<std::int64_t>(std::numeric_limits<T>::max());
   std::vector<T> values;
   for (const std::int64_t end : {std::int64_t{0}, least, most, std::int64_t{kGridLimit}, -std::int64_t{kGridLimit}})
      for (std::int64_t value = end - 2; value <= end + 2; ++value)
         if (value >= least && value <= most)
            values.push_back(static_cast<T>(value));
   std::mt19937_64 random(5);
   for (int i = 0; i < 2000; ++i)
      values.push_back(testing::RandomValue<T>(random, isBool));
   return values;
}

template <typename Visit>
void ForEachInteger(Visit &&visit)
{
   for (const ColumnType type : kIntegers)
      VisitColumnType(type, [&](auto value) {
         if constexpr (std::is_integral_v<decltype(value)> && sizeof value <= 4)
            visit(type, value);
      });
}

void TestTypes()
{
   for (const ColumnType type : kIntegers)
      IsTrue(IsGridType(type), ValueTypeName(type));
   for (const ColumnType type :
        {ColumnType::kInt64, ColumnType::kUInt64, ColumnType::kFloat32, ColumnType::kFloat64, ColumnType::kString})
      IsTrue(!IsGridType(type), ValueTypeName(type));
}

void TestIntegersComeBack()
{
   ForEachInteger([](ColumnType type, auto value) {
      using T = decltype(value);
      const auto values = EndsOf<T>(type == ColumnType::kBool);
      const ColumnCoder coder = CoderOf(type);
      std::vector<std::uint64_t> exact;
      QuantiserSummary summary;
      const auto grid = coder.Encode(values, exact, summary);
      AreEqual(summary.fValues, values.size(), "values");
      AreEqual(summary.fSpecial, exact.size(), "special values");
      AreEqual(summary.fMaxError, 0., "error");
      for (std::size_t i = 0; i < values.size(); ++i) {
         const auto number = static_cast<std::int64_t>(values[i]);
         const bool isOnGrid = number >= -kGridLimit && number <= kGridLimit;
         AreEqual(std::int64_t{grid[i]}, isOnGrid ? number : std::int64_t{kExactMark}, ValueTypeName(type));
      }
      IsTrue(sizeof(T) == 4 || exact.empty(), "small integers are all on the grid");
      IsTrue(std::get<std::vector<T>>(coder.Decode(grid, exact)) == values, "values of " + ValueTypeName(type));
      const std::string bytes = coder.ExactBytes(exact);
      AreEqual(bytes.size(), 8 * exact.size(), "bytes of exact values");
      ByteWriter out;
      out.Value(static_cast<std::uint32_t>(exact.size()));
      out.Raw(bytes.data(), bytes.size());
      const std::string list = out.Take();
      ByteReader in(list.data(), list.size(), "test");
      IsTrue(coder.ReadExact(in) == exact, "exact values");
      AreEqual(in.Left(), 0u, "bytes left");
   });
}

/// Integers that the type does not have, as no encoder leaves them.
void TestForeignIntegers()
{
   ForEachInteger([](ColumnType type, auto value) {
      using T = decltype(value);
      const ColumnCoder coder = CoderOf(type);
      const std::int64_t least = std::numeric_limits<T>::min();
      const std::int64_t most =
         type == ColumnType::kBool ? 1 : static_cast<std::int64_t>(std::numeric_limits<T>::max());
      for (const std::int64_t foreign : {least - 1, most + 1, INT64_MIN, INT64_MAX}) {
         const std::string part = "integer " + std::to_string(foreign) + " is none of the column's type";
         Throws<CorruptionError>([&] { coder.Decode({kExactMark}, {static_cast<std::uint64_t>(foreign)}); }, part);
         if (foreign >= -kGridLimit && foreign <= kGridLimit)
            Throws<CorruptionError>([&] { coder.Decode({0, static_cast<Grid>(foreign)}, {}); }, part);
      }
      Throws<CorruptionError>([&] { coder.Decode({0, kExactMark}, {}); }, "more integers are marked");
      Throws<CorruptionError>([&] { coder.Decode({0, kExactMark}, {1, 1}); }, "of 2 exactly kept integers only 1");
      for (const Grid integer : {kSentinelMark, -kGridLimit - 1, kGridLimit + 1})
         Throws<CorruptionError>([&] { coder.Decode({integer}, {}); }, "is off the grid");
   });
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("types", TestTypes);
   suite.Case("integers come back", TestIntegersComeBack);
   suite.Case("integers that are none", TestForeignIntegers);
   return suite.ExitCode();
}
