// R(θ) of a network and its gradient, block by block.
#pragma once

#include <optional>
#include <vector>

#include "cell_sums.hpp"
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
  [[nodiscard]] BlockPenalty<double> of(NodeId id, Index samples) const {
    if (!regularizer_.divide_by_batch_size) return whole_[id];
    return penalty_of(regularizer_, graph_->nodes()[id].op->penalty(), samples);
  }

  const Graph<T>* graph_;
  Regularizer regularizer_;
  std::vector<BlockPenalty<double>> whole_;  // of each node, undivided
  std::optional<CellSums<T>> sums_;
};

}  // namespace nnbind
