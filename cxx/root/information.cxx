#include <aeplugin/error.hxx>
#include <aeplugin/rdf/information.hxx>

#include "columns.hxx"
#include "packing.hxx"

namespace aeplugin::rdf {
namespace {

using ROOT::RDF::RNode;
using ROOT::VecOps::RVec;

/// The values of one event in the type of their column, in which they were before they became double.
ColumnBlock ToBlock(const TableColumn &column, const RVec<double> &values)
{
   ColumnBlock block;
   block.fValues = VisitColumnType(column.fType, [&](auto type) -> ColumnValues {
      using Value = decltype(type);
      if constexpr (std::is_arithmetic_v<Value>) {
         std::vector<Value> list;
         for (const double value : values)
            list.push_back(static_cast<Value>(value));
         return list;
      } else {
         return {};
      }
   });
   if (!column.IsSingle())
      block.fOffsets = {{0, values.size()}};
   return block;
}

RVec<float> Rounded(const std::vector<double> &bits, std::size_t first, std::size_t end)
{
   RVec<float> rounded(end - first);
   for (std::size_t i = first; i < end; ++i)
      rounded[i - first] = static_cast<float>(bits[i]);
   return rounded;
}

/// The columns of a density as an RDataFrame has them.
TableSchema SchemaOf(RNode &node, const std::vector<std::string> &columns)
{
   TableSchema schema;
   for (const std::string &column : columns)
      schema.push_back(TableColumn::Make(column, node.GetColumnType(column)));
   return schema;
}

} // namespace

EventBits::EventBits(const Model &model, TableSchema schema)
   : fSchema(std::move(schema)), fInformation(std::make_shared<EventInformation>(model, fSchema))
{
}

EventBits::Bits EventBits::Run(const Values &values) const
{
   if (values.size() != fSchema.size())
      throw InputError("an event has " + std::to_string(values.size()) + " columns; expected " +
                       std::to_string(fSchema.size()));
   TableBlock block;
   block.fEvents = 1;
   for (std::size_t i = 0; i < fSchema.size(); ++i)
      block.fColumns.push_back(ToBlock(fSchema[i], values[i]));
   const auto information = fInformation->Count(block);
   Bits bits{Rounded(information.fEvents, 0, 1)};
   for (const auto &objects : information.fCollections)
      bits.push_back(Rounded(objects.fBits, 0, objects.fBits.size()));
   return bits;
}

RNode DefineInformation(RNode node, const Model &model)
{
   const auto columns = EventInformation::Columns(model);
   RequireColumns(node.GetColumnNames(), columns);
   const EventBits counter(model, SchemaOf(node, columns));
   std::vector<std::string> names;
   for (const std::string &column : columns) { // a density may be of columns whose names mean something else in C++
      names.push_back(UniqueName("column"));
      node = node.Alias(names.back(), column);
   }
   const std::string packed = PackColumns(node, names, "double");
   const std::string bits = UniqueName("bits");
   node = node.Define(bits, [counter](const EventBits::Values &values) { return counter.Run(values); }, {packed})
             .Define("event_bits", [](const EventBits::Bits &all) { return all[0][0]; }, {bits});
   const auto collections = counter.Collections();
   for (std::size_t i = 0; i < collections.size(); ++i)
      node = node.Define(collections[i] + "_bits", [i](const EventBits::Bits &all) { return all[i + 1]; }, {bits});
   return node;
}

} // namespace aeplugin::rdf
