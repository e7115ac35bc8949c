#include "events.hxx"

#include <utility>

namespace aeplugin::darkmachines::internal {

namespace {

template <typename T, typename Rows, typename Get>
ColumnValues MakeColumn(const Rows &rows, Get get)
{
   std::vector<T> values;
   values.reserve(rows.size());
   for (const auto &row : rows)
      values.emplace_back(get(row));
   return values;
}

ColumnValues MakeTagColumn(const std::vector<Object> &objects, ColumnType type)
{
   if (type == ColumnType::kBool)
      return MakeColumn<std::uint8_t>(objects,
                                      [](const Object &object) { return static_cast<std::uint8_t>(object.fTag); });
   return MakeColumn<std::int32_t>(objects, [](const Object &object) { return object.fTag; });
}

std::vector<std::uint64_t> MakeOffsets(const std::vector<Event> &events, std::size_t collection)
{
   std::vector<std::uint64_t> offsets;
   offsets.reserve(events.size() + 1);
   offsets.push_back(0);
   for (const auto &event : events)
      offsets.push_back(event.fEnds[collection]);
   return offsets;
}

} // namespace

void EventRows::DropObjects()
{
   for (std::size_t i = 0; i < kMaxCollections; ++i)
      fObjects[i].resize(fEvents.empty() ? 0 : fEvents.back().fEnds[i]);
}

void EventRows::Clear()
{
   fEvents.clear();
   for (auto &objects : fObjects)
      objects.clear();
}

EventBlock EventRows::MakeBlock() const
{
   EventBlock block;
   block.fEvents = fEvents.size();
   auto &columns = block.fColumns;
   columns.push_back(MakeColumn<std::uint64_t>(fEvents, [](const Event &event) { return event.fId; }));
   columns.push_back(MakeColumn<std::string>(fEvents, [](const Event &event) { return event.fProcess; }));
   columns.push_back(MakeColumn<double>(fEvents, [](const Event &event) { return event.fWeight; }));
   columns.push_back(MakeColumn<float>(fEvents, [](const Event &event) { return event.fMet; }));
   columns.push_back(MakeColumn<float>(fEvents, [](const Event &event) { return event.fMetPhi; }));
   for (std::size_t i = 0; i < fTable.fCollections.size(); ++i) {
      for (std::size_t k = 0; k < 4; ++k)
         columns.push_back(MakeColumn<float>(fObjects[i], [k](const Object &object) { return object.fValues[k]; }));
      if (!fTable.fCollections[i].fTag.empty())
         columns.push_back(MakeTagColumn(fObjects[i], fTable.fCollections[i].fTagType));
      block.fOffsets.push_back(MakeOffsets(fEvents, i));
   }
   return block;
}

} // namespace aeplugin::darkmachines::internal

namespace aeplugin::darkmachines {

EventBlock MakeEmptyBlock(Layout layout)
{
   return internal::EventRows(layout).MakeBlock();
}

} // namespace aeplugin::darkmachines
