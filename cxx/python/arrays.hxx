#ifndef AEPLUGIN_PYTHON_ARRAYS_HXX
#define AEPLUGIN_PYTHON_ARRAYS_HXX

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

/// A numpy array that takes a vector over instead of copying it.
template <typename T>
pybind11::object TakeOver(std::vector<T> &&values)
{
   auto owner = std::make_unique<std::vector<T>>(std::move(values));
   const auto size = static_cast<pybind11::ssize_t>(owner->size());
   T *data = owner->data();
   const pybind11::capsule keep(owner.release(), [](void *vector) { delete static_cast<std::vector<T> *>(vector); });
   return pybind11::array_t<T>(size, data, keep);
}

inline pybind11::object TakeOver(std::vector<std::string> &&values)
{
   if (values.empty()) // an empty list would not tell that it is one of strings
      return pybind11::module_::import("numpy").attr("empty")(0, "U1");
   return pybind11::cast(values);
}

/// A copy of a one-dimensional array.
template <typename T>
std::vector<T> ToVector(const pybind11::handle &array)
{
   const auto values = pybind11::array_t<T, pybind11::array::c_style | pybind11::array::forcecast>::ensure(array);
   if (!values)
      throw pybind11::type_error("expected a one-dimensional array of numbers");
   return {values.data(), values.data() + values.size()};
}

#endif
