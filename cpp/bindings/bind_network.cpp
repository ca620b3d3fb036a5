// Networks and their layers.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "array.hpp"
#include "bindings.hpp"

namespace nnbind::bindings {

namespace {

template <class T>
std::unique_ptr<Network<T>> make(Index inputs, std::vector<DenseOptions> layers,
                                 std::uint64_t seed) {
  return std::make_unique<Network<T>>(sequential<T>(inputs, std::move(layers), seed));
}

/// One fully connected layer of a network, which it keeps alive.
struct PyLayer {
  py::object network;
  NodeId id;

  template <class F>
  decltype(auto) visit(F&& f) const {
    return network.cast<PyNetwork&>().visit(
        [&](auto& net) -> decltype(auto) { return f(net, net.graph().node(id)); });
  }
  [[nodiscard]] const DenseOptions& options() const {
    return visit(
        [&](auto& net, auto& /*node*/) -> const DenseOptions& { return net.layer(id).options(); });
  }
};

FloatArray weights(const PyLayer& layer) {
  return layer.visit([&](auto& net, auto& node) {
    return view_of(net.parameters(layer.id).data, {node.weight_rows, node.width}, layer.network);
  });
}

OptionalFloatArray bias(const PyLayer& layer) {
  if (!layer.options().bias) return py::none();
  return layer.visit([&](auto& net, auto& node) -> OptionalFloatArray {
    return view_of(net.parameters(layer.id).row(node.weight_rows), {node.width}, layer.network);
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

void register_layer(py::module_& module) {
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
          "units", [](const PyLayer& self) { return self.options().units; },
          "The columns of its weights.")
      .def_property_readonly(
          "activation", [](const PyLayer& self) { return self.options().activation; },
          "Its activation.")
      .def_property_readonly(
          "parameter_count",
          [](const PyLayer& self) {
            return self.visit([](auto&, auto& node) { return node.parameters.size(); });
          },
          "Numbers in its weights and bias.")
      .def_property_readonly("weights", &weights,
                             "W (inputs, units): a view of theta, which sees each step.")
      .def_property_readonly("bias", &bias, "b (units,): a view of theta; None without a bias.")
      .def("__repr__", [](const PyLayer& self) {
        return self.visit([&](auto&, auto& node) {
          return "<Layer " + quoted(node.name) + " " + std::to_string(node.weight_rows) + " -> " +
                 std::to_string(node.width) + " " + std::string(self.options().activation.name()) +
                 ">";
        });
      });
}

template <class T>
void check_out(const py::object& out, Index rows, Index outputs) {
  const std::string what = "[Network.predict] out";
  if (!py::isinstance<py::array>(out)) throw py::type_error(what + " is no array");
  refuse_mask(out, what);
  const py::array array = out;
  if (!is_dtype<T>(array.dtype())) {
    throw py::type_error(what + " has dtype " + std::string(py::str(array.dtype())) +
                         "; expected " + std::string(py::str(py::dtype::of<T>())));
  }
  if (array.ndim() != 2 || array.shape(0) != rows || array.shape(1) != outputs) {
    throw ShapeError(what + " has shape " + shape_text(array) + "; expected " +
                     nnbind::shape_text(rows, outputs));
  }
  require((array.flags() & py::array::c_style) != 0, "Network.predict", "out is not C-contiguous");
  require(array.writeable(), "Network.predict", "out is read-only");
}

template <class T>
py::array_t<T> predict(const Network<T>& network, const Borrowed<T>& samples) {
  py::array_t<T> result({samples.view.rows, network.outputs()});
  const MatrixView<T> to{result.mutable_data(), result.shape(0), result.shape(1), result.shape(1)};
  const py::gil_scoped_release release;
  network.predict(samples.view, to);
  return result;
}

template <class T>
FloatArray predict(const Network<T>& network, const py::object& x, const py::object& out) {
  const auto samples =
      matrix<T>(x, "[Network.predict] X", "(n, " + std::to_string(network.inputs()) + ")");
  if (out.is_none()) return predict(network, samples);
  check_out<T>(out, samples.view.rows, network.outputs());
  py::array array = out;
  const std::span<T> to(static_cast<T*>(array.mutable_data()),
                        static_cast<std::size_t>(array.size()));
  const std::span<const T> theta = network.theta();
  const MatrixView<const T> parameters{theta.data(), 1, network.parameter_count(), 0};
  if (overlap<T>(samples.view, to) || overlap<T>(parameters, to)) {
    const auto apart = predict(network, samples);
    std::copy_n(apart.data(), apart.size(), to.begin());
  } else {
    const py::gil_scoped_release release;
    network.predict(samples.view, {to.data(), array.shape(0), array.shape(1), array.shape(1)});
  }
  return out;
}

void set_theta(PyNetwork& self, const ArrayLike& values) {
  self.visit([&](auto& net) {
    using T = typename std::remove_reference_t<decltype(net.theta())>::value_type;
    const auto source =
        vector<T>(values, "[Network.theta] theta", static_cast<py::ssize_t>(net.parameter_count()));
    const auto lock = self.writing(net, "Network.theta");
    std::copy_n(source.data(), net.parameter_count(), net.theta().begin());
  });
}

void reset(PyNetwork& self) {
  self.visit([&](auto& net) {
    const auto lock = self.writing(net, "Network.reset");
    net.reset();
  });
}

void register_numbers(py::class_<PyNetwork>& network) {
  network
      .def_property_readonly(
          "dtype",
          [](PyNetwork& self) {
            return self.visit([](auto& net) -> FloatDtype {
              return py::dtype::of<
                  typename std::remove_reference_t<decltype(net.theta())>::value_type>();
            });
          },
          "The dtype of theta and of predictions: float32 or float64.")
      .def_property_readonly(
          "inputs",
          [](PyNetwork& self) { return self.visit([](auto& net) { return net.inputs(); }); },
          "The columns of X.")
      .def_property_readonly(
          "outputs",
          [](PyNetwork& self) { return self.visit([](auto& net) { return net.outputs(); }); },
          "The columns of a prediction.")
      .def_property_readonly(
          "parameter_count",
          [](PyNetwork& self) {
            return self.visit([](auto& net) { return net.parameter_count(); });
          },
          "The size of theta.")
      .def_property_readonly(
          "seed", [](PyNetwork& self) { return self.visit([](auto& net) { return net.seed(); }); },
          "The seed of the initial theta, and by default of shuffling and dropout.");
}

}  // namespace

PyNetwork::PyNetwork(Index inputs, std::vector<DenseOptions> layers, std::uint64_t seed,
                     const py::dtype& dtype) {
  if (is_dtype<float>(dtype)) {
    network_ = make<float>(inputs, std::move(layers), seed);
  } else if (is_dtype<double>(dtype)) {
    network_ = make<double>(inputs, std::move(layers), seed);
  } else {
    throw py::type_error("[Network] dtype is " + std::string(py::str(dtype)) +
                         "; expected float32 or float64");
  }
}

PyNetwork::PyNetwork(const PyNetwork& other)
    : network_(std::visit(
          [](const auto& network) -> decltype(network_) {
            using Net = typename std::decay_t<decltype(network)>::element_type;
            return std::make_unique<Net>(*network);
          },
          other.network_)) {}

void register_network(py::module_& module) {
  register_layer(module);
  py::class_<PyNetwork> network(module, "Network", "A feed-forward network.");
  network
      .def(py::init<Index, std::vector<DenseOptions>, std::uint64_t, py::dtype>(),
           py::arg("inputs"), py::arg("layers"), py::arg("seed"), py::arg("dtype"),
           "A chain of fully connected layers.")
      .def(py::init<const PyNetwork&>(), py::arg("other"), "A copy with parameters of its own.")
      .def_property(
          "theta",
          [](const py::object& self) {
            return self.cast<PyNetwork&>().visit([&](auto& net) {
              return view_of(net.theta().data(), {net.parameter_count()}, self);
            });
          },
          &set_theta,
          "All parameters in one vector, (parameter_count,): layer after layer W row by row, then\n"
          "b. A view: writing to it changes the network, and it sees each training step.")
      .def_property_readonly(
          "gradient",
          [](const py::object& self) {
            return self.cast<PyNetwork&>().visit([&](auto& net) {
              return view_of(net.gradient().data(), {net.parameter_count()}, self);
            });
          },
          "What loss_and_gradient, or a step with clip_norm, computed last, (parameter_count,):\n"
          "a view.")
      .def_property_readonly(
          "layers",
          [](const py::object& self) {
            return self.cast<PyNetwork&>().visit([&](auto& net) {
              py::typing::List<PyLayer> layers;
              for (const NodeId id : net.layers()) layers.append(PyLayer{self, id});
              return layers;
            });
          },
          "The fully connected layers, from the input to the output.")
      .def(
          "summary",
          [](PyNetwork& self) { return self.visit([](auto& net) { return net.summary(); }); },
          "A table of the layers and their numbers of parameters.")
      .def("reset", &reset, "Draw theta anew from the seed, as when the network was made.")
      .def(
          "predict",
          [](PyNetwork& self, const ArrayLike& x, const OptionalFloatArray& out) {
            return self.visit([&](auto& net) { return predict(net, x, out); });
          },
          py::arg("X"), py::arg("out") = py::none(),
          "f(X; theta), (n, outputs), for X (n, inputs). Any number of threads may call it at "
          "once.\n\n"
          "The result is a new array, or `out`: C-contiguous, writeable and of the network's "
          "dtype.\n"
          "Raises ShapeError, TypeError or ValueError if X or out does not fit.");
  register_numbers(network);
  register_history(module);
  register_fit(network);
  register_training(module, network);
}

}  // namespace nnbind::bindings
