#include "module.hxx"

#include <aeplugin/error.hxx>

namespace py = pybind11;

/// The same tree in Python; a C++ error arrives as the class of its name.
void BindErrors(py::module_ &module)
{
   // The most general first: pybind11 asks the last registered translator first.
   const auto base = py::register_exception<aeplugin::Error>(module, "Error", PyExc_RuntimeError);
   base.attr("__doc__") = "Every error of aeplugin.";
   py::register_exception<aeplugin::RecipeError>(module, "RecipeError", base).attr("__doc__") =
      "A recipe that cannot be used: a misspelt key, a column that the file does not have.";
   py::register_exception<aeplugin::InputError>(module, "InputError", base).attr("__doc__") =
      "Input data that cannot be read: a missing file, a malformed line.";
   py::register_exception<aeplugin::CompatibilityError>(module, "CompatibilityError", base).attr("__doc__") =
      "A file, model or library of a version or kind that this build cannot use.";
   py::register_exception<aeplugin::CorruptionError>(module, "CorruptionError", base).attr("__doc__") =
      "A file that is damaged: a wrong checksum, a truncated section.";
   py::register_exception<aeplugin::ModelError>(module, "ModelError", base).attr("__doc__") =
      "A model that is no model, does not fit the data, or whose engine is missing.";
}
