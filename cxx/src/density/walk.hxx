#ifndef AEPLUGIN_DENSITY_WALK_HXX
#define AEPLUGIN_DENSITY_WALK_HXX

#include "prepared_density.hxx"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aeplugin::density {

/// The integers of a block, variable by variable. Those of objects stand by event, or by rank: the first objects of all
/// events, those with most objects leading, then the second ones, and so on.
using BlockIntegers = std::vector<std::vector<Grid>>;

/// In which order the objects of a collection are coded: side by side for all events that have one at a position.
class Ranking {
public:
   /// \param counts numbers of objects per event
   explicit Ranking(const std::vector<Grid> &counts);

   /// Events by the number of their objects, the most first; else in their order.
   const std::vector<std::uint32_t> &Events() const { return fEvents; }
   /// The largest number of objects.
   std::size_t Positions() const { return fStarts.size() - 1; }
   /// The place of the first event's object at a position.
   std::size_t Start(std::size_t position) const { return fStarts[position]; }
   /// How many events have an object there.
   std::size_t Rows(std::size_t position) const { return fStarts[position + 1] - fStarts[position]; }
   std::size_t Objects() const { return fStarts.back(); }

   /// From the order of events and their objects to that of ranks, and back.
   std::vector<Grid> ByRank(const std::vector<Grid> &byEvent) const;
   std::vector<Grid> ByEvent(const std::vector<Grid> &byRank) const;

private:
   std::vector<std::uint32_t> fEvents;
   std::vector<std::size_t> fStarts;
   std::vector<std::size_t> fOffsets; ///< by event, of its first object in the order of events
};

/// From one order to the other. Variables without integers stay so.
BlockIntegers ByRank(const PreparedDensity &density, BlockIntegers byEvent);
BlockIntegers ByEvent(const PreparedDensity &density, BlockIntegers byRank);

/// Some rows of a step: integers of one variable for as many events.
struct Rows {
   std::size_t fVariable;
   std::size_t fStep;  ///< position of the object; 0 for variables of events
   std::size_t fFirst; ///< of the rows of the step
   std::size_t fRows;
   const float *fFeatures; ///< [feature][stride], NaN for what an object or integer does not have
   std::size_t fStride;
   const Grid *fLocations;
   const std::int32_t *fLimits; ///< how many integers of its range each may have; null where all have all
   Grid *fIntegers;             ///< known when encoding, to be filled when decoding
};
constexpr std::size_t kMostRows = 256; ///< at once: their features and activations stay in the fastest caches

/// What is done with each row.
class RowVisitor {
public:
   virtual ~RowVisitor() = default;
   virtual void Visit(const Rows &rows) = 0;
   /// Called when the numbers of a collection's objects are known, before its objects.
   /// \throws CorruptionError for more objects than there can be
   virtual void Expect(const CollectionVariables &, std::size_t /*objects*/) {}
};

/// Goes through the variables of a block in coding order, and gives a visitor what each may depend on.
/// \param visited which variables to visit: with each, all that it depends on, see PreparedDensity::WithContext
/// \param integers by rank; what is not there is made room for when its number is known
/// \throws CorruptionError for a negative number of objects
void Walk(const PreparedDensity &density, const std::vector<bool> &visited, std::size_t events, RowVisitor &visitor,
          BlockIntegers &integers);

} // namespace aeplugin::density

#endif
