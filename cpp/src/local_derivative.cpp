#include "local_derivative.hpp"

#include <algorithm>

namespace nnbind {

namespace {

/// Numbers that belong to one sample, or all of them where there are no samples.
Index elements(Shape shape) { return (shape.is_batch() ? 1 : shape.rows) * shape.cols; }

template <class T>
NodeRun<T> run_of_row(const Network<T>& network, const NodeRuns<T>& runs, NodeId id, Index row) {
  std::vector<Matrix<T>> inputs;
  for (const NodeId input : network.graph().node(id).inputs) {
    const MatrixView<const T> value = runs.value(input);
    const bool is_batch = network.graph().node(input).shape.is_batch();
    inputs.push_back(copy_of(is_batch ? value.middle_rows(row, 1) : value));
  }
  return NodeRun<T>(network, id, std::move(inputs), 1);
}

template <class T>
void append(MatrixView<const T> values, std::vector<T>& list) {
  for (Index i = 0; i < values.rows; ++i) {
    list.insert(list.end(), values.row(i), values.row(i) + values.cols);
  }
}

}  // namespace

template <class T>
std::vector<Jacobian<T>> local_derivatives(const Network<T>& network, const NodeRuns<T>& runs,
                                           NodeId id, bool pre_activation, Index widest) {
  const Node<T>& node = network.graph().node(id);
  const Index samples = node.shape.is_batch() ? runs.value(id).rows : 1;
  const Index outputs = elements(node.shape);
  std::vector<Jacobian<T>> local;
  local.reserve(node.input_shapes.size());
  for (const Shape shape : node.input_shapes) {
    local.push_back({samples, outputs, elements(shape), {}});
  }
  const auto fits = [&](const Jacobian<T>& j) { return j.outputs <= widest && j.inputs <= widest; };
  if (std::ranges::none_of(local, fits)) return local;
  for (Index i = 0; i < samples; ++i) {
    NodeRun<T> run = run_of_row(network, runs, id, i);
    run.forward(pre_activation);
    Matrix<T> unit(run.output().rows, run.output().cols);
    for (Index j = 0; j < outputs; ++j) {
      T& element = unit.view()(j / node.shape.cols, j % node.shape.cols);
      element = 1;
      run.backward(unit.view(), pre_activation);
      element = 0;
      for (std::size_t k = 0; k < local.size(); ++k) {
        if (fits(local[k])) append(run.input_gradient(k), local[k].values);
      }
    }
  }
  return local;
}

#define NNBIND_INSTANTIATE(T)                                                                   \
  template std::vector<Jacobian<T>> local_derivatives<T>(const Network<T>&, const NodeRuns<T>&, \
                                                         NodeId, bool, Index);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
