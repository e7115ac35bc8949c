#include "module.hxx"

#include <aeplugin/version.hxx>

PYBIND11_MODULE(_core, module)
{
   module.doc() = "The C++ core of aeplugin. Use it through the modules of the package.";
   module.attr("__version__") = aeplugin::Version();
   BindErrors(module);
   BindModel(module);
   BindDarkMachines(module);
}
