// The norm of a gradient that is computed block by block, to the same bits however it is shared
// out.
#pragma once

#include <vector>

#include "nnbind/graph.hpp"

namespace nnbind {

/// Parameters that are shared out by rows are so in multiples of this: a register tile, or two of
/// six rows.
inline constexpr Index rows_of_shares = 12;

/// Clips a gradient: g ← g · min(1, clip_norm / ‖g‖). Its squares are added up by cells of
/// rows_of_shares rows and a panel's columns, which are never shared, and those in order.
/// Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013.
template <class T>
class GradientNorm {
 public:
  explicit GradientNorm(const Graph<T>& graph);

  /// Takes in a block of the gradient of node `id`'s own parameters, which consists of whole cells.
  /// Threads may do so at once.
  void add(NodeId id, const Block& block, const Panels<const T>& gradient);
  /// What all is multiplied with, once all is in.
  [[nodiscard]] double scale(double clip_norm) const;

 private:
  struct Place {
    std::size_t first = 0;    // cell of the node
    std::size_t columns = 0;  // of its cells
  };
  std::vector<Place> places_;    // of each node
  std::vector<double> squares_;  // of each cell
};

}  // namespace nnbind
