#ifndef AEPLUGIN_DARKMACHINES_EVENTS_HXX
#define AEPLUGIN_DARKMACHINES_EVENTS_HXX

#include "layout.hxx"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace aeplugin::darkmachines::internal {

struct Object {
   std::array<float, 4> fValues; ///< E, pt, eta, phi
   std::int32_t fTag;
};

struct Event {
   std::uint64_t fId = 0;
   std::string_view fProcess; ///< points into the text
   double fWeight = 0;
   float fMet = 0, fMetPhi = 0;
   std::array<std::size_t, kMaxCollections> fEnds{}; ///< per collection: objects up to and with this event
};

/// The events of a block row by row as the parser meets them: quick to append to and to roll back. Its memory is kept
/// from block to block.
class EventRows {
public:
   explicit EventRows(Layout layout) : fTable(GetLayoutTable(layout)) {}

   void AddObject(unsigned kind, const std::array<float, 4> &values)
   {
      const Route route = fTable.fRoutes[kind];
      fObjects[route.fCollection].push_back({values, route.fTag});
   }

   /// Makes the objects added since the last event those of `event`.
   void AddEvent(Event event)
   {
      for (std::size_t i = 0; i < kMaxCollections; ++i)
         event.fEnds[i] = fObjects[i].size();
      fEvents.push_back(event);
   }

   /// Forgets the objects added since the last event.
   void DropObjects();

   void Clear();

   /// The process of the last event, which the next one usually shares.
   std::string_view LastProcess() const { return fEvents.empty() ? std::string_view() : fEvents.back().fProcess; }

   EventBlock MakeBlock() const;

private:
   const LayoutTable &fTable;
   std::vector<Event> fEvents;
   std::array<std::vector<Object>, kMaxCollections> fObjects;
};

} // namespace aeplugin::darkmachines::internal

#endif
