#include "arrays.hxx"
#include "module.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/information.hxx>

namespace py = pybind11;
using namespace aeplugin;

namespace {

/// Counts bits of events that are given as numpy arrays.
class Counter {
public:
   Counter(const Model &model, const std::vector<std::pair<std::string, std::string>> &columns,
           const std::string &instructionSet)
      : fSchema(ToSchema(columns)), fInformation(model, fSchema, instructionSet)
   {
   }

   std::vector<std::string> Collections() const { return fInformation.Collections(); }

   /// (bits of events, {collection: bits of objects}); see the stub.
   py::tuple Count(std::size_t events, const py::list &columns) const
   {
      TableBlock block;
      block.fEvents = events;
      for (const auto item : columns)
         block.fColumns.push_back(ToColumn(block.fColumns.size(), item.cast<py::tuple>()));
      Information information;
      {
         const py::gil_scoped_release release;
         information = fInformation.Count(block);
      }
      py::dict objects;
      const auto names = Collections();
      for (std::size_t i = 0; i < names.size(); ++i)
         objects[names[i].c_str()] = TakeOver(std::move(information.fCollections[i].fBits));
      return py::make_tuple(TakeOver(std::move(information.fEvents)), objects);
   }

private:
   static TableSchema ToSchema(const std::vector<std::pair<std::string, std::string>> &columns)
   {
      TableSchema schema;
      for (const auto &[name, type] : columns)
         schema.push_back(TableColumn::Make(name, type));
      return schema;
   }

   /// \throws InputError for values of another type than the column's
   ColumnBlock ToColumn(std::size_t index, const py::tuple &content) const
   {
      if (index >= fSchema.size())
         throw InputError("got more columns than the " + std::to_string(fSchema.size()) + " that were named");
      const TableColumn &column = fSchema[index];
      ColumnBlock result;
      result.fValues = VisitColumnType(column.fType, [&](auto value) -> ColumnValues {
         using Value = decltype(value);
         if constexpr (std::is_same_v<Value, std::string>)
            return content[0].cast<std::vector<std::string>>();
         else
            return ToExactly<Value>(column, content[0]);
      });
      for (const auto offsets : content[1])
         result.fOffsets.push_back(ToVector<std::uint64_t>(offsets));
      return result;
   }

   /// A copy of an array, which must have the type already: no value is rounded on its way.
   template <typename T>
   static std::vector<T> ToExactly(const TableColumn &column, const py::handle &values)
   {
      if (!py::isinstance<py::array_t<T>>(values))
         throw InputError("column '" + column.fName + "' is of type " + column.fTypeName + "; got an array of " +
                          py::str(py::array::ensure(values).dtype()).cast<std::string>());
      return ToVector<T>(values);
   }

   TableSchema fSchema;
   EventInformation fInformation;
};

} // namespace

void BindInformation(py::module_ &module)
{
   py::class_<Counter>(module, "EventInformation", "How many bits events take by the density of a model.")
      .def(py::init<const Model &, const std::vector<std::pair<std::string, std::string>> &, const std::string &>(),
           py::arg("model"), py::arg("columns"), py::arg("instruction_set") = "")
      .def_static("columns_of", &EventInformation::Columns, py::arg("model"), "The columns of a model's density.")
      .def_property_readonly("collections", &Counter::Collections, "those with objects, in coding order")
      .def("count", &Counter::Count, py::arg("events"), py::arg("columns"),
           "The bits of each event, float64, and of each object by collection.");
}
