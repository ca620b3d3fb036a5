// Sums over all parameters of a network that are computed block by block, to the same bits however
// the blocks are shared out.
#pragma once

#include <algorithm>
#include <vector>

#include "nnbind/graph.hpp"

namespace nnbind {

/// Parameters that are shared out by rows are so in multiples of this: a register tile, or two of
/// six rows.
inline constexpr Index rows_of_shares = 12;

/// Such a sum: by cells of rows_of_shares rows and a panel's columns, which are never shared, and
/// those in order.
template <class T>
class CellSums {
 public:
  explicit CellSums(const Graph<T>& graph);

  /// Sets those of a block of node `id`'s own parameters, which consists of whole cells, to
  /// of_cell(rows, cols): the sum over those rows and columns of the block. Threads may do so at
  /// once.
  template <class F>
  void set(NodeId id, const Block& block, F&& of_cell) {
    const auto [first, height] = places_[id];
    const auto [rows, cols] = block;
    for (Index j = 0; j < cols.size(); j += panel_columns<T>) {
      const Range wide{j, std::min(j + panel_columns<T>, cols.size())};
      std::size_t cell = first +
                         static_cast<std::size_t>((cols.begin + j) / panel_columns<T>) * height +
                         static_cast<std::size_t>(rows.begin / rows_of_shares);
      for (Index i = 0; i < rows.size(); i += rows_of_shares) {
        cells_[cell++] = of_cell(Range{i, std::min(i + rows_of_shares, rows.size())}, wide);
      }
    }
  }
  /// Over all cells.
  [[nodiscard]] double total() const;

 private:
  struct Place {
    std::size_t first = 0;   // cell of the node
    std::size_t height = 0;  // cells of one of its panels, which are each other's neighbours
  };
  std::vector<Place> places_;  // of each node
  std::vector<double> cells_;
};

}  // namespace nnbind
