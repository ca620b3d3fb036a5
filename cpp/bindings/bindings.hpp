// The list of registrations.
#pragma once

#include <pybind11/pybind11.h>

#include "nnbind/nnbind.hpp"
#include "py_network.hpp"
#include "signature.hpp"

namespace nnbind::bindings {

void register_errors(py::module_& module);
void register_config(py::module_& module);
void register_options(py::module_& module);
void register_losses(py::module_& module);
void register_optimizers(py::module_& module);
void register_operators(py::module_& module);
void register_custom(py::module_& module);
void register_history(py::module_& module);
void register_layers(py::module_& module);
void register_network(py::module_& module);
void register_model_file(py::class_<PyNetwork>& network);
void register_predict(py::class_<PyNetwork>& network);
void register_fit(py::class_<PyNetwork>& network);
void register_fit_many(py::module_& module);
void register_training(py::module_& module, py::class_<PyNetwork>& network);
void register_training_state(py::module_& module);
void register_derivatives(py::class_<PyNetwork>& network);
void register_trace(py::module_& module, py::class_<PyNetwork>& network);

/// Has an object of the module's classes raise TypeError where it is used before its __init__.
void refuse_uninitialized_objects(const py::module_& module);

}  // namespace nnbind::bindings
