#ifndef AEPLUGIN_RANDOM_TABLE_HXX
#define AEPLUGIN_RANDOM_TABLE_HXX

#include "testing.hxx"

#include <aeplugin/table.hxx>

#include <cstring>
#include <random>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

/// Tables with random bits in every type and shape.
namespace testing {

/// A column of every type and shape, and arrays with counters of several types.
inline aeplugin::TableSchema EveryColumn()
{
   using aeplugin::TableColumn;
   aeplugin::TableSchema schema;
   for (const char *counter : {"int", "unsigned int", "short", "unsigned char", "Long64_t"}) {
      const std::string name = "n" + std::to_string(schema.size());
      schema.push_back(TableColumn::Make(name, counter));
      schema.push_back(TableColumn::Make(name + "_x", "float[" + name + "]"));
      schema.push_back(TableColumn::Make(name + "_y", "bool[" + name + "]"));
   }
   for (const char *type : {"bool", "std::int8_t", "std::uint8_t", "std::int16_t", "std::uint16_t", "std::int32_t",
                            "std::uint32_t", "std::int64_t", "std::uint64_t", "float", "double", "std::string"}) {
      const std::string value = type;
      const std::string name = value.substr(value.rfind(':') + 1);
      schema.push_back(TableColumn::Make(name, value));
      schema.push_back(TableColumn::Make(name + "_a", "std::array<" + value + ",3>"));
      if (value != "std::string")
         schema.push_back(TableColumn::Make(name + "_c", value + "[n0]"));
      for (const std::string family : {"std::vector", "ROOT::VecOps::RVec"}) {
         std::string vector = value;
         for (int depth = 1; depth <= 3; ++depth) {
            vector = family + "<" + vector + ">";
            schema.push_back(TableColumn::Make(name + "_" + family.back() + std::to_string(depth), vector));
         }
      }
   }
   return schema;
}

/// Any bits; of floats, NaN with its payload, too.
template <typename T>
T RandomValue(std::mt19937_64 &generator, bool isBool)
{
   if constexpr (std::is_same_v<T, std::string>) {
      return std::string(generator() % 400 == 0 ? 300 : generator() % 9, static_cast<char>('a' + generator() % 26));
   } else {
      const std::uint64_t bits = isBool ? generator() % 2 : generator();
      T value;
      std::memcpy(&value, &bits, sizeof value);
      return value;
   }
}

inline aeplugin::TableBlock RandomTable(const aeplugin::TableSchema &schema, std::size_t events, unsigned int seed)
{
   std::mt19937_64 generator(seed);
   constexpr std::uint64_t kLongest = 5;
   aeplugin::TableBlock table;
   table.fEvents = events;
   table.fColumns.resize(schema.size());
   for (std::size_t i = 0; i < schema.size(); ++i) {
      const auto &column = schema[i];
      auto &block = table.fColumns[i];
      std::size_t entries = events;
      for (std::size_t level = 0; level < column.fDepth; ++level) {
         std::vector<std::uint64_t> offsets = {0};
         for (std::size_t entry = 0; entry < entries; ++entry) {
            std::uint64_t length = generator() % (kLongest + 1);
            if (column.fShape == aeplugin::Shape::kArray)
               length = column.fArraySize;
            for (std::size_t c = 0; c < i; ++c)
               if (schema[c].fName == column.fCounter)
                  std::visit(
                     [&](const auto &counts) {
                        if constexpr (std::is_integral_v<typename std::decay_t<decltype(counts)>::value_type>)
                           length = static_cast<std::uint64_t>(counts[entry]);
                     },
                     table.fColumns[c].fValues);
            offsets.push_back(offsets.back() + length);
         }
         entries = offsets.back();
         block.fOffsets.push_back(std::move(offsets));
      }
      bool isCounter = false;
      for (const auto &other : schema)
         isCounter = isCounter || other.fCounter == column.fName;
      block.fValues = aeplugin::MakeColumnValues(column.fType);
      std::visit(
         [&](auto &values) {
            using T = typename std::decay_t<decltype(values)>::value_type;
            for (std::size_t k = 0; k < entries; ++k)
               if constexpr (std::is_integral_v<T>)
                  values.push_back(isCounter ? static_cast<T>(generator() % (kLongest + 1))
                                             : RandomValue<T>(generator, column.fType == aeplugin::ColumnType::kBool));
               else
                  values.push_back(RandomValue<T>(generator, false));
         },
         block.fValues);
   }
   return table;
}

/// Some of the events of a table.
inline aeplugin::TableBlock Slice(const aeplugin::TableBlock &table, const aeplugin::TableSchema &schema,
                                  std::size_t first, std::size_t n)
{
   aeplugin::TableBlock slice;
   slice.fFirstEvent = table.fFirstEvent + first;
   slice.fEvents = n;
   slice.fColumns.resize(schema.size());
   for (std::size_t i = 0; i < schema.size(); ++i) {
      std::size_t begin = first;
      std::size_t end = first + n;
      for (const auto &offsets : table.fColumns[i].fOffsets) {
         std::vector<std::uint64_t> part;
         for (std::size_t k = begin; k <= end; ++k)
            part.push_back(offsets[k] - offsets[begin]);
         end = offsets[end];
         begin = offsets[begin];
         slice.fColumns[i].fOffsets.push_back(std::move(part));
      }
      std::visit(
         [&](const auto &values) {
            slice.fColumns[i].fValues = std::decay_t<decltype(values)>(
               values.begin() + static_cast<std::ptrdiff_t>(begin), values.begin() + static_cast<std::ptrdiff_t>(end));
         },
         table.fColumns[i].fValues);
   }
   return slice;
}

/// Fails unless two columns have the same offsets and, bit by bit, values.
inline void ExpectEqual(const aeplugin::ColumnBlock &got, const aeplugin::ColumnBlock &expected,
                        const std::string &name)
{
   IsTrue(got.fOffsets == expected.fOffsets, "offsets of " + name);
   AreEqual(got.fValues.index(), expected.fValues.index(), "type of " + name);
   std::visit(
      [&](const auto &values) {
         using Values = std::decay_t<decltype(values)>;
         const auto &others = std::get<Values>(expected.fValues);
         AreEqual(values.size(), others.size(), "values of " + name);
         if constexpr (std::is_same_v<Values, std::vector<std::string>>)
            IsTrue(values == others, "strings of " + name);
         else if (!values.empty())
            IsTrue(std::memcmp(values.data(), others.data(), values.size() * sizeof values[0]) == 0,
                   "values of " + name);
      },
      got.fValues);
}

inline void ExpectEqual(const aeplugin::TableBlock &got, const aeplugin::TableBlock &expected,
                        const aeplugin::TableSchema &schema)
{
   AreEqual(got.fFirstEvent, expected.fFirstEvent, "first event");
   AreEqual(got.fEvents, expected.fEvents, "events");
   for (std::size_t i = 0; i < schema.size(); ++i)
      ExpectEqual(got.fColumns[i], expected.fColumns[i], schema[i].fName);
}

} // namespace testing

#endif
