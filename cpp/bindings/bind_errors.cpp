// The core's errors as Python exceptions.
#include <cerrno>
#include <exception>
#include <filesystem>

#include "bindings.hpp"

namespace nnbind::bindings {

namespace {

/// A file that the system refuses, as Python's own OSError: FileNotFoundError, PermissionError, ...
// NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 calls it so.
void raise_os_error(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::filesystem::filesystem_error& refused) {
    const py::object path =
        py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(refused.path1().c_str()));
    errno = refused.code().value();
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path.ptr());
  }
}

}  // namespace

// OptionError needs no class of its own: an std::invalid_argument is a ValueError already.
void register_errors(py::module_& module) {
  py::register_exception<ShapeError>(module, "ShapeError", PyExc_ValueError).doc() =
      "An array has a shape that does not fit.";
  py::register_exception<FileError>(module, "FileError", PyExc_ValueError).doc() =
      "A model file is damaged, of a later version, or not what it claims to be.";
  py::register_exception_translator(&raise_os_error);
  py::register_exception<DivergenceError>(module, "DivergenceError", PyExc_ArithmeticError).doc() =
      "A loss or theta stopped being finite; the network is back at its best epoch.";
  py::register_exception<BusyError>(module, "BusyError", PyExc_RuntimeError).doc() =
      "The network is being trained already, or the optimizer trains already.";
}

}  // namespace nnbind::bindings
