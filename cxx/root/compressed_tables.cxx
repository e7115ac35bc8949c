#include "compressed_tables.hxx"

#include "ntuple_events.hxx"

namespace aeplugin::rdf {

std::string EventsName(const std::string &table)
{
   return FieldNames({table}).front();
}

std::vector<std::size_t> KeptIndices(const Layout &layout)
{
   std::vector<std::size_t> indices;
   for (std::size_t i = 0; i < layout.fSchema.size(); ++i)
      if (layout.IsKept(i))
         indices.push_back(i);
   return indices;
}

TableSchema KeptColumns(const Layout &layout)
{
   TableSchema columns;
   for (const std::size_t i : KeptIndices(layout))
      columns.push_back(layout.fSchema[i]);
   return WithFieldNames(columns);
}

} // namespace aeplugin::rdf
