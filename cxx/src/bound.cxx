#include "floating_point_scope.hxx"

#include <aeplugin/bound.hxx>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <type_traits>

namespace aeplugin {
namespace {

template <typename T>
bool SameBits(const T &a, const T &b)
{
   if constexpr (std::is_arithmetic_v<T>)
      return std::memcmp(&a, &b, sizeof a) == 0;
   else
      return a == b;
}

/// The error of a value in the terms of the tolerance; negative where none is allowed.
template <typename T>
double ErrorOf(T original, T decoded, const Promise &promise)
{
   const auto isSentinel = [&](double sentinel) { return SameBits(original, static_cast<T>(sentinel)); };
   if (promise.fTolerance.fKind == ToleranceKind::kExact || !std::isfinite(original) || !std::isfinite(decoded) ||
       std::any_of(promise.fSentinels.begin(), promise.fSentinels.end(), isSentinel))
      return -1;
   const double x = original;
   const double error = std::abs(static_cast<double>(decoded) - x);
   return promise.fTolerance.fKind == ToleranceKind::kAbs ? error : error / std::abs(x);
}

/// As the bound is defined: |x' - x| <= t or t |x|, in double precision.
template <typename T>
bool IsWithin(T original, T decoded, const Tolerance &tolerance)
{
   const double x = original;
   const double allowed = tolerance.fKind == ToleranceKind::kAbs ? tolerance.fValue : tolerance.fValue * std::abs(x);
   return std::abs(static_cast<double>(decoded) - x) <= allowed;
}

/// The event that value `i` of a column belongs to.
std::uint64_t EventOf(const ColumnBlock &column, std::size_t i)
{
   std::uint64_t index = i;
   for (auto level = column.fOffsets.rbegin(); level != column.fOffsets.rend(); ++level)
      index = static_cast<std::uint64_t>(std::upper_bound(level->begin(), level->end(), index) - level->begin()) - 1;
   return index;
}

template <typename T>
std::string Describe(const TableColumn &column, const T &original, const T &decoded, std::uint64_t event)
{
   std::ostringstream text;
   text.precision(17);
   text << "column '" << column.fName << "', event " << event << ": ";
   if constexpr (sizeof(T) == 1)
      text << int{original} << " became " << int{decoded};
   else
      text << original << " became " << decoded;
   return text.str();
}

template <typename T>
void CompareValues(const TableColumn &column, const Promise &promise, const std::vector<T> &original,
                   const std::vector<T> &decoded, const ColumnBlock &where, std::uint64_t firstEvent,
                   Comparison &result)
{
   for (std::size_t i = 0; i < original.size(); ++i) {
      if (SameBits(original[i], decoded[i]))
         continue;
      if constexpr (std::is_floating_point_v<T>) {
         const double error = ErrorOf(original[i], decoded[i], promise);
         if (error >= 0)
            result.fMaxError = std::max(result.fMaxError, error);
         if (error >= 0 && IsWithin(original[i], decoded[i], promise.fTolerance))
            continue;
      }
      if (result.fViolations++ == 0)
         result.fFirst = Describe(column, original[i], decoded[i], firstEvent + EventOf(where, i));
   }
}

} // namespace

Comparison Compare(const TableColumn &column, const Promise &promise, const ColumnBlock &original,
                   const ColumnBlock &decoded, std::uint64_t firstEvent)
{
   const FloatingPointScope scope;
   Comparison result;
   std::visit(
      [&](const auto &values) {
         using Values = std::decay_t<decltype(values)>;
         result.fValues = values.size();
         const auto *others = std::get_if<Values>(&decoded.fValues);
         if (!others || others->size() != values.size() || original.fOffsets != decoded.fOffsets) {
            result.fViolations = std::max<std::uint64_t>(values.size(), 1);
            result.fFirst = "column '" + column.fName + "': other numbers of values in the events from " +
                            std::to_string(firstEvent) + " on";
            return;
         }
         CompareValues(column, promise, values, *others, original, firstEvent, result);
      },
      original.fValues);
   return result;
}

} // namespace aeplugin
