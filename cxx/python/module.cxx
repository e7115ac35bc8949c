#include "module.hxx"

#include <aeplugin/nearest.hxx>
#include <aeplugin/version.hxx>

#include <pybind11/stl.h>

PYBIND11_MODULE(_core, module)
{
   module.doc() = "The C++ core of aeplugin. Use it through the modules of the package.";
   module.attr("__version__") = aeplugin::Version();
   BindErrors(module);
   module.def("nearest", &aeplugin::Nearest, pybind11::arg("name"), pybind11::arg("known"),
              "The end of an error message about an unknown name: the nearest known one, or the first few.");
   BindDensity(module);
   BindModel(module);
   BindBlockCoder(module);
   BindInformation(module);
   BindQuantiser(module);
   BindDarkMachines(module);
}
