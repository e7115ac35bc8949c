#include "../src/density/context.hxx"
#include "../src/density/row_visitors.hxx"
#include "arrays.hxx"
#include "module.hxx"

#include <aeplugin/density.hxx>
#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>

#include <algorithm>
#include <array>

namespace py = pybind11;
using namespace aeplugin;

namespace {

constexpr std::array kSources{"event", "count",   "index",    "remaining",    "own",  "back",
                              "first", "missing", "activity", "longitudinal", "phase"};
constexpr std::array kViews{"linear", "equals", "size", "cosine", "sine", "separation"};
constexpr std::array kLocations{"none", "formula", "direction", "previous"};
constexpr std::array kTolerances{"exact", "abs", "rel"};

/// The enumerator with a name. \throws ModelError naming the nearest one
template <typename Enum, std::size_t N>
Enum Parse(const std::array<const char *, N> &names, const std::string &name, const char *what)
{
   const auto found = std::find(names.begin(), names.end(), name);
   if (found == names.end())
      throw ModelError(std::string("unknown ") + what + " '" + name + "'" +
                       Nearest(name, {names.begin(), names.end()}));
   return static_cast<Enum>(found - names.begin());
}

template <typename Enum, std::size_t N>
std::string NameOf(const std::array<const char *, N> &names, Enum value)
{
   return names[static_cast<std::size_t>(value)];
}

using Momentum = std::tuple<std::uint32_t, std::uint32_t, std::optional<std::uint32_t>>;

Density MakeDensity(std::vector<DensityVariable> variables, const std::vector<Momentum> &momenta,
                    const std::optional<std::pair<std::uint32_t, std::uint32_t>> &missing)
{
   Density density{std::move(variables), {}, {}};
   for (const auto &[pt, phi, eta] : momenta)
      density.fMomenta.push_back({pt, phi, eta.value_or(DensityMomentum::kNone)});
   if (missing)
      density.fMissing = DensityMomentum{missing->first, missing->second, DensityMomentum::kNone};
   return density;
}

std::vector<Momentum> Momenta(const Density &density)
{
   std::vector<Momentum> momenta;
   for (const DensityMomentum &momentum : density.fMomenta)
      momenta.emplace_back(momentum.fPt, momentum.fPhi,
                           momentum.fEta == DensityMomentum::kNone ? std::nullopt : std::make_optional(momentum.fEta));
   return momenta;
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> Missing(const Density &density)
{
   if (!density.fMissing)
      return {};
   return std::make_pair(density.fMissing->fPt, density.fMissing->fPhi);
}

density::BlockIntegers ToIntegers(const py::list &grids)
{
   density::BlockIntegers integers;
   for (const auto grid : grids)
      integers.push_back(ToVector<Grid>(grid));
   return integers;
}

py::list Context(const Density &model, const py::list &grids)
{
   const auto integers = ToIntegers(grids);
   std::vector<density::VariableContext> contexts;
   {
      const py::gil_scoped_release release;
      contexts = ContextOf(density::PreparedDensity(model, false), integers);
   }
   py::list result;
   for (std::size_t i = 0; i < contexts.size(); ++i) {
      const auto rows = static_cast<py::ssize_t>(contexts[i].fResiduals.size());
      const auto features = static_cast<py::ssize_t>(model.fVariables[i].fFeatures.size());
      result.append(
         py::make_tuple(TakeOver(std::move(contexts[i].fFeatures)).attr("reshape")(py::make_tuple(rows, features)),
                        TakeOver(std::move(contexts[i].fResiduals))));
   }
   return result;
}

py::list Encode(const Density &model, const py::list &grids, const std::string &instructionSet)
{
   const auto integers = ToIntegers(grids);
   std::vector<density::Stream> streams;
   {
      const py::gil_scoped_release release;
      const density::PreparedDensity prepared(model, true, instructionSet);
      const density::Networks networks(prepared);
      const std::size_t events = CountEvents(prepared, integers);
      density::RowEncoder encoder(density::Evaluator(prepared, networks));
      auto byRank = ByRank(prepared, integers);
      Walk(prepared, std::vector<bool>(prepared.Variables(), true), events, encoder, byRank);
      streams = encoder.Finish();
   }
   py::list result;
   for (auto &stream : streams)
      result.append(
         py::make_tuple(py::bytes(reinterpret_cast<const char *>(stream.fBytes.data()), stream.fBytes.size()),
                        TakeOver(std::move(stream.fEscapes))));
   return result;
}

py::list Decode(const Density &model, std::size_t events, const py::list &streams, const std::string &instructionSet)
{
   std::vector<density::Stream> coded;
   for (const auto item : streams) {
      const auto stream = item.cast<py::tuple>();
      const std::string bytes = stream[0].cast<py::bytes>();
      coded.push_back({{bytes.begin(), bytes.end()}, ToVector<Grid>(stream[1])});
   }
   density::BlockIntegers integers;
   {
      const py::gil_scoped_release release;
      const density::PreparedDensity prepared(model, true, instructionSet);
      if (coded.size() != prepared.Variables())
         throw InputError("got " + std::to_string(coded.size()) + " streams; expected one for each of " +
                          std::to_string(prepared.Variables()) + " variables");
      const density::Networks networks(prepared);
      const std::vector<bool> all(coded.size(), true);
      density::RowDecoder decoder(density::Evaluator(prepared, networks), all, events, coded);
      Walk(prepared, all, events, decoder, integers);
      decoder.Finish();
      integers = ByEvent(prepared, std::move(integers));
   }
   py::list result;
   for (auto &grid : integers)
      result.append(TakeOver(std::move(grid)));
   return result;
}

} // namespace

void BindDensity(py::module_ &module)
{
   py::class_<DensityFeature>(module, "DensityFeature", "One of the numbers that the network of a variable is given.")
      .def(py::init([](const std::string &source, const std::string &view, std::uint32_t variable, std::uint32_t back,
                       Grid category, float factor, float offset) {
              return DensityFeature{Parse<Source>(kSources, source, "source"),
                                    Parse<View>(kViews, view, "view"),
                                    variable,
                                    back,
                                    category,
                                    factor,
                                    offset};
           }),
           py::arg("source"), py::arg("view") = "linear", py::arg("variable") = 0, py::arg("back") = 0,
           py::arg("category") = 0, py::arg("factor") = 1.F, py::arg("offset") = 0.F)
      .def_property_readonly("source", [](const DensityFeature &f) { return NameOf(kSources, f.fSource); })
      .def_property_readonly("view", [](const DensityFeature &f) { return NameOf(kViews, f.fView); })
      .def_readonly("variable", &DensityFeature::fVariable)
      .def_readonly("back", &DensityFeature::fBack)
      .def_readonly("category", &DensityFeature::fCategory)
      .def_readonly("factor", &DensityFeature::fFactor)
      .def_readonly("offset", &DensityFeature::fOffset);

   py::class_<DensityVariable>(module, "DensityVariable", "One of the integers of an event; see docs/model-file.md.")
      .def(py::init([](std::string group, std::string variable, std::string column, const std::string &kind,
                       double tolerance, bool isDouble, const std::string &location, std::string formula, bool periodic,
                       Grid first, std::uint32_t range, std::uint8_t shift, bool descending,
                       std::optional<std::uint32_t> within, std::vector<Grid> atoms, float middle, float spread,
                       std::vector<DensityFeature> features, Network network) {
              return DensityVariable{std::move(group),
                                     std::move(variable),
                                     std::move(column),
                                     {Parse<ToleranceKind>(kTolerances, kind, "tolerance"), tolerance},
                                     isDouble,
                                     Parse<Location>(kLocations, location, "location"),
                                     std::move(formula),
                                     periodic,
                                     first,
                                     range,
                                     shift,
                                     descending,
                                     within.value_or(DensityVariable::kAll),
                                     std::move(atoms),
                                     middle,
                                     spread,
                                     std::move(features),
                                     std::move(network)};
           }),
           py::arg("group"), py::arg("variable"), py::arg("column"), py::arg("kind") = "exact",
           py::arg("tolerance") = 0., py::arg("double") = false, py::arg("location") = "none", py::arg("formula") = "",
           py::arg("periodic") = false, py::arg("first") = 0, py::arg("range") = 0, py::arg("shift") = 0,
           py::arg("descending") = false, py::arg("within") = py::none(), py::arg("atoms") = std::vector<Grid>(),
           py::arg("middle") = 0.F, py::arg("spread") = 1.F, py::arg("features") = std::vector<DensityFeature>(),
           py::arg("network") = Network())
      .def_readonly("group", &DensityVariable::fGroup)
      .def_readonly("variable", &DensityVariable::fVariable)
      .def_readonly("column", &DensityVariable::fColumn)
      .def_property_readonly("kind", [](const DensityVariable &v) { return NameOf(kTolerances, v.fTolerance.fKind); })
      .def_property_readonly("tolerance", [](const DensityVariable &v) { return v.fTolerance.fValue; })
      .def_readonly("double", &DensityVariable::fIsDouble)
      .def_property_readonly("location", [](const DensityVariable &v) { return NameOf(kLocations, v.fLocation); })
      .def_readonly("formula", &DensityVariable::fFormula)
      .def_readonly("periodic", &DensityVariable::fPeriodic)
      .def_readonly("first", &DensityVariable::fFirst)
      .def_readonly("range", &DensityVariable::fRange)
      .def_readonly("shift", &DensityVariable::fShift)
      .def_readonly("descending", &DensityVariable::fDescending)
      .def_property_readonly("within",
                             [](const DensityVariable &v) {
                                return v.fWithin == DensityVariable::kAll ? std::nullopt
                                                                          : std::make_optional(v.fWithin);
                             })
      .def_readonly("atoms", &DensityVariable::fAtoms)
      .def_readonly("middle", &DensityVariable::fMiddle)
      .def_readonly("spread", &DensityVariable::fSpread)
      .def_readonly("features", &DensityVariable::fFeatures)
      .def_readonly("network", &DensityVariable::fNetwork)
      .def_property_readonly("categories", &DensityVariable::Categories)
      .def_property_readonly("slices", &DensityVariable::Slices)
      .def("outputs", &DensityVariable::Outputs, py::arg("slices"));

   py::class_<Density>(module, "Density", "The probability of an event's grid integers, one after the other.")
      .def(py::init(&MakeDensity), py::arg("variables"), py::arg("momenta") = std::vector<Momentum>(),
           py::arg("missing") = py::none())
      .def_readonly("variables", &Density::fVariables)
      .def_property_readonly("momenta", &Momenta)
      .def_property_readonly("missing", &Missing);

   module.def("density_context", &Context, py::arg("density"), py::arg("grids"),
              "For each variable its features, float32 of shape (integers, features), and residuals, int32.");
   module.def("density_encode", &Encode, py::arg("density"), py::arg("grids"), py::arg("instruction_set") = "",
              "For each variable its stream: bytes and the integers that escape.");
   module.def("density_decode", &Decode, py::arg("density"), py::arg("events"), py::arg("streams"),
              py::arg("instruction_set") = "", "The grid integers of streams, one array for each variable.");
}
