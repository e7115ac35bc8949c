#include "arrays.hxx"
#include "module.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/formula.hxx>
#include <aeplugin/quantiser.hxx>

#include <map>

namespace py = pybind11;
using namespace aeplugin;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

ToleranceKind KindOf(const std::string &kind)
{
   if (kind == "abs")
      return ToleranceKind::kAbs;
   if (kind == "rel")
      return ToleranceKind::kRel;
   throw RecipeError("a tolerance is 'abs' or 'rel'; it is given as '" + kind + "'");
}

ColumnType TypeOf(const std::string &dtype)
{
   if (dtype == "float32")
      return ColumnType::kFloat32;
   if (dtype == "float64")
      return ColumnType::kFloat64;
   throw RecipeError("only columns of float32 and float64 can have a tolerance; this one is of '" + dtype + "'");
}

template <typename T>
py::tuple EncodeArray(const Quantiser &quantiser, const py::array &values)
{
   const py::array_t<T, py::array::c_style> in(values); // of this type already: bits pass through unchanged
   const auto n = static_cast<std::size_t>(in.size());
   std::vector<Grid> grid(n);
   std::vector<std::uint64_t> exact;
   QuantiserSummary summary;
   const T *data = in.data();
   {
      const py::gil_scoped_release release;
      quantiser.Encode(data, n, grid.data(), exact, summary);
   }
   py::dict report;
   report["values"] = summary.fValues;
   report["special"] = summary.fSpecial;
   report["max_error"] = summary.fMaxError;
   return py::make_tuple(TakeOver(std::move(grid)), TakeOver(std::move(exact)), report);
}

py::tuple EncodeValues(const Quantiser &quantiser, const py::array &values)
{
   if (values.ndim() != 1)
      throw InputError("a quantiser takes arrays of one dimension; this one has " + std::to_string(values.ndim()));
   if (values.dtype().equal(py::dtype::of<float>()))
      return EncodeArray<float>(quantiser, values);
   if (values.dtype().equal(py::dtype::of<double>()))
      return EncodeArray<double>(quantiser, values);
   throw InputError("a quantiser takes values of its column's type; these are of " +
                    py::str(values.dtype()).cast<std::string>());
}

template <typename T>
py::object DecodeArray(const Quantiser &quantiser, const Array<Grid> &grid, const Array<std::uint64_t> &exact)
{
   std::vector<T> values(static_cast<std::size_t>(grid.size()));
   const std::vector<std::uint64_t> bits(exact.data(), exact.data() + exact.size());
   const Grid *data = grid.data();
   {
      const py::gil_scoped_release release;
      quantiser.Decode(data, values.size(), bits, values.data());
   }
   return TakeOver(std::move(values));
}

py::object DecodeValues(const Quantiser &quantiser, const Array<Grid> &grid, const Array<std::uint64_t> &exact)
{
   return quantiser.Type() == ColumnType::kFloat32 ? DecodeArray<float>(quantiser, grid, exact)
                                                   : DecodeArray<double>(quantiser, grid, exact);
}

py::object NearestOf(const Quantiser &quantiser, const Array<double> &values, Grid otherwise)
{
   std::vector<Grid> grid(static_cast<std::size_t>(values.size()));
   const double *data = values.data();
   {
      const py::gil_scoped_release release;
      quantiser.Nearest(data, grid.size(), otherwise, grid.data());
   }
   return TakeOver(std::move(grid));
}

py::object ValueOf(const Quantiser &quantiser, const Array<Grid> &grid)
{
   std::vector<double> values(static_cast<std::size_t>(grid.size()));
   const Grid *data = grid.data();
   {
      const py::gil_scoped_release release;
      quantiser.Value(data, values.size(), values.data());
   }
   return TakeOver(std::move(values));
}

py::object EvaluateFormula(const Formula &formula, const std::map<std::string, Array<double>> &inputs)
{
   std::vector<const double *> columns;
   std::size_t n = 1;
   for (const auto &name : formula.Variables()) {
      const auto found = inputs.find(name);
      if (found == inputs.end())
         throw InputError("formula '" + formula.Text() + "' needs values of '" + name + "', which are not given");
      const auto size = static_cast<std::size_t>(found->second.size());
      if (!columns.empty() && size != n)
         throw InputError("formula '" + formula.Text() + "' is given " + std::to_string(n) + " values of '" +
                          formula.Variables().front() + "' and " + std::to_string(size) + " of '" + name + "'");
      n = size;
      columns.push_back(found->second.data());
   }
   std::vector<double> out(n);
   {
      const py::gil_scoped_release release;
      formula.Evaluate(columns.data(), n, out.data());
   }
   return TakeOver(std::move(out));
}

} // namespace

void BindQuantiser(py::module_ &module)
{
   py::class_<Quantiser>(module, "Quantiser", "Values of a column as multiples of a tolerance; see docs/format.md.")
      .def(py::init([](const std::string &kind, double tolerance, const std::string &dtype,
                       std::vector<double> sentinels, const std::string &instructionSet) {
              return Quantiser({KindOf(kind), tolerance}, TypeOf(dtype), std::move(sentinels), instructionSet);
           }),
           py::arg("kind"), py::arg("tolerance"), py::arg("dtype"), py::arg("sentinels") = std::vector<double>(),
           py::arg("instruction_set") = "")
      .def("encode", &EncodeValues, py::arg("values"))
      .def("decode", &DecodeValues, py::arg("grid"), py::arg("exact"))
      .def("nearest", &NearestOf, py::arg("values"), py::arg("otherwise"))
      .def("value", &ValueOf, py::arg("grid"));
   module.attr("GRID_LIMIT") = kGridLimit;
   module.attr("EXACT_MARK") = kExactMark;
   module.attr("SENTINEL_MARK") = kSentinelMark;

   py::class_<Formula>(module, "Formula", "An arithmetic expression of columns; see docs/format.md.")
      .def(py::init(&Formula::Parse), py::arg("text"))
      .def_property_readonly("text", &Formula::Text)
      .def_property_readonly("variables", &Formula::Variables)
      .def("evaluate", &EvaluateFormula, py::arg("inputs"));
}
