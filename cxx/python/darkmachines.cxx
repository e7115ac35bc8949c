#include "arrays.hxx"
#include "module.hxx"

#include <aeplugin/darkmachines.hxx>

#include <optional>

namespace py = pybind11;
using namespace aeplugin;

namespace {

/// {"events": n, "columns": {name: values}, "offsets": {collection: offsets}}.
py::dict ToDict(EventBlock &&block, const Schema &schema)
{
   py::dict columns;
   for (std::size_t i = 0; i < schema.fColumns.size(); ++i) {
      py::object values =
         std::visit([](auto &&vector) { return TakeOver(std::move(vector)); }, std::move(block.fColumns[i]));
      if (schema.fColumns[i].fType == ColumnType::kBool)
         values = values.attr("view")("bool");
      columns[py::str(schema.fColumns[i].fName)] = values;
   }
   py::dict offsets;
   for (std::size_t i = 0; i < schema.fCollections.size(); ++i)
      offsets[py::str(schema.fCollections[i])] = TakeOver(std::move(block.fOffsets[i]));
   py::dict result;
   result["events"] = block.fEvents;
   result["columns"] = columns;
   result["offsets"] = offsets;
   return result;
}

/// The next block, or None at the end of the file.
std::optional<py::dict> NextBlock(darkmachines::Reader &reader)
{
   EventBlock block;
   {
      const py::gil_scoped_release release;
      if (!reader.Next(block))
         return std::nullopt;
   }
   return ToDict(std::move(block), reader.GetSchema());
}

darkmachines::Layout LayoutOf(bool objects)
{
   return objects ? darkmachines::Layout::kObjects : darkmachines::Layout::kNanoAOD;
}

/// For each column (name, collection or None), in order.
std::vector<std::pair<std::string, std::optional<std::string>>> SchemaColumns(const darkmachines::Reader &reader)
{
   std::vector<std::pair<std::string, std::optional<std::string>>> columns;
   const Schema &schema = reader.GetSchema();
   for (const ColumnSpec &column : schema.fColumns) {
      std::optional<std::string> collection;
      if (column.fCollection != ColumnSpec::kPerEvent)
         collection = schema.fCollections[static_cast<std::size_t>(column.fCollection)];
      columns.emplace_back(column.fName, collection);
   }
   return columns;
}

} // namespace

void BindDarkMachines(py::module_ &module)
{
   using darkmachines::Reader;
   py::class_<Reader>(module, "DarkMachinesReader", "Streams Dark Machines events; see aeplugin.darkmachines.")
      .def(py::init(
              [](const std::string &path, bool objects, unsigned threads, std::size_t blockBytes, bool skipBadLines) {
                 darkmachines::ReaderOptions options;
                 options.fLayout = LayoutOf(objects);
                 options.fThreads = threads;
                 options.fBlockBytes = blockBytes;
                 options.fSkipBadLines = skipBadLines;
                 return std::make_unique<Reader>(path, options);
              }),
           py::arg("path"), py::kw_only(), py::arg("objects") = false, py::arg("threads") = 0,
           py::arg("block_bytes") = darkmachines::ReaderOptions().fBlockBytes, py::arg("skip_bad_lines") = false,
           py::call_guard<py::gil_scoped_release>())
      .def("next", &NextBlock)
      .def_property_readonly("columns", &SchemaColumns)
      .def_property_readonly("bad_lines", [](const Reader &reader) {
         return std::make_pair(reader.GetBadLines().fCount, reader.GetBadLines().fFirst);
      });
   module.def(
      "no_events",
      [](bool objects) {
         return ToDict(darkmachines::MakeEmptyBlock(LayoutOf(objects)), darkmachines::MakeSchema(LayoutOf(objects)));
      },
      py::kw_only(), py::arg("objects") = false, "A block without events, as DarkMachinesReader.next would give it.");
   module.def("object_kinds", &darkmachines::ObjectKinds, "The object names in the order of the codes in Object_kind.");
}
