// Objects that Python has made room for and not initialized, as by __new__ alone.
#include <cstddef>

#include "bindings.hpp"

namespace nnbind::bindings {

namespace {

/// The memory that pybind11 asks for where it finds such an object: it would take what happens to
/// be there for a network.
void* refuse_memory(std::size_t /*bytes*/) {
  throw py::type_error(
      "[nnbind] this object has not been initialized; call super().__init__() first");
}

}  // namespace

void refuse_uninitialized_objects(const py::module_& module) {
  for (const auto& [name, value] : module.attr("__dict__").cast<py::dict>()) {
    if (!py::isinstance<py::type>(value)) continue;
    py::detail::type_info* const known =
        py::detail::get_type_info(reinterpret_cast<PyTypeObject*>(value.ptr()));
    if (known != nullptr) known->operator_new = &refuse_memory;  // else an exception's class
  }
}

}  // namespace nnbind::bindings
