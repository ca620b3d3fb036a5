// A caller's X, y and sample_weight as a Dataset of the core.
#pragma once

#include <pybind11/numpy.h>

#include <string>
#include <utility>
#include <vector>

#include "array.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::bindings {

/// X, y and sample_weight of a caller, checked as far as NumPy is concerned.
template <class T>
struct Arrays {
  std::vector<py::object> owners;
  Dataset<T> dataset;

  /// Borrows the matrix, or a copy of it if training the network would write to it.
  MatrixView<const T> keep(Borrowed<T> matrix, Network<T>& network) {
    if (overlap<T>(matrix.view, network.theta()) || overlap<T>(matrix.view, network.gradient())) {
      matrix = copy_of(matrix);
    }
    owners.push_back(matrix.owner);
    return matrix.view;
  }
};

/// `prefix` is "" or "validation "; see check(Dataset).
template <class T>
Arrays<T> arrays(py::handle x, py::handle y, py::handle sample_weight, Network<T>& network,
                 const Loss& loss, const std::string& where, const std::string& prefix = "") {
  const auto named = [&](const char* name) { return "[" + where + "] " + prefix + name; };
  Arrays<T> result;
  result.dataset.x = result.keep(
      matrix<T>(x, named("X"), "(n, " + std::to_string(network.inputs()) + ")"), network);
  const Index n = result.dataset.x.rows;
  const py::array targets = numbers(y, named("y"));
  if (targets.ndim() == 1 && is_integer(targets) && loss.takes_labels()) {
    const auto labels = vector<std::int64_t>(targets, named("y"), n);
    result.owners.push_back(labels);
    result.dataset.labels = labels.data();
  } else {
    std::string expected = nnbind::shape_text(n, network.outputs());
    if (targets.ndim() == 1 && !loss.takes_labels()) expected += ", as y[:, None] of one output";
    if (loss.takes_labels()) expected += ", or (" + std::to_string(n) + ",) integer labels";
    result.dataset.targets = result.keep(matrix<T>(targets, named("y"), expected), network);
  }
  if (!sample_weight.is_none()) {
    const auto weights = vector<T>(sample_weight, named("sample_weight"), n);
    result.owners.push_back(weights);
    result.dataset.weights = weights.data();
  }
  return result;
}

/// The metrics of these names. Raises ValueError if there is none such.
inline std::vector<Metric> metrics_from_names(const std::vector<std::string>& names,
                                              const std::string& where) {
  std::vector<Metric> metrics;
  metrics.reserve(names.size());
  for (const std::string& name : names) metrics.push_back(metric_from_name(name, where));
  return metrics;
}

}  // namespace nnbind::bindings
