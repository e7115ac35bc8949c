#include "codecs/codec.hxx"
#include "column_coder.hxx"
#include "density/row_visitors.hxx"
#include "floating_point_scope.hxx"
#include "pool.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/information.hxx>

#include <algorithm>
#include <optional>

namespace aeplugin {
namespace {

using density::BlockIntegers;
using density::CollectionVariables;
using density::Networks;
using density::PreparedDensity;
using density::Ranking;
using density::Rows;

std::vector<double> SentinelsOf(const Rules &rules, const std::string &column)
{
   for (const CollectionRule &collection : rules.fCollections)
      for (const ColumnRule &rule : collection.fColumns)
         if (rule.fColumn == column)
            return rule.fSentinels;
   return {};
}

/// \throws ModelError unless a column is what a variable of the density was trained on
void RequireType(const DensityVariable &variable, bool isOfObjects, const TableColumn &column)
{
   const bool isExact = variable.fTolerance.fKind == ToleranceKind::kExact;
   const bool fits = isExact ? IsGridType(column.fType)
                             : column.fType == (variable.fIsDouble ? ColumnType::kFloat64 : ColumnType::kFloat32);
   if (fits && column.fDepth == (isOfObjects ? 1 : 0))
      return;
   const std::string value = isExact ? "an integer of at most 32 bits" : variable.fIsDouble ? "a double" : "a float";
   throw ModelError("column '" + column.fName + "' is of type " + column.fTypeName + "; the model's density expects " +
                    value + (isOfObjects ? " for each object" : " for each event") + "; train one on files like this");
}

/// \throws InputError unless a column has a value or list for each event
void RequireWhole(const TableColumn &column, const ColumnBlock &block, std::size_t events)
{
   const auto fail = [&](const std::string &what) { throw InputError("column '" + column.fName + "' " + what); };
   if (block.fValues.index() != MakeColumnValues(column.fType).index())
      fail("has values of another type than " + column.fTypeName);
   const std::size_t values = std::visit([](const auto &list) { return list.size(); }, block.fValues);
   if (block.fOffsets.size() != column.fDepth)
      fail("has " + std::to_string(block.fOffsets.size()) + " levels of lists; expected " +
           std::to_string(column.fDepth));
   if (column.IsSingle()) {
      if (values != events)
         fail("has " + std::to_string(values) + " values for " + std::to_string(events) + " events");
      return;
   }
   const auto &offsets = block.fOffsets.front();
   if (offsets.size() != events + 1 || offsets.front() != 0 || offsets.back() != values ||
       !std::is_sorted(offsets.begin(), offsets.end()))
      fail("has offsets that are none of " + std::to_string(events) + " lists of " + std::to_string(values) +
           " values");
}

/// Adds up the bits of one block's rows.
class Tally {
public:
   Tally(const PreparedDensity &density, const Networks &networks)
      : fDensity(density), fVisitor(density::Evaluator(density, networks),
                                    [this](const Rows &rows, const double *bits) { Add(rows, bits); })
   {
   }
   Tally(const Tally &) = delete;
   Tally &operator=(const Tally &) = delete;

   Information Count(std::size_t events, const BlockIntegers &byEvent)
   {
      fSums = {std::vector<double>(events, 0.), {}};
      fRankings.clear();
      for (const CollectionVariables &collection : fDensity.Collections()) {
         const std::vector<Grid> &counts = byEvent[collection.fCount];
         fRankings.emplace_back(counts);
         Information::Objects objects{{0}, std::vector<double>(fRankings.back().Objects(), 0.)};
         for (const Grid count : counts)
            objects.fOffsets.push_back(objects.fOffsets.back() + static_cast<std::uint64_t>(count));
         fSums.fCollections.push_back(std::move(objects));
      }
      auto integers = ByRank(fDensity, byEvent);
      Walk(fDensity, std::vector<bool>(fDensity.Variables(), true), events, fVisitor, integers);
      for (const Information::Objects &objects : fSums.fCollections)
         for (std::size_t event = 0; event < events; ++event)
            for (std::uint64_t i = objects.fOffsets[event]; i < objects.fOffsets[event + 1]; ++i)
               fSums.fEvents[event] += objects.fBits[i];
      return std::move(fSums);
   }

private:
   void Add(const Rows &rows, const double *bits)
   {
      const CollectionVariables *collection = fDensity.CollectionOf(rows.fVariable);
      if (!collection) {
         for (std::size_t row = 0; row < rows.fRows; ++row)
            fSums.fEvents[rows.fFirst + row] += bits[row];
         return;
      }
      const auto index = static_cast<std::size_t>(collection - fDensity.Collections().data());
      Information::Objects &objects = fSums.fCollections[index];
      const std::uint32_t *events = fRankings[index].Events().data() + rows.fFirst;
      for (std::size_t row = 0; row < rows.fRows; ++row)
         objects.fBits[objects.fOffsets[events[row]] + rows.fStep] += bits[row];
   }

