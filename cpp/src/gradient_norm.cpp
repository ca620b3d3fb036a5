#include "gradient_norm.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/penalty.hpp"
#include "sum.hpp"

namespace nnbind {

template <class T>
GradientNorm<T>::GradientNorm(const Graph<T>& graph) : places_(graph.nodes().size()) {
  std::size_t cells = 0;
  for (NodeId id = 0; id < places_.size(); ++id) {
    const auto [rows, cols] = graph.node(id).parameters;
    if (rows * cols == 0 || graph.node(id).owner != id) continue;
    places_[id] = {cells, static_cast<std::size_t>(ceil_div(cols, panel_columns<T>))};
    cells += static_cast<std::size_t>(ceil_div(rows, rows_of_shares)) * places_[id].columns;
  }
  squares_.resize(cells);
}

template <class T>
void GradientNorm<T>::add(NodeId id, const Block& block, const Panels<const T>& gradient) {
  const auto [first, columns] = places_[id];
  for (Index j = 0; j < gradient.cols; j += panel_columns<T>) {
    const Index cols = std::min(panel_columns<T>, gradient.cols - j);
    std::size_t cell = first +
                       static_cast<std::size_t>(block.rows.begin / rows_of_shares) * columns +
                       static_cast<std::size_t>((block.cols.begin + j) / panel_columns<T>);
    for (Index i = 0; i < gradient.rows; i += rows_of_shares, cell += columns) {
      squares_[cell] = kernels::sum_of_squares<T>(
          gradient.view(j, cols).middle_rows(i, std::min(rows_of_shares, gradient.rows - i)));
    }
  }
}

template <class T>
double GradientNorm<T>::scale(double clip_norm) const {
  return std::min(1.0, clip_norm / std::sqrt(sum<double>(squares_)));
}

template class GradientNorm<float>;
template class GradientNorm<double>;

}  // namespace nnbind
