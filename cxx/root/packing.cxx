#include "packing.hxx"

#include "columns.hxx"

#include <atomic>

namespace aeplugin::rdf {

std::string UniqueName(const std::string &what)
{
   static std::atomic<unsigned> count{0};
   return "aeplugin_" + what + "_" + std::to_string(count++);
}

std::string PackColumns(ROOT::RDF::RNode &node, const std::vector<std::string> &columns, const std::string &type)
{
   const std::string vector = "ROOT::VecOps::RVec<" + type + ">";
   std::string expression = "ROOT::VecOps::RVec<" + vector + ">{";
   for (const std::string &column : columns) {
      const bool single = IsSingleNumber(node.GetColumnType(column));
      expression += single ? vector + "(1, static_cast<" + type + ">(" + column + ")), "
                           : vector + "(" + column + ".begin(), " + column + ".end()), ";
   }
   const std::string name = UniqueName("packed");
   node = node.Define(name, expression + "}");
   return name;
}

} // namespace aeplugin::rdf