   const PreparedDensity &fDensity;
   density::RowBits fVisitor;
   std::vector<Ranking> fRankings; ///< per collection
   Information fSums;
};

} // namespace

class EventInformation::Counter {
public:
   Counter(const Model &model, TableSchema schema, const std::string &instructionSet)
      : fSchema(std::move(schema)), fDensity(model.GetDensity(), true, instructionSet), fNetworks(fDensity)
   {
      for (const CollectionVariables &collection : fDensity.Collections()) {
         fGroups.emplace_back();
         fGroups.back().fName = collection.fGroup;
      }
      for (std::size_t i = 0; i < fDensity.Variables(); ++i) {
         const DensityVariable &variable = fDensity.Variable(i);
         fColumns.emplace_back();
         if (variable.IsCount())
            continue;
         const std::size_t index = RequireColumn(fSchema, variable.fColumn, "that the model's density is of");
         const CollectionVariables *collection = fDensity.CollectionOf(i);
         RequireType(variable, collection != nullptr, fSchema[index]);
         const CompressedColumn column{
            index, variable.fVariable, variable.fTolerance, SentinelsOf(model.fRules, variable.fColumn), {}, {}};
         fColumns.back() = Column{index, ColumnCoder(column, fSchema[index], instructionSet)};
         if (collection)
            fGroups[static_cast<std::size_t>(collection - fDensity.Collections().data())].fColumns.push_back(column);
      }
      for (const Group &group : fGroups)
         if (group.fColumns.empty())
            throw ModelError("the model's density has a number of objects of '" + group.fName +
                             "' and no column of them");
   }

   const std::vector<Group> &Groups() const { return fGroups; }

   Information Count(const TableBlock &block) const
   {
      const FloatingPointScope scope;
      const BlockIntegers integers = Quantise(block);
      auto tally = fTallies.Take([this] { return std::make_unique<Tally>(fDensity, fNetworks); });
      Information information = tally->Count(block.fEvents, integers);
      fTallies.Return(std::move(tally));
      return information;
   }

private:
   struct Column {
      std::size_t fIndex; ///< in the schema
      ColumnCoder fCoder;
   };

   BlockIntegers Quantise(const TableBlock &block) const
   {
      if (block.fColumns.size() != fSchema.size())
         throw InputError("a block has " + std::to_string(block.fColumns.size()) + " columns; expected " +
                          std::to_string(fSchema.size()));
      BlockIntegers integers(fDensity.Variables());
      for (std::size_t i = 0; i < fColumns.size(); ++i) {
         if (!fColumns[i])
            continue;
         const ColumnBlock &column = block.fColumns[fColumns[i]->fIndex];
         RequireWhole(fSchema[fColumns[i]->fIndex], column, block.fEvents);
         std::vector<std::uint64_t> exact;
         QuantiserSummary summary;
         integers[i] = fColumns[i]->fCoder.Encode(column.fValues, exact, summary);
      }
      for (std::size_t c = 0; c < fGroups.size(); ++c)
         integers[fDensity.Collections()[c].fCount] = codecs::CountObjects(fGroups[c], fSchema, block);
      return integers;
   }

   TableSchema fSchema;
   PreparedDensity fDensity;
   Networks fNetworks;
   std::vector<Group> fGroups;                  ///< per collection of the density, with what their numbers come from
   std::vector<std::optional<Column>> fColumns; ///< per variable; none for numbers of objects
   mutable Pool<Tally> fTallies;
};

std::vector<std::string> EventInformation::Columns(const Model &model)
{
   std::vector<std::string> columns;
   for (const DensityVariable &variable : model.GetDensity().fVariables)
      if (!variable.IsCount())
         columns.push_back(variable.fColumn);
   return columns;
}

EventInformation::EventInformation(const Model &model, TableSchema schema, const std::string &instructionSet)
   : fCounter(std::make_unique<Counter>(model, std::move(schema), instructionSet))
{
}

EventInformation::~EventInformation() = default;
EventInformation::EventInformation(EventInformation &&) noexcept = default;

std::vector<std::string> EventInformation::Collections() const
{
   std::vector<std::string> names;
   for (const Group &group : fCounter->Groups())
      names.push_back(group.fName);
   return names;
}

Information EventInformation::Count(const TableBlock &block) const
{
   return fCounter->Count(block);
}

} // namespace aeplugin
