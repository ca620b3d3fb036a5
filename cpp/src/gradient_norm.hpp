// The norm of a gradient that is computed block by block.
#pragma once

#include "cell_sums.hpp"

namespace nnbind {

/// Clips a gradient: g ← g · min(1, clip_norm / ‖g‖).
/// Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013.
template <class T>
class GradientNorm {
 public:
  explicit GradientNorm(const Graph<T>& graph) : squares_(graph) {}

  /// Takes in a block of the gradient of node `id`'s own parameters (CellSums).
  void add(NodeId id, const Block& block, const Panels<const T>& gradient);
  /// What all is multiplied with, once all is in.
  [[nodiscard]] double scale(double clip_norm) const;

 private:
  CellSums<T> squares_;
};

}  // namespace nnbind
