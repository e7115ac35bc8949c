#include "walk.hxx"

#include <algorithm>
#include <utility>

namespace aeplugin::density {

Ranking::Ranking(const std::vector<Grid> &counts) : fEvents(counts.size()), fStarts(1, 0), fOffsets(counts.size())
{
   const Grid most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
   std::vector<std::size_t> ranks(static_cast<std::size_t>(most) + 1);
   for (const Grid count : counts)
      ++ranks[static_cast<std::size_t>(count)];
   // By number of objects: from how many events have it to how many have more.
   std::size_t more = 0;
   for (auto rank = ranks.rbegin(); rank != ranks.rend(); ++rank)
      more += std::exchange(*rank, more);
   for (std::size_t position = 0; position + 1 < ranks.size(); ++position)
      fStarts.push_back(fStarts.back() + ranks[position]);
   std::size_t offset = 0;
   for (std::size_t event = 0; event < counts.size(); ++event) {
      const auto count = static_cast<std::size_t>(counts[event]);
      fEvents[ranks[count]++] = static_cast<std::uint32_t>(event);
      fOffsets[event] = offset;
      offset += count;
   }
}

std::vector<Grid> Ranking::ByRank(const std::vector<Grid> &byEvent) const
{
   std::vector<Grid> byRank(byEvent.size());
   for (std::size_t position = 0; position < Positions(); ++position)
      for (std::size_t row = 0; row < Rows(position); ++row)
         byRank[Start(position) + row] = byEvent[fOffsets[fEvents[row]] + position];
   return byRank;
}

std::vector<Grid> Ranking::ByEvent(const std::vector<Grid> &byRank) const
{
   std::vector<Grid> byEvent(byRank.size());
   for (std::size_t position = 0; position < Positions(); ++position)
      for (std::size_t row = 0; row < Rows(position); ++row)
         byEvent[fOffsets[fEvents[row]] + position] = byRank[Start(position) + row];
   return byEvent;
}

namespace {

using Reorder = std::vector<Grid> (Ranking::*)(const std::vector<Grid> &) const;

BlockIntegers Reordered(const PreparedDensity &density, BlockIntegers integers, Reorder reorder)
{
   for (const CollectionVariables &collection : density.Collections()) {
      const auto first = integers.begin() + static_cast<std::ptrdiff_t>(collection.fBegin);
      const auto end = integers.begin() + static_cast<std::ptrdiff_t>(collection.fEnd);
      // Numbers that nobody needed may be anything.
      if (std::all_of(first, end, [](const auto &none) { return none.empty(); }))
         continue;
      const Ranking ranking(integers[collection.fCount]);
      for (std::size_t i = collection.fBegin; i < collection.fEnd; ++i)
         if (!integers[i].empty())
            integers[i] = (ranking.*reorder)(integers[i]);
   }
   return integers;
}

} // namespace

BlockIntegers ByRank(const PreparedDensity &density, BlockIntegers byEvent)
{
   return Reordered(density, std::move(byEvent), &Ranking::ByRank);
}

BlockIntegers ByEvent(const PreparedDensity &density, BlockIntegers byRank)
{
   return Reordered(density, std::move(byRank), &Ranking::ByEvent);
}

} // namespace aeplugin::density
