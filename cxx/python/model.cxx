#include "module.hxx"

#include <aeplugin/atomic_file.hxx>
#include <aeplugin/engine.hxx>
#include <aeplugin/error.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/nearest.hxx>

#include "../src/kernels/kernels.hxx"
#include "../src/normaliser.hxx"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>

namespace py = pybind11;
using namespace aeplugin;

namespace {

using FloatArray = py::array_t<float, py::array::c_style | py::array::forcecast>;

void RequireRows(const FloatArray &in, std::size_t width)
{
   if (in.ndim() != 2 || static_cast<std::size_t>(in.shape(1)) != width)
      throw ModelError("the network takes an array of shape (objects, " + std::to_string(width) +
                       "); it is given one of " + std::to_string(in.ndim()) + " dimensions" +
                       (in.ndim() == 2 ? " and width " + std::to_string(in.shape(1)) : ""));
}

FloatArray RunEngine(const Engine &engine, const FloatArray &in)
{
   RequireRows(in, engine.Inputs());
   const auto rows = static_cast<std::size_t>(in.shape(0));
   FloatArray out({rows, engine.Outputs()});
   float *results = out.mutable_data();
   const float *values = in.data();
   const py::gil_scoped_release release;
   engine.Run(values, rows, results);
   return out;
}

/// \throws ModelError unless `values` are rows of as many columns as the model has
FloatArray RunErrors(const Autoencoder &autoencoder, const FloatArray &in)
{
   RequireRows(in, autoencoder.fModel.fColumns.size());
   const auto rows = static_cast<std::size_t>(in.shape(0));
   FloatArray out(static_cast<py::ssize_t>(rows));
   float *results = out.mutable_data();
   const float *values = in.data();
   const py::gil_scoped_release release;
   autoencoder.ReconstructionErrors(values, rows, results);
   return out;
}

/// \throws InputError unless the counts add up to the number of errors
FloatArray ScoreEvents(const FloatArray &errors, const py::array_t<std::int64_t, py::array::c_style> &counts)
{
   if (errors.ndim() != 1 || counts.ndim() != 1)
      throw InputError("scores are made of flat arrays of errors and counts; got arrays of " +
                       std::to_string(errors.ndim()) + " and " + std::to_string(counts.ndim()) + " dimensions");
   std::vector<std::uint64_t> offsets{0};
   const auto objects = static_cast<std::uint64_t>(errors.size());
   for (py::ssize_t i = 0; i < counts.size(); ++i) {
      if (counts.at(i) < 0 || static_cast<std::uint64_t>(counts.at(i)) > objects - offsets.back())
         throw InputError("event " + std::to_string(i) + " has " + std::to_string(counts.at(i)) + " objects; " +
                          std::to_string(objects - offsets.back()) + " errors are left for it");
      offsets.push_back(offsets.back() + static_cast<std::uint64_t>(counts.at(i)));
   }
   if (offsets.back() != objects)
      throw InputError("got " + std::to_string(objects) + " errors for the " + std::to_string(offsets.back()) +
                       " objects that the counts add up to");
   FloatArray scores(counts.size());
   EventScores(errors.data(), offsets.data(), offsets.size() - 1, scores.mutable_data());
   return scores;
}

std::vector<float> ToFloats(const std::optional<FloatArray> &values)
{
   if (!values)
      return {};
   return {values->data(), values->data() + values->size()};
}

py::object FromFloats(const std::vector<float> &values)
{
   return FloatArray(static_cast<py::ssize_t>(values.size()), values.data());
}

Layer MakeLayer(const FloatArray &weights, const FloatArray &biases, Activation activation,
                const std::optional<FloatArray> &gains, const std::optional<FloatArray> &shifts)
{
   if (weights.ndim() != 2 || biases.ndim() != 1)
      throw ModelError("a layer has weights of shape (outputs, inputs) and biases of shape (outputs,)");
   if (gains.has_value() != shifts.has_value() || (gains && (gains->ndim() != 1 || shifts->ndim() != 1)))
      throw ModelError("a layer has gains and shifts of shape (outputs,), or neither");
   return {static_cast<std::uint32_t>(weights.shape(1)),
           static_cast<std::uint32_t>(weights.shape(0)),
           activation,
           {weights.data(), weights.data() + weights.size()},
           {biases.data(), biases.data() + biases.size()},
           ToFloats(gains),
           ToFloats(shifts)};
}

FloatArray Weights(const Layer &layer)
{
   FloatArray weights({layer.fOutputs, layer.fInputs});
   std::copy(layer.fWeights.begin(), layer.fWeights.end(), weights.mutable_data());
   return weights;
}

using Knots = std::pair<FloatArray, FloatArray>;

ModelColumn MakeColumn(std::string variable, std::string column, Transform transform, float mean, float scale,
                       float factor, float offset, const std::optional<Knots> &knots, std::vector<std::int32_t> labels)
{
   if (knots && (knots->first.ndim() != 1 || knots->second.ndim() != 1))
      throw ModelError("column '" + column + "': knots are a pair of arrays of shape (knots,)");
   return {std::move(variable),
           std::move(column),
           transform,
           mean,
           scale,
           factor,
           offset,
           knots ? ToFloats(knots->first) : std::vector<float>(),
           knots ? ToFloats(knots->second) : std::vector<float>(),
           std::move(labels)};
}

py::object KnotsOf(const ModelColumn &column)
{
   if (column.fKnots.empty())
      return py::none();
   return py::make_tuple(FromFloats(column.fKnots), FromFloats(column.fKnotsTo));
}

Normaliser MakeNormaliser(const std::vector<ModelColumn> &columns)
{
   ValidateColumns(columns, "columns");
   return {columns, kernels::GetKernels()};
}

/// What an encoder does before its network, for columns of no model yet.
FloatArray Standardise(const std::vector<ModelColumn> &columns, const FloatArray &values)
{
   const Normaliser normaliser = MakeNormaliser(columns);
   RequireRows(values, columns.size());
   const auto rows = static_cast<std::size_t>(values.shape(0));
   FloatArray features({rows, normaliser.Features()});
   float *results = features.mutable_data();
   const float *given = values.data();
   const py::gil_scoped_release release;
   normaliser.Standardise(given, columns.size(), rows, results, normaliser.Features());
   return features;
}

/// What a decoder does after its network.
FloatArray Restore(const std::vector<ModelColumn> &columns, const FloatArray &features)
{
   const Normaliser normaliser = MakeNormaliser(columns);
   RequireRows(features, normaliser.Features());
   const bool hasLabel = columns.back().fTransform == Transform::kLabel;
   const std::size_t width = columns.size() - (hasLabel ? 1 : 0);
   const auto rows = static_cast<std::size_t>(features.shape(0));
   FloatArray values({rows, width});
   float *results = values.mutable_data();
   const float *given = features.data();
   const py::gil_scoped_release release;
   normaliser.Restore(given, normaliser.Features(), rows, results, width);
   return values;
}

/// "none", "encoder", "decoder" or "both". \throws ModelError for any other name
Condition ParseCondition(const std::string &name)
{
   const std::vector<std::string> names{"none", "encoder", "decoder", "both"};
   const auto found = std::find(names.begin(), names.end(), name);
   if (found == names.end())
      throw ModelError("unknown condition '" + name + "'" + Nearest(name, names));
   return static_cast<Condition>(found - names.begin());
}

std::string ConditionName(const CollectionModel &model)
{
   switch (model.fCondition) {
   case Condition::kEncoder:
      return "encoder";
   case Condition::kDecoder:
      return "decoder";
   case Condition::kBoth:
      return "both";
   case Condition::kNone:
      break;
   }
   return "none";
}

Tolerance ToTolerance(const std::string &kind, double value)
{
   if (kind != "abs" && kind != "rel")
      throw RecipeError("got a tolerance of kind '" + kind + "'; expected 'abs' or 'rel'");
   return {kind == "abs" ? ToleranceKind::kAbs : ToleranceKind::kRel, value};
}

/// What aeplugin.recipe's to_rules gives.
Rules ToRules(const py::dict &plain)
{
   Rules rules;
   for (const auto collection : plain["collections"]) {
      CollectionRule rule{
         collection["name"].cast<std::string>(), ParseCodecKind(collection["codec"].cast<std::string>()), {}};
      for (const auto column : collection["columns"])
         rule.fColumns.push_back({column["variable"].cast<std::string>(), column["column"].cast<std::string>(),
                                  ToTolerance(column["kind"].cast<std::string>(), column["tolerance"].cast<double>()),
                                  column["sentinels"].cast<std::vector<double>>(),
                                  column["formula"].cast<std::string>()});
      rules.fCollections.push_back(std::move(rule));
   }
   rules.fDropped = plain["dropped"].cast<std::vector<std::string>>();
   return rules;
}

void BindParts(py::module_ &module)
{
   py::enum_<Activation>(module, "Activation")
      .value("linear", Activation::kLinear)
      .value("tanh", Activation::kTanh)
      .value("relu", Activation::kRelu)
      .value("leaky_relu", Activation::kLeakyRelu)
      .value("elu", Activation::kElu)
      .value("silu", Activation::kSilu)
      .value("gelu", Activation::kGelu);
   py::enum_<Transform>(module, "Transform")
      .value("linear", Transform::kLinear)
      .value("log10", Transform::kLog10)
      .value("quantile", Transform::kQuantile)
      .value("circle", Transform::kCircle)
      .value("label", Transform::kLabel);

   py::class_<Layer>(module, "Layer", "A dense layer: activation(weights @ x + biases), perhaps with layer norm.")
      .def(py::init(&MakeLayer), py::arg("weights"), py::arg("biases"), py::arg("activation"),
           py::arg("gains") = py::none(), py::arg("shifts") = py::none())
      .def_property_readonly("weights", &Weights, "float32, shape (outputs, inputs)")
      .def_property_readonly(
         "biases", [](const Layer &layer) { return FromFloats(layer.fBiases); }, "float32, shape (outputs,)")
      .def_property_readonly(
         "gains", [](const Layer &layer) { return layer.fGains.empty() ? py::none() : FromFloats(layer.fGains); },
         "float32, shape (outputs,), or None")
      .def_property_readonly(
         "shifts", [](const Layer &layer) { return layer.fGains.empty() ? py::none() : FromFloats(layer.fShifts); },
         "float32, shape (outputs,), or None")
      .def_readonly("activation", &Layer::fActivation);

   py::class_<ModelColumn>(module, "ModelColumn", "One variable: standardised = (transform(x) - mean) / scale.")
      .def(py::init(&MakeColumn), py::arg("variable"), py::arg("column"), py::arg("transform"), py::arg("mean") = 0.F,
           py::arg("scale") = 1.F, py::arg("factor") = 1.F, py::arg("offset") = 0.F, py::arg("knots") = py::none(),
           py::arg("labels") = std::vector<std::int32_t>())
      .def_readonly("variable", &ModelColumn::fVariable)
      .def_readonly("column", &ModelColumn::fColumn)
      .def_readonly("transform", &ModelColumn::fTransform)
      .def_readonly("mean", &ModelColumn::fMean)
      .def_readonly("scale", &ModelColumn::fScale)
      .def_readonly("factor", &ModelColumn::fFactor)
      .def_readonly("offset", &ModelColumn::fOffset)
      .def_property_readonly("knots", &KnotsOf, "two float32 arrays of shape (knots,), or None")
      .def_property_readonly(
         "labels", [](const ModelColumn &column) { return py::tuple(py::cast(column.fLabels)); }, "the categories")
      .def_property_readonly("features", &ModelColumn::Features, "how many inputs of the network it is");

   py::class_<CollectionModel>(module, "CollectionModel", "The autoencoder of one collection.")
      .def(py::init([](std::string name, std::vector<ModelColumn> columns, Network encoder, Network decoder,
                       const std::string &condition) {
              return CollectionModel{std::move(name), std::move(columns), std::move(encoder), std::move(decoder),
                                     ParseCondition(condition)};
           }),
           py::arg("name"), py::arg("columns"), py::arg("encoder"), py::arg("decoder"), py::arg("condition") = "none")
      .def_property_readonly("condition", &ConditionName, "which networks are told the label")
      .def_readonly("name", &CollectionModel::fName)
      .def_readonly("columns", &CollectionModel::fColumns)
      .def_readonly("encoder", &CollectionModel::fEncoder)
      .def_readonly("decoder", &CollectionModel::fDecoder)
      .def_property_readonly("column_names", &CollectionModel::ColumnNames)
      .def_property_readonly("latent_names", &CollectionModel::LatentNames);
}

} // namespace

