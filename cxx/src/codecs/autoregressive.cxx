#include "autoregressive.hxx"

#include "../density/row_visitors.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <sstream>

namespace aeplugin::codecs {
namespace {

std::string Describe(const Tolerance &tolerance)
{
   std::ostringstream text;
   if (tolerance.fKind == ToleranceKind::kExact)
      text << "exact";
   else
      text << (tolerance.fKind == ToleranceKind::kAbs ? "abs " : "rel ") << tolerance.fValue;
   return text.str();
}

bool SameTolerance(const Tolerance &a, const Tolerance &b)
{
   return a.fKind == b.fKind && (a.fKind == ToleranceKind::kExact || a.fValue == b.fValue);
}

} // namespace

AutoregressiveCodec::AutoregressiveCodec(const Layout &layout, const Model &model, const std::string &instructionSet)
   : fDensity(model.GetDensity(), true, instructionSet), fNetworks(fDensity)
{
   std::size_t streams = 0;
   for (const Group &group : layout.fGroups) {
      fSingle.push_back(group.fSingle);
      fColumns.push_back(group.fColumns.size());
      if (group.fCodec == CodecKind::kAutoregressive)
         streams += group.fColumns.size() + (group.fSingle ? 0 : 1);
   }
   for (const DensityVariable &variable : fDensity.Get().fVariables)
      fPlaces.push_back(FindPlace(layout, variable));
   if (fPlaces.size() != streams)
      throw ModelError("the density of the model has " + std::to_string(fPlaces.size()) +
                       " variables; the groups of "
                       "the codec autoregressive have " +
                       std::to_string(streams));
}

AutoregressiveCodec::Place AutoregressiveCodec::FindPlace(const Layout &layout, const DensityVariable &variable) const
{
   const auto fail = [&](const std::string &what) {
      throw ModelError("the density of the model has " + variable.Describe() + " " + what +
                       "; train a model with this recipe, or take the codec plain");
   };
   for (std::size_t g = 0; g < layout.fGroups.size(); ++g) {
      const Group &group = layout.fGroups[g];
      if (group.fName != variable.fGroup || group.fCodec != CodecKind::kAutoregressive)
         continue;
      if (variable.IsCount()) {
         if (group.fSingle)
            fail("and the data one value per event");
         return {g, kCounts};
      }
      for (std::size_t c = 0; c < group.fColumns.size(); ++c) {
         const CompressedColumn &column = group.fColumns[c];
         if (column.fVariable != variable.fVariable)
            continue;
         const TableColumn &original = layout.fSchema[column.fColumn];
         if (!SameTolerance(column.fTolerance, variable.fTolerance))
            fail("with the tolerance " + Describe(variable.fTolerance) + ", the recipe " + Describe(column.fTolerance));
         if (original.fName != variable.fColumn || variable.fIsDouble != (original.fType == ColumnType::kFloat64))
            fail("as column '" + variable.fColumn + "' of " + (variable.fIsDouble ? "double" : "other than double") +
                 ", the data have '" + original.fName + "' of type " + original.fTypeName);
         return {g, c};
      }
   }
   fail("that is not to be coded by it");
   return {};
}

std::size_t AutoregressiveCodec::StreamOf(const Place &place) const
{
   return place.fColumn == kCounts ? 0 : place.fColumn + (fSingle[place.fGroup] ? 0 : 1);
}

template <typename Groups>
auto &AutoregressiveCodec::IntegersAt(Groups &groups, const Place &place)
{
   auto &group = groups[place.fGroup];
   return place.fColumn == kCounts ? group.fCounts : group.fGrids[place.fColumn];
}

AutoregressiveCodec::PerGroup<PackedStream> AutoregressiveCodec::Encode(std::size_t events,
                                                                        const std::vector<GroupIntegers> &groups) const
{
   density::BlockIntegers integers;
   for (const Place &place : fPlaces)
      integers.push_back(IntegersAt(groups, place));
   integers = ByRank(fDensity, std::move(integers));
   auto encoder =
      fEncoders.Take([this] { return std::make_unique<density::RowEncoder>(density::Evaluator(fDensity, fNetworks)); });
   density::Walk(fDensity, std::vector<bool>(fPlaces.size(), true), events, *encoder, integers);
   auto coded = encoder->Finish();
   fEncoders.Return(std::move(encoder));
   PerGroup<PackedStream> streams(fSingle.size());
   for (std::size_t g = 0; g < streams.size(); ++g)
      streams[g].resize(fColumns[g] + (fSingle[g] ? 0 : 1));
   for (std::size_t i = 0; i < fPlaces.size(); ++i) {
      PackedStream &stream = streams[fPlaces[i].fGroup][StreamOf(fPlaces[i])];
      stream.fTop = std::move(coded[i].fBytes);
      stream.fWide = std::move(coded[i].fEscapes);
   }
   return streams;
}

std::vector<bool> AutoregressiveCodec::Visited(const PerGroup<bool> &wanted) const
{
   std::vector<bool> visited;
   for (const Place &place : fPlaces) {
      const auto &columns = wanted[place.fGroup];
      visited.push_back(place.fColumn != kCounts && columns[place.fColumn]);
   }
   return fDensity.WithContext(visited);
}

AutoregressiveCodec::PerGroup<bool> AutoregressiveCodec::NeededStreams(const PerGroup<bool> &wanted) const
{
   const auto visited = Visited(wanted);
   PerGroup<bool> needed(fSingle.size());
   for (std::size_t g = 0; g < needed.size(); ++g)
      needed[g].resize(fColumns[g] + (fSingle[g] ? 0 : 1), false);
   for (std::size_t i = 0; i < fPlaces.size(); ++i)
      needed[fPlaces[i].fGroup][StreamOf(fPlaces[i])] = visited[i];
   return needed;
}

std::vector<GroupIntegers> AutoregressiveCodec::Decode(std::size_t events, PerGroup<PackedStream> &streams,
                                                       const PerGroup<bool> &wanted) const
{
   std::vector<GroupIntegers> groups(fSingle.size());
   for (std::size_t g = 0; g < groups.size(); ++g)
      groups[g].fGrids.resize(fColumns[g]);
   const auto visited = Visited(wanted);
   if (std::find(visited.begin(), visited.end(), true) == visited.end())
      return groups; // before anything that the number of events sizes
   std::vector<density::Stream> coded(fPlaces.size());
   for (std::size_t i = 0; i < fPlaces.size(); ++i)
      if (visited[i]) {
         PackedStream &stream = streams[fPlaces[i].fGroup][StreamOf(fPlaces[i])];
         coded[i] = {std::move(stream.fTop), std::move(stream.fWide)};
      }
   density::BlockIntegers integers;
   density::RowDecoder decoder(density::Evaluator(fDensity, fNetworks), visited, events, coded);
   density::Walk(fDensity, visited, events, decoder, integers);
   decoder.Finish();
   integers = ByEvent(fDensity, std::move(integers));
   for (std::size_t i = 0; i < fPlaces.size(); ++i)
      if (visited[i])
         IntegersAt(groups, fPlaces[i]) = std::move(integers[i]);
   return groups;
}

} // namespace aeplugin::codecs
