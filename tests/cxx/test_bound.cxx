#include "testing.hxx"

#include <aeplugin/bound.hxx>

#include <cmath>
#include <limits>

namespace {

using namespace aeplugin;
using testing::AreClose;
using testing::AreEqual;
using testing::IsTrue;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const Tolerance kExact{};
const Tolerance kHalf{ToleranceKind::kAbs, 0.5};
const Tolerance kTenth{ToleranceKind::kRel, 0.125};

template <typename T>
Comparison CompareSingle(const Promise &promise, const std::vector<T> &original, const std::vector<T> &decoded,
                         const std::string &type = "double")
{
   return Compare(TableColumn::Make("x", type), promise, {original, {}}, {decoded, {}}, 100);
}

bool Holds(const Tolerance &tolerance, double original, double decoded, const std::vector<double> &sentinels = {})
{
   return CompareSingle<double>({tolerance, sentinels}, {original}, {decoded}).fViolations == 0;
}

void TestTolerances()
{
   IsTrue(Holds(kHalf, 1, 1.5) && Holds(kHalf, 1, 0.5), "at the edge");
   IsTrue(!Holds(kHalf, 1, std::nextafter(1.5, 2)) && !Holds(kHalf, 1, 0.5 - 0x1p-52), "beyond the edge");
   IsTrue(Holds(kTenth, 8, 9) && Holds(kTenth, 8, 7) && Holds(kTenth, -8, -9), "relative, at the edge");
   IsTrue(!Holds(kTenth, 8, std::nextafter(9, 10)) && !Holds(kTenth, 8, -8), "relative, beyond");
   IsTrue(!Holds(kTenth, 0, 1e-300) && Holds(kHalf, 0, -0.), "zero");
   IsTrue(Holds(kExact, 1, 1) && !Holds(kExact, 1, std::nextafter(1, 2)) && !Holds(kExact, 0, -0.), "exact");
}

void TestSpecialValues()
{
   for (const Tolerance &tolerance : {kExact, kHalf, kTenth}) {
      IsTrue(Holds(tolerance, kNaN, kNaN) && Holds(tolerance, INFINITY, INFINITY), "kept");
      IsTrue(!Holds(tolerance, kNaN, 1) && !Holds(tolerance, 1, kNaN), "NaN comes or goes");
      IsTrue(!Holds(tolerance, kNaN, -kNaN), "other bits of NaN");
      IsTrue(!Holds(tolerance, INFINITY, -INFINITY), "other infinity");
      IsTrue(!Holds(tolerance, std::numeric_limits<double>::max(), INFINITY), "becomes infinite");
      IsTrue(Holds(tolerance, -999, -999, {-999}) && !Holds(tolerance, -999, -999.01, {-999}), "sentinel");
   }
   const Promise promise{kHalf, {0.1}};
   AreEqual(CompareSingle<float>(promise, {0.1f}, {0.2f}, "float").fViolations, 1u, "sentinel in the column's type");
}

void TestMaxError()
{
   auto result = CompareSingle<double>({kHalf, {}}, {1, 2, 3, kNaN}, {1.25, 2, 2.625, kNaN});
   AreEqual(result.fValues, 4u);
   AreEqual(result.fViolations, 0u);
   AreEqual(result.fMaxError, 0.375);
   result = CompareSingle<double>({kTenth, {}}, {4, -8}, {4.5, -8.5});
   AreEqual(result.fMaxError, 0.125);
   AreEqual(CompareSingle<double>({kTenth, {}}, {0}, {1}).fMaxError, HUGE_VAL, "of what should not have moved");
   AreEqual(CompareSingle<float>({kHalf, {}}, {3e38f}, {-3e38f}, "float").fViolations, 1u, "no overflow");
}

void TestFirstViolation()
{
   auto result = CompareSingle<double>({kHalf, {}}, {1, 2, 3}, {1, 7, 9});
   AreEqual(result.fViolations, 2u);
   AreEqual(result.fFirst, "column 'x', event 101: 2 became 7");
   // Nested: events of 2, 0 and 2 vectors; the values of the third event begin at position 3.
   const auto column = TableColumn::Make("y", "std::vector<std::vector<std::int8_t>>");
   const std::vector<std::vector<std::uint64_t>> offsets = {{0, 2, 2, 4}, {0, 1, 3, 3, 5}};
   const std::vector<std::int8_t> values = {1, 2, 3, 4, 5};
   const std::vector<std::uint64_t> events = {10, 10, 10, 12, 12};
   for (std::size_t i = 0; i < values.size(); ++i) {
      auto changed = values;
      changed[i] = -1;
      result = Compare(column, {}, {values, offsets}, {changed, offsets}, 10);
      AreEqual(result.fViolations, 1u);
      AreEqual(result.fFirst,
               "column 'y', event " + std::to_string(events[i]) + ": " + std::to_string(values[i]) + " became -1");
   }
   const auto text = TableColumn::Make("s", "std::string");
   result = Compare(text, {}, {std::vector<std::string>{"a", ""}, {}}, {std::vector<std::string>{"a", "b"}, {}}, 0);
   AreEqual(result.fFirst, "column 's', event 1:  became b");
}

void TestOtherShapes()
{
   const auto column = TableColumn::Make("x", "std::vector<float>");
   const ColumnBlock original{std::vector<float>{1, 2, 3}, {{0, 1, 3}}};
   const auto refused = [&](const ColumnBlock &decoded) {
      const auto result = Compare(column, {kHalf, {}}, original, decoded, 40);
      AreEqual(result.fViolations, 3u);
      AreEqual(result.fFirst, "column 'x': other numbers of values in the events from 40 on");
   };
   refused({std::vector<float>{1, 2, 3}, {{0, 2, 3}}});
   refused({std::vector<float>{1, 2}, {{0, 1, 2}}});
   refused({std::vector<double>{1, 2, 3}, {{0, 1, 3}}});
   refused({});
   const ColumnBlock empty{std::vector<float>{}, {{0, 0}}};
   AreEqual(Compare(column, {}, empty, {std::vector<float>{}, {{0, 0, 0}}}, 0).fViolations, 1u,
            "events without values");
   AreEqual(Compare(column, {}, empty, empty, 0).fViolations, 0u, "nothing");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("tolerances", TestTolerances);
   suite.Case("special values", TestSpecialValues);
   suite.Case("largest error", TestMaxError);
   suite.Case("first violation", TestFirstViolation);
   suite.Case("other shapes", TestOtherShapes);
   return suite.ExitCode();
}
