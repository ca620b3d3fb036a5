// One node of a graph by itself, in memory of its own: for looking at a network, not for speed.
#pragma once

#include <vector>

#include "nnbind/network.hpp"
#include "workspace.hpp"

namespace nnbind {

/// An owning copy.
template <class T>
Matrix<T> copy_of(MatrixView<const T> values);

/// Runs the operator of a node on copies of its inputs and of its block of θ, with all rows at once
/// on the calling thread. Each input has a gradient of its own, also where one node is there twice.
template <class T>
class NodeRun {
 public:
  /// `inputs` holds a matrix for each input of the node; `batch` is the number of samples. Running
  /// statistics are the network's and stay as they are.
  NodeRun(const Network<T>& network, NodeId id, std::vector<Matrix<T>> inputs, Index batch,
          const Mode<T>& mode = {});

  /// y; or the pre-activation t, where the output activation is left to a loss.
  void forward(bool pre_activation = false);
  /// The gradients from ∂L/∂y; or from ∂L/∂t, after a forward pass that left t.
  void backward(MatrixView<const T> output_gradient, bool pre_activation = false);

  [[nodiscard]] const Node<T>& node() const { return *node_; }
  [[nodiscard]] MatrixView<T> input(std::size_t k) { return inputs_[k].view(); }
  [[nodiscard]] MatrixView<T> parameters() { return parameters_.view(); }
  [[nodiscard]] MatrixView<T> output() { return output_.view(); }
  [[nodiscard]] MatrixView<const T> input_gradient(std::size_t k) const {
    return input_gradients_[k].view();
  }
  [[nodiscard]] MatrixView<const T> parameter_gradient() const {
    return parameter_gradient_.view();
  }

 private:
  void input_part(BackwardPass<T> pass, bool fixed);
  void parameter_part();

  const Node<T>* node_;
  NodeId id_;
  Mode<T> mode_;
  MatrixView<const T> state_;
  std::vector<Matrix<T>> inputs_, input_gradients_;
  std::vector<Rows<T>> input_rows_;
  Matrix<T> parameters_, parameter_gradient_, output_, output_gradient_, saved_;
};

/// A network on a batch as a NodeRun for each node, forward done. Those of the inputs are absent.
template <class T>
class NodeRuns {
 public:
  NodeRuns(const Network<T>& network, const std::vector<MatrixView<const T>>& x,
           const Mode<T>& mode = {});

  /// The run of a node that is no input.
  [[nodiscard]] NodeRun<T>& run(NodeId id) { return *runs_[id]; }
  [[nodiscard]] bool is_input(NodeId id) const { return runs_[id] == nullptr; }
  [[nodiscard]] MatrixView<const T> value(NodeId id) const;

 private:
  std::vector<std::unique_ptr<NodeRun<T>>> runs_;
  std::vector<MatrixView<const T>> inputs_;  // of the input nodes, by node
};

}  // namespace nnbind
