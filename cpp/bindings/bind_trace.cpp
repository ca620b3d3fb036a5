// What is to be seen of a network: traces, activations, drawings.
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>

#include "bindings.hpp"
#include "dataset_arrays.hpp"
#include "gil.hpp"

namespace nnbind::bindings {

namespace {

/// A trace of either dtype, as arrays.
struct PyTrace {
  struct Node {
    std::string name, kind, activation;
    std::vector<NodeId> inputs;
    bool is_batch;
    FloatArray value, gradient;
    OptionalFloatArray parameters, parameter_gradient;
  };
  struct Edge {
    NodeId producer, consumer;
    std::size_t input;
    FloatArray gradient;
    OptionalFloatArray local_derivative;
  };
  struct Output {
    NodeId node;
    std::string loss;
    double value, weight;
    FloatArray gradient;
    bool fused;
  };
  double loss, penalty;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<Output> outputs;
};

template <class T>
FloatArray array_of(const Matrix<T>& matrix) {
  const MatrixView<const T> values = matrix.view();
  py::array_t<T> array({values.rows, values.cols});
  for (Index i = 0; i < values.rows; ++i) {
    std::copy_n(values.row(i), values.cols, array.mutable_data() + i * values.cols);
  }
  return array;
}

template <class T>
OptionalFloatArray array_of(const Jacobian<T>& local) {
  if (local.values.empty()) return py::none();
  return py::array_t<T>({local.samples, local.outputs, local.inputs}, local.values.data());
}

template <class T>
PyTrace as_arrays(const Trace<T>& trace) {
  PyTrace result{trace.loss, trace.penalty, {}, {}, {}};
  const auto unless_empty = [](const Matrix<T>& matrix) -> OptionalFloatArray {
    if (matrix.view().rows == 0) return py::none();
    return array_of(matrix);
  };
  for (const auto& node : trace.nodes) {
    result.nodes.push_back({node.name, node.kind, node.activation, node.inputs, node.is_batch,
                            array_of(node.value), array_of(node.gradient),
                            unless_empty(node.parameters), unless_empty(node.parameter_gradient)});
  }
  for (const auto& edge : trace.edges) {
    result.edges.push_back({edge.producer, edge.consumer, edge.input, array_of(edge.gradient),
                            array_of(edge.local_derivative)});
  }
  for (const auto& output : trace.outputs) {
    result.outputs.push_back({output.node, output.loss, output.value, output.weight,
                              array_of(output.gradient), output.fused});
  }
  return result;
}

template <class T>
PyTrace trace_network(Network<T>& network, const py::object& x, const py::object& y,
                      const Losses& losses, const Regularizer& regularizer,
                      const py::object& sample_weight, Index widest) {
  const auto data = arrays<T>(x, y, sample_weight, network, losses, "Network.trace");
  const Trace<T> traced = [&] {
    const WithoutGil released;
    return trace<T>(network, data.dataset, losses, regularizer, widest);
  }();
  return as_arrays(traced);
}

template <class T>
py::typing::Dict<py::str, FloatArray> node_values(const Network<T>& network, const py::object& x) {
  const std::vector<NodeId>& inputs = network.input_ids();
  std::vector<py::object> owners;
  std::vector<MatrixView<const T>> from;
  for (const Part& part : parts(x, names_of(network, inputs), "[Network.activations] X")) {
    const Index width = network.graph().node(inputs[from.size()]).shape.cols;
    const auto borrowed = matrix<T>(part.value, part.what, width);
    owners.push_back(borrowed.owner);
    from.push_back(borrowed.view);
  }
  py::typing::Dict<py::str, FloatArray> values;
  std::vector<MatrixView<T>> to;
  for (const auto& node : network.graph().nodes()) {
    const Index rows = node.shape.is_batch() ? from[0].rows : node.shape.rows;
    py::array_t<T> array({rows, node.shape.cols});
    to.push_back({array.mutable_data(), rows, node.shape.cols, node.shape.cols});
    values[py::str(node.name)] = array;
  }
  {
    const WithoutGil released;
    activations(network, from, to);
  }
  return values;
}

void register_trace_types(py::module_& module) {
  py::class_<PyTrace::Node>(module, "TraceNode", "A node in a trace.")
      .def_readonly("name", &PyTrace::Node::name, "Its name.")
      .def_readonly("kind", &PyTrace::Node::kind, "What its operator is.")
      .def_readonly("activation", &PyTrace::Node::activation, "The activation that it ends with.")
      .def_readonly("inputs", &PyTrace::Node::inputs, "The numbers of the nodes that it reads.")
      .def_readonly("is_batch", &PyTrace::Node::is_batch, "Whether it has a row for each sample.")
      .def_readonly("value", &PyTrace::Node::value, "Its value, (n, width) or (rows, width).")
      .def_readonly("gradient", &PyTrace::Node::gradient, "dL/dvalue, of the same shape.")
      .def_readonly("parameters", &PyTrace::Node::parameters, "Its own block of theta, or None.")
      .def_readonly("parameter_gradient", &PyTrace::Node::parameter_gradient,
                    "dL/d(parameters), with R, or None.");
  py::class_<PyTrace::Edge>(module, "TraceEdge", "An edge in a trace.")
      .def_readonly("producer", &PyTrace::Edge::producer, "The number of the node it comes from.")
      .def_readonly("consumer", &PyTrace::Edge::consumer, "The number of the node it leads to.")
      .def_readonly("input", &PyTrace::Edge::input, "Which of its inputs, from 0.")
      .def_readonly("gradient", &PyTrace::Edge::gradient,
                    "What comes back along it: a term of the producer's gradient.")
      .def_readonly("local_derivative", &PyTrace::Edge::local_derivative,
                    "d(consumer)/d(producer), (n, consumer's width, producer's width), or None.");
  py::class_<PyTrace::Output>(module, "TraceOutput", "What the loss makes of an output.")
      .def_readonly("node", &PyTrace::Output::node, "The number of the output's node.")
      .def_readonly("loss", &PyTrace::Output::loss, "The name of the loss.")
      .def_readonly("value", &PyTrace::Output::value, "Its value over the batch.")
      .def_readonly("weight", &PyTrace::Output::weight, "Its weight in L.")
      .def_readonly("gradient", &PyTrace::Output::gradient, "dL/d(output): a term of its gradient.")
      .def_readonly("fused", &PyTrace::Output::fused,
                    "Whether each d/d(output) is d/dt of its pre-activation instead.");
  py::class_<PyTrace>(module, "Trace", "One forward and one backward pass.")
      .def_readonly("loss", &PyTrace::loss, "L, R(theta) included.")
      .def_readonly("penalty", &PyTrace::penalty, "R(theta).")
      .def_readonly("nodes", &PyTrace::nodes, "The nodes, in their order.")
      .def_readonly("edges", &PyTrace::edges, "The edges, in the order of their consumers.")
      .def_readonly("outputs", &PyTrace::outputs, "The outputs and their losses.");
}

}  // namespace

void register_trace(py::module_& module, py::class_<PyNetwork>& network) {
  register_trace_types(module);
  network
      .def(
          "_trace",
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const Regularizer& regularizer, const OptionalArrayLike& sample_weight, Index widest) {
            return self.visit([&](auto& net) {
              return trace_network(net, x, y, losses_of(losses), regularizer, sample_weight,
                                   widest);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("regularizer"),
          py::arg("sample_weight"), py::arg("widest"), "The passes behind nnbind.Network.trace.")
      .def(
          "activations",
          [](PyNetwork& self, const Parts& x) {
            return self.visit([&](auto& net) { return node_values(net, x); });
          },
          py::arg("X"),
          "The value of every node for X (n, inputs): a dict from names to arrays (n, width), or\n"
          "(rows, width) where no batch changes the value, as that of a parameter.\n\n"
          "Any number of threads may call it at once. Raises ShapeError or TypeError if X does\n"
          "not fit.")
      .def(
          "_to_dot",
          [](PyNetwork& self) { return self.visit([](auto& net) { return to_dot(net); }); },
          "The text behind nnbind.Network.graph.");
}

}  // namespace nnbind::bindings
