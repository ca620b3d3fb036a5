// The core's errors as Python exceptions.
#include "bindings.hpp"

namespace nnbind::bindings {

// OptionError needs no class of its own: an std::invalid_argument is a ValueError already.
void register_errors(py::module_& module) {
  py::register_exception<ShapeError>(module, "ShapeError", PyExc_ValueError).doc() =
      "An array has a shape that does not fit.";
  py::register_exception<DivergenceError>(module, "DivergenceError", PyExc_ArithmeticError).doc() =
      "The loss stopped being finite; the network is back at its best epoch.";
  py::register_exception<BusyError>(module, "BusyError", PyExc_RuntimeError).doc() =
      "The network is being trained by another thread.";
}

}  // namespace nnbind::bindings
