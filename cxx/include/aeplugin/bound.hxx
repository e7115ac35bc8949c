#ifndef AEPLUGIN_BOUND_HXX
#define AEPLUGIN_BOUND_HXX

#include <aeplugin/quantiser.hxx>
#include <aeplugin/table.hxx>

#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

/// What was promised for a column.
struct Promise {
   Tolerance fTolerance;
   std::vector<double> fSentinels;
};

/// How two versions of a column compare.
struct Comparison {
   std::uint64_t fValues = 0;
   std::uint64_t fViolations = 0; ///< values that moved further than promised
   double fMaxError = 0;          ///< largest error in the terms of the tolerance, where values differ
   std::string fFirst;            ///< the first violation in words
};

/// Compares the values of a column for the same events: each must have the same bits, or be within the tolerance and
/// neither a sentinel nor NaN or infinite. A different number of values in an event is a violation too.
/// \param firstEvent position of the first event in the table, for fFirst
Comparison Compare(const TableColumn &column, const Promise &promise, const ColumnBlock &original,
                   const ColumnBlock &decoded, std::uint64_t firstEvent);

} // namespace aeplugin

#endif
