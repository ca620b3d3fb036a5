#include "penalty.hpp"

#include <algorithm>

#include "kernels/penalty.hpp"

namespace nnbind {

template <class T>
Penalty<T>::Penalty(const Graph<T>& graph, const Regularizer& regularizer)
    : graph_(&graph), regularizer_(regularizer) {
  for (const Node<T>& node : graph.nodes()) {
    whole_.push_back(penalty_of(regularizer, node.op->penalty(), 1));
  }
  const auto is_zero = [](const BlockPenalty<double>& penalty) { return penalty.is_zero(); };
  if (!std::ranges::all_of(whole_, is_zero)) sums_.emplace(graph);
}

template <class T>
void Penalty<T>::add(NodeId id, const Block& block, const Panels<const T>& theta, Index samples) {
  const BlockPenalty<double> penalty = of(id, samples);
  const Index weights = graph_->nodes()[id].weights_among(block.rows);
  sums_->set(id, block, [&](Range rows, Range cols) {
    const MatrixView<const T> cell = theta.view(cols.begin, cols.size());
    const auto of_rows = [&](const PenaltySlopes<double>& r, Index begin, Index end) {
      double sum = 0;
      if (begin >= end) return sum;
      const MatrixView<const T> part = cell.middle_rows(begin, end - begin);
      if (r.l1 != 0) sum += r.l1 * kernels::sum_of_absolutes(part);
      if (r.l2 != 0) sum += r.l2 / 2 * kernels::sum_of_squares(part);
      return sum;
    };
    return of_rows(penalty.weights, rows.begin, std::min(rows.end, weights)) +
           of_rows(penalty.biases, std::max(rows.begin, weights), rows.end);
  });
}

template <class T>
std::optional<BlockPenalty<T>> Penalty<T>::slopes(NodeId id, Index samples) const {
  const auto both = of(id, samples).template as<T>();
  return both.is_zero() ? std::nullopt : std::optional(both);
}

template <class T>
void Penalty<T>::add_gradient(NodeId id, const Block& block, const Panels<const T>& theta,
                              Index samples, const Panels<T>& gradient) const {
  const std::optional<BlockPenalty<T>> both = slopes(id, samples);
  if (!both) return;
  const Index weights = graph_->nodes()[id].weights_among(block.rows);
  const auto add = [&](const PenaltySlopes<T>& slopes, Index begin, Index end) {
    theta.each_view([&](Index first, const MatrixView<const T>& part) {
      kernels::add_penalty_gradient<T>(
          part.middle_rows(begin, end - begin), slopes,
          gradient.view(first, part.cols).middle_rows(begin, end - begin));
    });
  };
  add(both->weights, 0, weights);
  add(both->biases, weights, block.rows.size());
}

template class Penalty<float>;
template class Penalty<double>;

}  // namespace nnbind
