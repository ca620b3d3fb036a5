// R(θ) of a network and its gradient, block by block.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "cell_sums.hpp"
#include "nnbind/descent.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// The network's R and its layers' own, together.
template <class T>
class Penalty {
 public:
  Penalty(const Graph<T>& graph, const Regularizer& regularizer);
  /// Whether nothing is penalized.
  [[nodiscard]] bool is_zero() const { return !sums_; }

  /// Takes in a block of node `id`'s own θ (CellSums), for a batch of so many samples.
  void add(NodeId id, const Block& block, const Panels<const T>& theta, Index samples);
  /// R(θ), once all is in.
  [[nodiscard]] double value() const { return sums_ ? sums_->total() : 0; }

  /// What the gradient by a node's parameters takes from R; nothing if that is 0.
  [[nodiscard]] std::optional<BlockPenalty<T>> slopes(NodeId id, Index samples) const;
  /// Adds the gradient of R by a block of node `id`'s θ.
  void add_gradient(NodeId id, const Block& block, const Panels<const T>& theta, Index samples,
                    const Panels<T>& gradient) const;

 private:
  [[nodiscard]] Regularizer of(NodeId id, bool weights, Index samples) const {
    if (!regularizer_.divide_by_batch_size) return whole_[id][weights ? 0 : 1];
    return penalty_of(regularizer_, graph_->node(id).op->penalty(), weights, samples);
  }
  /// Of a block's rows those of weights, or of biases.
  [[nodiscard]] Range rows_of(NodeId id, const Block& block, bool weights) const;

  const Graph<T>* graph_;
  Regularizer regularizer_;
  std::vector<std::array<Regularizer, 2>> whole_;  // of each node's weights and biases, undivided
  std::optional<CellSums<T>> sums_;
};

}  // namespace nnbind
