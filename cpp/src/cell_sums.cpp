#include "cell_sums.hpp"

#include "sum.hpp"

namespace nnbind {

template <class T>
CellSums<T>::CellSums(const Graph<T>& graph) : places_(graph.nodes().size()) {
  std::size_t cells = 0;
  for (const NodeId id : graph.parameter_nodes()) {
    const auto [rows, cols] = graph.nodes()[id].parameters;
    places_[id] = {cells, static_cast<std::size_t>(ceil_div(rows, rows_of_shares))};
    cells += static_cast<std::size_t>(ceil_div(cols, panel_columns<T>)) * places_[id].height;
  }
  cells_.resize(cells);
}

template <class T>
double CellSums<T>::total() const {
  return sum<double>(cells_);
}

template class CellSums<float>;
template class CellSums<double>;

}  // namespace nnbind
