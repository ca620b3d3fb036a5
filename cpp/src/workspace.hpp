// The memory of one run: the activations and deltas of each node, for a number of rows.
#pragma once

#include <memory>
#include <vector>

#include "nnbind/graph.hpp"

namespace nnbind {

enum class Purpose : unsigned char { inference, training };

/// What a run keeps of one node.
template <class T>
struct Slot {
  Matrix<T> output;
  Matrix<T> gradient;  ///< ∂L/∂output, then what parameter_gradient needs; in training only
  Matrix<T> saved;
  Matrix<T> cache;               ///< the parameters in the order that backward reads
  std::vector<bool> accumulate;  ///< for each input: another consumer has written its gradient
  bool wants_gradient = false;   ///< whether there are parameters at it or below it
};

/// The memory of runs over up to `capacity` rows, and the passes over the graph in it. It is made
/// once for a batch size; a pass allocates nothing. Members of a team may run the passes at once,
/// each on rows of its own.
template <class T>
class Workspace {
 public:
  Workspace(const Graph<T>& graph, NodeId output, Index capacity, Purpose purpose,
            bool pre_activation = false);

  [[nodiscard]] Index capacity() const { return capacity_; }
  [[nodiscard]] bool pre_activation() const { return pre_activation_; }

  /// The rows of input node k, to be filled in: one pointer a row of the batch.
  [[nodiscard]] const T** input_rows(std::size_t k) { return input_rows_[k].data(); }
  [[nodiscard]] MatrixView<T> output() { return slots_[output_].output.view(); }
  /// ∂L/∂output, to be filled in between forward and backward.
  [[nodiscard]] MatrixView<T> output_gradient() { return slots_[output_].gradient.view(); }

  void forward(const T* theta, Range rows, const DropoutKey* dropout);
  void backward(Range rows, bool dropout);

  /// Rows `rows` of node `id`'s block of the gradient, from the first `batch` rows of the batch.
  void parameter_gradient(NodeId id, Index batch, Range rows, bool accumulate,
                          MatrixView<T> gradient) const;
  /// Brings the copies of parameters that backward reads up to date, for rows `rows` of node `id`.
  void cache_parameters(NodeId id, const T* theta, Range rows);

 private:
  [[nodiscard]] Rows<T> rows_of(NodeId id, Range rows) const;
  /// The inputs of a node for some rows, in a small array that lives on the stack.
  struct InputList;

  const Graph<T>* graph_;
  NodeId output_;
  Index capacity_;
  bool pre_activation_;
  std::vector<Slot<T>> slots_;
  std::vector<std::vector<const T*>> input_rows_;
  std::vector<std::size_t> input_number_;  // of each input node, among the input nodes
};

}  // namespace nnbind
