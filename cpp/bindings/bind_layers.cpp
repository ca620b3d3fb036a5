// The fully connected layers of a network.
#include <pybind11/numpy.h>

#include "array.hpp"
#include "bindings.hpp"

namespace nnbind::bindings {

namespace {

const DenseOptions& options(const PyLayer& layer) {
  return layer.visit([&](auto& net, auto& /*node*/) -> const DenseOptions& {
    return net.layer(layer.id).options();
  });
}

FloatArray weights(const PyLayer& layer) {
  return layer.visit([&](auto& net, auto& node) {
    return view_of(net.parameters(layer.id).data, {node.weight_rows, node.parameters.cols},
                   layer.network);
  });
}

OptionalFloatArray bias(const PyLayer& layer) {
  if (!options(layer).bias) return py::none();
  return layer.visit([&](auto& net, auto& node) -> OptionalFloatArray {
    return view_of(net.parameters(layer.id).row(node.weight_rows), {node.parameters.cols},
                   layer.network);
  });
}

std::string text(const PyLayer& layer) {
  return layer.visit([&](auto& /*net*/, auto& node) {
    return "<Layer " + nnbind::in_quotes(node.name) + " " + std::to_string(node.weight_rows) +
           " -> " + std::to_string(node.parameters.cols) + " " +
           std::string(options(layer).activation.name()) + ">";
  });
}

/// Shows Python's garbage collector the network: else one with an attribute that is its own layer
/// would never be freed.
void collect_garbage(PyHeapTypeObject* heap_type) {
  PyTypeObject& type = heap_type->ht_type;
  type.tp_flags |= Py_TPFLAGS_HAVE_GC;
  type.tp_traverse = [](PyObject* self, visitproc visit, void* arg) -> int {
    Py_VISIT(Py_TYPE(self));
    if (py::detail::is_holder_constructed(self)) {
      Py_VISIT(py::cast<PyLayer&>(py::handle(self)).network.ptr());
    }
    return 0;
  };
  type.tp_clear = [](PyObject* self) -> int {
    if (py::detail::is_holder_constructed(self)) {
      py::cast<PyLayer&>(py::handle(self)).network = py::object();
    }
    return 0;
  };
}

}  // namespace

void register_layers(py::module_& module) {
  py::class_<PyLayer>(module, "Layer", py::custom_type_setup(&collect_garbage),
                      "A fully connected layer of a network.")
      .def_property_readonly(
          "name",
          [](const PyLayer& self) {
            return self.visit([](auto&, auto& node) { return node.name; });
          },
          "The name of the layer.")
      .def_property_readonly(
          "inputs",
          [](const PyLayer& self) {
            return self.visit([](auto&, auto& node) { return node.weight_rows; });
          },
          "The rows of its weights.")
      .def_property_readonly(
          "units", [](const PyLayer& self) { return options(self).units; },
          "The columns of its weights.")
      .def_property_readonly(
          "activation", [](const PyLayer& self) { return options(self).activation; },
          "Its activation.")
      .def_property_readonly(
          "parameter_count",
          [](const PyLayer& self) {
            return self.visit([](auto&, auto& node) { return node.parameters.size(); });
          },
          "Numbers in its weights and bias.")
      .def_property_readonly("weights", &weights, "W (inputs, units): a view of Network.theta.")
      .def_property_readonly("bias", &bias, "b (units,): a view of theta; None without a bias.")
      .def("__repr__", &text);
}

}  // namespace nnbind::bindings
