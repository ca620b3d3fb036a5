// Networks: how they are made, and their numbers.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>

#include "array.hpp"
#include "bindings.hpp"
#include "parts.hpp"

namespace nnbind::bindings {

namespace {

template <class T>
std::unique_ptr<Network<T>> make_network(const std::vector<PyNode>& nodes,
                                         const std::vector<NodeId>& outputs, std::uint64_t seed) {
  Graph<T> graph;
  for (const auto& [name, what, inputs, shared] : nodes) {
    if (const Index* width = std::get_if<Index>(&what)) {
      graph.input(*width, name);
    } else {
      graph.add(std::get<PyOperatorPointer>(what)->template of<T>(), inputs, name, shared);
    }
  }
  return std::make_unique<Network<T>>(std::move(graph), outputs, seed);
}

/// A getter of what f makes of the Network<float> or Network<double>.
template <class F>
auto property(F f) {
  return [f](PyNetwork& self) { return self.visit(f); };
}

/// A getter of a vector of the network, as a view that keeps the network alive.
template <class F>
auto vector_view(F vector_of) {
  return [vector_of](const py::object& self) {
    return self.cast<PyNetwork&>().visit([&](auto& net) {
      const auto values = vector_of(net);
      return view_of(values.data(), {static_cast<py::ssize_t>(values.size())}, self);
    });
  };
}

/// `check` throws if the network cannot have the values, and is called before it is changed.
template <class F, class Check>
void set_vector(PyNetwork& self, const ArrayLike& values, const char* name, F vector_of,
                Check check) {
  self.visit([&](auto& net) {
    const auto to = vector_of(net);
    using T = typename decltype(to)::value_type;
    const std::string where = std::string("Network.") + name;
    const auto source =
        vector<T>(values, "[" + where + "] " + name, static_cast<py::ssize_t>(to.size()));
    check(net, std::span<const T>(source.data(), to.size()));
    const auto lock = self.writing(net, where);
    std::copy_n(source.data(), to.size(), to.begin());
  });
}

constexpr auto theta_of = [](auto& net) { return net.theta(); };
constexpr auto gradient_of = [](auto& net) { return net.gradient(); };
constexpr auto state_of = [](auto& net) { return net.state(); };

/// Raises OptionError unless they are finite.
constexpr auto check_theta = []<class T>(const Network<T>& /*net*/, std::span<const T> theta) {
  if (all_finite(theta)) return;
  throw OptionError("[Network.theta] theta has a NaN or an infinity");
};

/// Raises OptionError unless these can be running statistics: finite, and no variance below 0.
constexpr auto check_state = []<class T>(const Network<T>& net, std::span<const T> state) {
  const std::string what = "[Network.state] state of ";
  for (const auto& node : net.graph().nodes()) {
    const MatrixView<const T> block = node.state_in(state.data());
    if (!all_finite(std::span(block.data, static_cast<std::size_t>(node.state.size())))) {
      throw OptionError(what + nnbind::in_quotes(node.name) + " has a NaN or an infinity");
    }
    const T* variances = block.row(1);  // below the means
    const auto is_negative = [](T value) { return value < 0; };
    if (block.rows == 2 && std::any_of(variances, variances + block.cols, is_negative)) {
      throw OptionError(what + nnbind::in_quotes(node.name) + " has a variance below 0");
    }
  }
};

/// Lets the next step of a network be that of another one, which may be of another dtype.
void continue_from(PyNetwork& self, PyNetwork& other) {
  const auto [epochs, steps] =
      other.visit([](auto& net) { return std::pair(net.epochs_trained, net.steps_trained); });
  self.visit([&, epochs = epochs, steps = steps](auto& net) {
    net.epochs_trained = epochs;
    net.steps_trained = steps;
  });
}

void reset(PyNetwork& self) {
  self.visit([&](auto& net) { self.in_callback ? net.redraw() : net.reset(); });
}

py::typing::List<PyLayer> layers(const py::object& self) {
  return self.cast<PyNetwork&>().visit([&](auto& net) {
    py::typing::List<PyLayer> layers;
    for (const NodeId id : net.layers()) layers.append(PyLayer{self, id});
    return layers;
  });
}

py::typing::Dict<py::str, FloatArray> parameters(const py::object& self) {
  return self.cast<PyNetwork&>().visit([&](auto& net) {
    py::typing::Dict<py::str, FloatArray> blocks;
    for (NodeId id = 0; id < net.graph().nodes().size(); ++id) {
      const auto& node = net.graph().node(id);
      if (node.owner != id || node.parameters.size() == 0) continue;
      blocks[py::str(node.name)] =
          view_of(net.parameters(id).data, {node.parameters.rows, node.parameters.cols}, self);
    }
    return blocks;
  });
}

void register_vectors(py::class_<PyNetwork>& network) {
  network
      .def_property(
          "theta", vector_view(theta_of),
          [](PyNetwork& self, const ArrayLike& values) {
            set_vector(self, values, "theta", theta_of, check_theta);
          },
          "All parameters in one vector, (parameter_count,): node after node W row by row, then\n"
          "b. A view: writing to it changes the network, and it sees each training step; but in a\n"
          "fit on arrays, of built-in parts, some of it only at the end of each epoch. To set it\n"
          "raises ValueError for a NaN or an infinity, and BusyError in a training but for its\n"
          "callbacks.")
      .def_property_readonly("gradient", vector_view(gradient_of),
                             "What loss_and_gradient computed last, (parameter_count,): a view.")
      .def_property(
          "state", vector_view(state_of),
          [](PyNetwork& self, const ArrayLike& values) {
            set_vector(self, values, "state", state_of, check_state);
          },
          "What training moves without a gradient, in one vector: the running statistics of each\n"
          "batch normalization, its means, then its variances. A view; empty without any. To set\n"
          "it raises ValueError for a NaN, an infinity or a variance below 0, and BusyError in a\n"
          "training but for its callbacks.")
      .def_property_readonly("layers", &layers,
                             "The fully connected layers, each once, from the input to the output.")
      .def_property_readonly(
          "parameters", &parameters,
          "The block of theta of each node that has one, by name: views. That of a fully "
          "connected\n"
          "layer is (inputs + 1, units) with the bias as the last row, of a normalization (2, w).");
}

void register_numbers(py::class_<PyNetwork>& network) {
  network
      .def_property_readonly("dtype", property([](auto& net) -> FloatDtype {
                               using T = typename decltype(net.theta())::value_type;
                               return py::dtype::of<T>();
                             }),
                             "The dtype of theta and of predictions: float32 or float64.")
      .def_property_readonly("inputs", property([](auto& net) { return net.inputs(); }),
                             "The columns of X; with several inputs, of all together.")
      .def_property_readonly("outputs", property([](auto& net) { return net.outputs(); }),
                             "The columns of a prediction; with several outputs, of all together.")
      .def_property_readonly("input_names",
                             property([](auto& net) { return names_of(net, net.input_ids()); }),
                             "The names of the inputs, in their order.")
      .def_property_readonly("output_names",
                             property([](auto& net) { return names_of(net, net.output_ids()); }),
                             "The names of the outputs, in their order.")
      .def_property_readonly("parameter_count",
                             property([](auto& net) { return net.parameter_count(); }),
                             "The size of theta.")
      .def_property_readonly(
          "seed", property([](auto& net) { return net.seed(); }),
          "The seed of the initial theta, and by default of shuffling and dropout.")
      .def("_node_names", property([](auto& net) {
             std::vector<std::string> names;
             for (const auto& node : net.graph().nodes()) names.push_back(node.name);
             return names;
           }),
           "The names of the nodes, in the order of the graph.")
      .def("_layer_indices", property([](auto& net) {
             std::vector<Index> indices;
             for (const auto& node : net.graph().nodes()) indices.push_back(node.layer_index);
             return indices;
           }),
           "The longest path from an input to each node, in the order of the graph.");
}

}  // namespace

PyNetwork::PyNetwork(const std::vector<PyNode>& nodes, const std::vector<NodeId>& outputs,
                     std::uint64_t seed, const py::dtype& dtype) {
  if (is_dtype<float>(dtype)) {
    network_ = make_network<float>(nodes, outputs, seed);
  } else if (is_dtype<double>(dtype)) {
    network_ = make_network<double>(nodes, outputs, seed);
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
  module.def(
      "parts",
      [](const Parts& values, const std::vector<std::string>& names, const std::string& what) {
        py::typing::List<py::object> list;
        for (Part& part : parts(values, names, what)) list.append(part.value);
        return list;
      },
      py::arg("values"), py::arg("names"), py::arg("what"),
      "The parts of an X or a y in the order of the names.\n\n"
      "Raises TypeError or ValueError, with `what` in it, if it is no list or dict of those.");
  module.def(
      "numbers",
      [](const ArrayLike& values, const std::string& what) -> AnyArray {
        return numbers(values, what);
      },
      py::arg("values"), py::arg("what"),
      "The values as an array of real numbers, which may be the same object.\n\n"
      "Raises TypeError, with `what` in it, if they are none, or an array of them is masked.");
  py::class_<PyNetwork> network(module, "Network", "A feed-forward network.");
  network
      .def(
          py::init<const std::vector<PyNode>&, const std::vector<NodeId>&, std::uint64_t,
                   py::dtype>(),
          py::arg("nodes"), py::arg("outputs"), py::arg("seed"), py::arg("dtype"),
          "A graph, as a list of (name, operator or width of an input, inputs, shared), where the\n"
          "last two are numbers of earlier nodes.")
      .def(py::init<const PyNetwork&>(), py::arg("other"), "A copy with parameters of its own.")
      .def("summary", property([](auto& net) { return net.summary(); }),
           "A table of the nodes and their numbers of parameters.")
      .def("_continue_from", &continue_from, py::arg("other"),
           "Take over how many epochs and steps the other network was trained.")
      .def("reset", &reset,
           "Draw theta anew from the seed, as when the network was made. Raises BusyError in a\n"
           "training but for its callbacks.");
  register_training_state(module);
  register_model_file(network);
  register_vectors(network);
  register_numbers(network);
  register_predict(network);
  register_fit(network);
  register_training(module, network);
  register_derivatives(network);
  register_trace(module, network);
}

}  // namespace nnbind::bindings
