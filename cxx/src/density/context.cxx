#include "context.hxx"

#include <aeplugin/error.hxx>

#include <numeric>

namespace aeplugin::density {
namespace {

/// Collects what it visits, by rank.
class Collector final : public RowVisitor {
public:
   explicit Collector(const PreparedDensity &density) : fDensity(density), fContexts(density.Variables()) {}

   void Visit(const Rows &rows) override
   {
      VariableContext &context = fContexts[rows.fVariable];
      const std::size_t features = fDensity.Variable(rows.fVariable).fFeatures.size();
      for (std::size_t row = 0; row < rows.fRows; ++row)
         for (std::size_t f = 0; f < features; ++f)
            context.fFeatures.push_back(rows.fFeatures[f * rows.fStride + row]);
      Grid residuals[kMostRows];
      fDensity.Residuals(rows.fVariable, rows.fIntegers, rows.fLocations, rows.fRows, residuals);
      context.fResiduals.insert(context.fResiduals.end(), residuals, residuals + rows.fRows);
   }

   std::vector<VariableContext> Take() { return std::move(fContexts); }

private:
   const PreparedDensity &fDensity;
   std::vector<VariableContext> fContexts;
};

/// Brings a context from ranks to events.
VariableContext Reordered(const VariableContext &byRank, std::size_t features, const Ranking &ranking)
{
   std::vector<Grid> places(byRank.fResiduals.size());
   std::iota(places.begin(), places.end(), 0);
   VariableContext byEvent;
   byEvent.fFeatures.reserve(byRank.fFeatures.size());
   for (const Grid place : ranking.ByEvent(places)) {
      const auto first = byRank.fFeatures.begin() + static_cast<std::ptrdiff_t>(features) * place;
      byEvent.fFeatures.insert(byEvent.fFeatures.end(), first, first + static_cast<std::ptrdiff_t>(features));
      byEvent.fResiduals.push_back(byRank.fResiduals[static_cast<std::size_t>(place)]);
   }
   return byEvent;
}

} // namespace

std::size_t CountEvents(const PreparedDensity &density, const BlockIntegers &byEvent)
{
   if (byEvent.size() != density.Variables())
      throw InputError("got integers of " + std::to_string(byEvent.size()) + " variables; expected those of " +
                       std::to_string(density.Variables()));
   std::size_t first = 0;
   while (density.CollectionOf(first))
      ++first;
   const std::size_t events = byEvent[first].size();
   for (std::size_t i = 0; i < byEvent.size(); ++i) {
      std::size_t expected = events;
      if (const CollectionVariables *collection = density.CollectionOf(i)) {
         expected = 0;
         for (const Grid count : byEvent[collection->fCount])
            if (count < 0)
               throw InputError("an event has " + std::to_string(count) + " objects of '" + collection->fGroup + "'");
            else
               expected += static_cast<std::size_t>(count);
      }
      if (byEvent[i].size() != expected)
         throw InputError("variable " + std::to_string(i) + " has " + std::to_string(byEvent[i].size()) +
                          " integers; expected " + std::to_string(expected));
   }
   return events;
}

std::vector<VariableContext> ContextOf(const PreparedDensity &density, const BlockIntegers &byEvent)
{
   const std::size_t events = CountEvents(density, byEvent);
   BlockIntegers integers = ByRank(density, byEvent);
   Collector collector(density);
   Walk(density, std::vector<bool>(density.Variables(), true), events, collector, integers);
   auto contexts = collector.Take();
   for (const CollectionVariables &collection : density.Collections()) {
      const Ranking ranking(integers[collection.fCount]);
      for (std::size_t i = collection.fBegin; i < collection.fEnd; ++i)
         contexts[i] = Reordered(contexts[i], density.Variable(i).fFeatures.size(), ranking);
   }
   return contexts;
}

} // namespace aeplugin::density
