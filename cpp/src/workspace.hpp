// The memory of one run: the activations and deltas of each node, for a number of rows.
#pragma once

#include <vector>

#include "nnbind/graph.hpp"
#include "team.hpp"

namespace nnbind {

/// What a workspace is for: predictions; a single training step; or many steps, which are worth
/// packed copies of large parameters.
enum class Purpose : unsigned char { inference, step, fit };

/// What a run keeps of one node.
template <class T>
struct Slot {
  Matrix<T> output;
  Matrix<T> gradient;  ///< ∂L/∂output, then what parameter_gradient needs; in training only
  Matrix<T> saved;
  PackedMatrix<T> packed;        ///< the parameters during a fit, if large: θ is then behind
  PackedMatrix<T> cache;         ///< the parameters in the order that backward reads
  std::vector<bool> accumulate;  ///< for each input: another consumer has written its gradient
  bool wants_gradient = false;   ///< whether there are parameters at it or below it
  bool by_columns = false;       ///< members share out its columns, not the rows of the batch
};

/// The memory of runs over up to `capacity` rows, and the passes over the graph in it. It is made
/// once for a batch size; a pass allocates nothing.
template <class T>
class Workspace {
 public:
  /// `members` is the size of the team that will train in it.
  Workspace(const Graph<T>& graph, NodeId output, Index capacity, Purpose purpose,
            bool pre_activation = false, int members = 1);

  [[nodiscard]] Index capacity() const { return capacity_; }
  [[nodiscard]] bool pre_activation() const { return pre_activation_; }

  /// The rows of input node k, to be filled in: one pointer a row of the batch.
  [[nodiscard]] const T** input_rows(std::size_t k) { return input_rows_[k].data(); }
  [[nodiscard]] MatrixView<T> output() { return slots_[output_].output.view(); }
  /// ∂L/∂output, to be filled in between forward and backward.
  [[nodiscard]] MatrixView<T> output_gradient() { return slots_[output_].gradient.view(); }

  /// Inference, for some rows. Threads may do so at once, each for rows of its own.
  void infer(const T* theta, Range rows);

  /// This member's part of the forward pass, and of the backward pass, for the first `batch` rows.
  /// The rows of the output, and of its gradient, are shared out by member.share(batch).
  void forward(const Member& member, const T* theta, Index batch, const DropoutKey* dropout);
  void backward(const Member& member, Index batch, bool dropout);

  /// This member's part of node `id`'s block of parameters.
  [[nodiscard]] Block my_parameters(const Member& member, NodeId id) const;
  [[nodiscard]] bool is_packed(NodeId id) const { return !slots_[id].packed.empty(); }
  /// Node `id`'s block of parameters where it is kept up to date: packed, or in θ.
  [[nodiscard]] Panels<T> parameters(NodeId id, T* theta);
  /// Brings this member's part of the packed parameters and the caches up to date with θ.
  void read(const Member& member, T* theta);
  /// Brings θ up to date with this member's part of the packed parameters.
  void write_back(const Member& member, T* theta);
  /// A block of node `id`'s gradient, from the first `batch` rows of the batch.
  void parameter_gradient(NodeId id, Index batch, Block block, bool accumulate,
                          MatrixView<T> gradient) const;
  /// Brings the copies of parameters that backward reads up to date.
  void cache_parameters(NodeId id, T* theta, Block block);

 private:
  struct InputList;
  /// One piece of work of the backward pass.
  struct Step {
    NodeId node;
    bool output_part;  // backward_output; else backward
    bool by_columns;
    bool barrier_before;  // it reads what other members have written
  };

  void plan_packing();
  void plan_columns(int members);
  void plan_backward();
  [[nodiscard]] Rows<T> rows_of(NodeId id, Range rows) const;
  [[nodiscard]] bool is_input(NodeId id) const { return graph_->node(id).inputs.empty(); }
  void forward_node(NodeId id, const T* theta, Range rows, Range columns,
                    const DropoutKey* dropout);
  void backward_step(const Step& step, Range rows, Range columns, bool dropout);

  const Graph<T>* graph_;
  NodeId output_;
  Index capacity_;
  bool pre_activation_;
  std::vector<Slot<T>> slots_;
  std::vector<bool> barrier_before_;  // of each node, in the forward pass
  bool barrier_after_ = false;        // of the forward pass
  std::vector<Step> backward_steps_;
  std::vector<std::vector<const T*>> input_rows_;
  std::vector<std::size_t> input_number_;  // of each input node, among the input nodes
};

}  // namespace nnbind
