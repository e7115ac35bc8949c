#ifndef AEPLUGIN_PYTHON_MODULE_HXX
#define AEPLUGIN_PYTHON_MODULE_HXX

#include <pybind11/pybind11.h>

void BindErrors(pybind11::module_ &module);
void BindModel(pybind11::module_ &module);
void BindBlockCoder(pybind11::module_ &module);
void BindDensity(pybind11::module_ &module);
void BindInformation(pybind11::module_ &module);
void BindQuantiser(pybind11::module_ &module);
void BindDarkMachines(pybind11::module_ &module);

#endif
