#ifndef AEPLUGIN_ROOT_NESTED_HXX
#define AEPLUGIN_ROOT_NESTED_HXX

#include <aeplugin/table.hxx>

#include <ROOT/RVec.hxx>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

/// Between the vectors of vectors that ROOT reads and writes, one object per event, and the flat columns of a block.
namespace aeplugin::rdf {

constexpr std::size_t kMaxNesting = 3;

template <typename T>
struct TypeTag {
   using Type = T;
};

/// The type in which blocks keep values of a type.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

/// Calls `visitor` with a TypeTag of the type that ROOT has in memory: bool for booleans.
template <typename Visitor>
auto VisitMemoryType(ColumnType type, Visitor &&visitor)
{
   if (type == ColumnType::kBool)
      return visitor(TypeTag<bool>{});
   return VisitColumnType(type, [&](auto value) { return visitor(TypeTag<decltype(value)>{}); });
}

/// Calls `visitor` with an std::integral_constant of the depth, which must be at most kMaxNesting.
template <typename Visitor>
auto VisitDepth(std::size_t depth, Visitor &&visitor)
{
   switch (depth) {
   case 0:
      return visitor(std::integral_constant<std::size_t, 0>{});
   case 1:
      return visitor(std::integral_constant<std::size_t, 1>{});
   case 2:
      return visitor(std::integral_constant<std::size_t, 2>{});
   default:
      return visitor(std::integral_constant<std::size_t, kMaxNesting>{});
   }
}

/// The two families of vectors.
struct StdVectors {
   template <typename T>
   using Of = std::vector<T>;
};
struct RVecs {
   template <typename T>
   using Of = ROOT::VecOps::RVec<T>;
};

template <typename Family, typename T, std::size_t Depth>
struct NestedType {
   using Type = typename Family::template Of<typename NestedType<Family, T, Depth - 1>::Type>;
};
template <typename Family, typename T>
struct NestedType<Family, T, 0> {
   using Type = T;
};

/// A T, or a vector of vectors ... of T.
template <typename Family, typename T, std::size_t Depth>
using Nested = typename NestedType<Family, T, Depth>::Type;

template <typename T>
std::vector<Stored<T>> &ValuesOf(ColumnBlock &block)
{
   return std::get<std::vector<Stored<T>>>(block.fValues);
}

template <typename T>
const std::vector<Stored<T>> &ValuesOf(const ColumnBlock &block)
{
   return std::get<std::vector<Stored<T>>>(block.fValues);
}

/// Appends an event's object to a column; `level` is that of the object's own offsets.
template <typename T, std::size_t Depth, typename Object>
void AppendObject(const Object &object, ColumnBlock &block, std::vector<Stored<T>> &values, std::size_t level = 0)
{
   if constexpr (Depth == 0) {
      values.push_back(object);
   } else if constexpr (Depth == 1) {
      values.insert(values.end(), object.begin(), object.end());
      block.fOffsets[level].push_back(values.size());
   } else {
      for (const auto &inner : object)
         AppendObject<T, Depth - 1>(inner, block, values, level + 1);
      block.fOffsets[level].push_back(block.fOffsets[level + 1].size() - 1);
   }
}

/// Gives an object the values of an event, or of entry `index` of a level.
template <typename T, std::size_t Depth, typename Object>
void AssignObject(Object &object, const ColumnBlock &block, const std::vector<Stored<T>> &values, std::size_t index,
                  std::size_t level = 0)
{
   if constexpr (Depth == 0) {
      object = static_cast<T>(values[index]);
   } else {
      const auto begin = block.fOffsets[level][index];
      const auto end = block.fOffsets[level][index + 1];
      if constexpr (Depth == 1) {
         object.assign(values.data() + begin, values.data() + end);
      } else {
         object.resize(end - begin);
         for (std::size_t k = 0; k < end - begin; ++k)
            AssignObject<T, Depth - 1>(object[k], block, values, begin + k, level + 1);
      }
   }
}

} // namespace aeplugin::rdf

#endif
