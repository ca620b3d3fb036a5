// A caller's X, y and sample_weight as a Dataset of the core.
#pragma once

#include <pybind11/numpy.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "array.hpp"
#include "nnbind/nnbind.hpp"
#include "parts.hpp"

namespace nnbind::bindings {

/// A loss and its weight for each output.
using LossTerms = std::vector<std::pair<std::shared_ptr<Loss>, double>>;

inline Losses losses_of(const LossTerms& list) {
  std::vector<Losses::Term> terms;
  for (const auto& [loss, weight] : list) terms.push_back({loss, weight});
  return terms;
}

/// Whether training the network would write to elements of the matrix.
template <class T>
bool is_written(MatrixView<const T> matrix, const Network<T>& network) {
  return overlap<T>(matrix, network.theta()) || overlap<T>(matrix, network.gradient()) ||
         overlap<T>(matrix, network.state());
}

/// X, y and sample_weight of a caller, checked as far as NumPy is concerned.
template <class T>
struct Arrays {
  std::vector<py::object> owners;
  Dataset<T> dataset;

  /// Borrows the matrix, or a copy of it if training the network would write to it.
  MatrixView<const T> keep(Borrowed<T> matrix, const Network<T>& network) {
    if (is_written(matrix.view, network)) matrix = copy_of(matrix);
    owners.push_back(matrix.owner);
    return matrix.view;
  }

  void add_inputs(const Part& x, Index width, Network<T>& network) {
    dataset.inputs.push_back(keep(matrix<T>(x.value, x.what, width), network));
  }

  void add_targets(const Part& y, Index width, const Loss& loss, Network<T>& network) {
    const Index n = dataset.size();
    const py::array values = numbers(y.value, y.what);
    if (values.ndim() == 1 && is_integer(values) && loss.takes_labels()) {
      const auto labels = vector<std::int64_t>(values, y.what, n);
      owners.push_back(labels);
      dataset.targets.push_back({{}, labels.data()});
      return;
    }
    if (values.ndim() != 2 || values.shape(0) != n || values.shape(1) != width) {
      std::string expected = nnbind::shape_text(n, width);
      if (values.ndim() == 1 && !loss.takes_labels()) expected += ", as y[:, None] of one output";
      if (loss.takes_labels()) expected += ", or (" + std::to_string(n) + ",) integer labels";
      throw ShapeError(y.what + " has shape " + shape_text(values) + "; expected " + expected);
    }
    dataset.targets.push_back({keep(matrix<T>(values, y.what, width), network), nullptr});
  }
};

/// `prefix` is "" or "validation "; see check(Dataset).
template <class T>
Arrays<T> arrays(py::handle x, py::handle y, py::handle sample_weight, Network<T>& network,
                 const Losses& losses, const std::string& where, const std::string& prefix = "") {
  const std::string start = "[" + where + "] " + prefix;
  const auto width = [&](NodeId id) { return network.graph().node(id).shape.cols; };
  const std::vector<NodeId>& inputs = network.input_ids();
  const std::vector<NodeId>& outputs = network.output_ids();
  require(losses.terms.size() == outputs.size(), where, "expected a loss for each output");
  Arrays<T> result;
  const std::vector<Part> xs = parts(x, network, inputs, start + "X");
  for (std::size_t k = 0; k < xs.size(); ++k) {
    result.add_inputs(xs[k], width(inputs[k]), network);
  }
  const std::vector<Part> ys = parts(y, network, outputs, start + "y");
  for (std::size_t k = 0; k < ys.size(); ++k) {
    result.add_targets(ys[k], width(outputs[k]), *losses.terms[k].loss, network);
  }
  if (!sample_weight.is_none()) {
    const auto weights = vector<T>(sample_weight, start + "sample_weight", result.dataset.size());
    result.owners.push_back(weights);
    result.dataset.weights = weights.data();
  }
  return result;
}

}  // namespace nnbind::bindings