void BindModel(py::module_ &module)
{
   BindParts(module);

   py::class_<Model>(module, "Model", "A recipe and the networks trained with it; see docs/model-file.md.")
      .def(py::init([](std::string recipe, const py::dict &rules, std::string training,
                       std::vector<CollectionModel> collections, std::optional<Density> density) {
              Model model{std::move(recipe), ToRules(rules), std::move(training), std::move(collections),
                          std::move(density)};
              model.Validate();
              return model;
           }),
           py::arg("recipe"), py::arg("rules"), py::arg("training") = "",
           py::arg("collections") = std::vector<CollectionModel>(), py::arg("density") = py::none())
      .def_static("from_file", &Model::FromFile, py::arg("path"))
      .def_static(
         "from_bytes", [](const py::bytes &bytes, const std::string &where) { return Model::FromBytes(bytes, where); },
         py::arg("data"), py::arg("where") = "model")
      .def("to_bytes", [](const Model &model) { return py::bytes(model.ToBytes()); })
      .def("save", &Model::Save, py::arg("path"))
      .def("collection", &Model::Collection, py::arg("name"), py::return_value_policy::reference_internal)
      .def_readonly("recipe", &Model::fRecipe, "YAML text")
      .def_readonly("training", &Model::fTraining, "JSON text")
      .def_readonly("collections", &Model::fCollections)
      .def_readonly("density", &Model::fDensity);

   module.def("standardise", &Standardise, py::arg("columns"), py::arg("values"),
              "Columns, shape (objects, columns), as features, shape (objects, features); passes over a label.");
   module.def("restore", &Restore, py::arg("columns"), py::arg("features"),
              "Features, shape (objects, features), as columns without a label, shape (objects, columns).");

   py::class_<Engine, std::shared_ptr<Engine>>(module, "Engine", "Runs one half of an autoencoder.")
      .def("__call__", &RunEngine, py::arg("values"),
           "Run float32 values of shape (objects, inputs); gives shape (objects, outputs).");

   py::class_<Autoencoder>(module, "Autoencoder", "Encoder and decoder of one collection, in the units of the file.")
      .def(py::init(&MakeAutoencoder), py::arg("model"), py::arg("instruction_set") = "")
      .def_static(
         "open",
         [](const std::string &path, const std::string &collection, const std::string &engine) {
            return OpenAutoencoder(path, collection, ParseEngineKind(engine));
         },
         py::arg("path"), py::arg("collection") = "", py::arg("engine") = "native")
      .def_readonly("model", &Autoencoder::fModel)
      .def_property_readonly("encoder",
                             [](const Autoencoder &self) { return std::const_pointer_cast<Engine>(self.fEncoder); })
      .def_property_readonly("decoder",
                             [](const Autoencoder &self) { return std::const_pointer_cast<Engine>(self.fDecoder); })
      .def("reconstruction_errors", &RunErrors, py::arg("values"),
           "Mean squared difference of the standardised columns of objects after and before, shape (objects,).");

   module.def("event_scores", &ScoreEvents, py::arg("errors"), py::arg("counts"),
              "The mean of the errors of each event's objects; 0 for an event without objects.");

   module.def(
      "write_atomically", [](const std::string &path, const py::bytes &bytes) { WriteAtomically(path, bytes); },
      py::arg("path"), py::arg("data"), "Write a file that appears under its name only when it is complete.");
   module.def("instruction_sets", &kernels::InstructionSets,
              "Those of the reference kernels that this CPU has, best first.");
}
