// Predictions from arrays into arrays, and the short way to the usual one.
#pragma once

#include <optional>

#include "array.hpp"
#include "bindings.hpp"
#include "gil.hpp"

namespace nnbind::bindings {

template <class T>
MatrixView<T> view(py::array& array) {
  return {static_cast<T*>(array.mutable_data()), array.shape(0), array.shape(1), array.shape(1)};
}

template <class T>
std::span<const T> memory(MatrixView<T> contiguous) {
  return {contiguous.data, static_cast<std::size_t>(contiguous.rows * contiguous.cols)};
}

/// Whether writing to `out` would change what a prediction from x still has to read.
template <class T>
bool reads(const Network<T>& network, MatrixView<const T> x, std::span<const T> out) {
  const auto over = [&](std::span<const T> values) {
    const MatrixView<const T> row{values.data(), 1, static_cast<Index>(values.size()), 0};
    return !values.empty() && overlap<T>(row, out);
  };
  return over(network.theta()) || over(network.state()) || overlap<T>(x, out);
}

template <class T>
py::array new_output(const Network<T>& network, Index rows, std::size_t k = 0) {
  return new_matrix<T>(rows, network.graph().node(network.output_ids()[k]).shape.cols);
}

/// Whether a prediction takes less than some 5 µs: then it is not worth it to let others have the
/// interpreter meanwhile, which takes as long as the smallest predictions.
template <class T>
bool is_small(const Network<T>& network, Index rows) {
  const double numbers = network.work() + static_cast<double>(network.inputs());
  return numbers * static_cast<double>(rows) <= 3e5;
}

/// A network of one input and one output.
template <class T>
void predict_into(const Network<T>& network, MatrixView<const T> x, MatrixView<T> out) {
  std::optional<WithoutGil> released;
  if (!is_small(network, x.rows)) released.emplace();
  network.predict(x, out);
}

/// Puts a method in the place of `predict` that answers plain calls by itself and hands on all
/// others to what pybind11 has registered.
void answer_plain_calls_directly(py::class_<PyNetwork>& network);

}  // namespace nnbind::bindings
