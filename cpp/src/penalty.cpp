#include "penalty.hpp"

#include <algorithm>

#include "kernels/penalty.hpp"

namespace nnbind {

namespace {

bool is_zero(const Regularizer& r) { return r.l1 == 0 && r.l2 == 0; }

}  // namespace

template <class T>
Penalty<T>::Penalty(const Graph<T>& graph, const Regularizer& regularizer)
    : graph_(&graph), regularizer_(regularizer) {
  bool zero = nnbind::is_zero(regularizer);
  for (const Node<T>& node : graph.nodes()) {
    const Regularizer own = node.op->penalty();
    zero = zero && nnbind::is_zero(own);
    whole_.push_back(
        {penalty_of(regularizer, own, true, 1), penalty_of(regularizer, own, false, 1)});
  }
  if (!zero) sums_.emplace(graph);
}

template <class T>
Range Penalty<T>::rows_of(NodeId id, const Block& block, bool weights) const {
  const Index count = block.rows.size();
  const Index first_bias =
      std::clamp<Index>(graph_->node(id).weight_rows - block.rows.begin, 0, count);
  return weights ? Range{0, first_bias} : Range{first_bias, count};
}

template <class T>
void Penalty<T>::add(NodeId id, const Block& block, const Panels<const T>& theta, Index samples) {
  const Regularizer of_weights = of(id, true, samples);
  const Regularizer of_biases = of(id, false, samples);
  const Index weights = rows_of(id, block, true).size();
  sums_->set(id, block, [&](Range rows, Range cols) {
    const MatrixView<const T> cell = theta.view(cols.begin, cols.size());
    const auto of_rows = [&](const Regularizer& r, Index begin, Index end) {
      double sum = 0;
      if (begin >= end) return sum;
      const MatrixView<const T> part = cell.middle_rows(begin, end - begin);
      if (r.l1 != 0) sum += r.l1 * kernels::sum_of_absolutes(part);
      if (r.l2 != 0) sum += r.l2 / 2 * kernels::sum_of_squares(part);
      return sum;
    };
    return of_rows(of_weights, rows.begin, std::min(rows.end, weights)) +
           of_rows(of_biases, std::max(rows.begin, weights), rows.end);
  });
}

template <class T>
std::optional<BlockPenalty<T>> Penalty<T>::slopes(NodeId id, Index samples) const {
  const auto slopes_of = [](const Regularizer& r) {
    return PenaltySlopes<T>{static_cast<T>(r.l1), static_cast<T>(r.l2)};
  };
  const BlockPenalty<T> both{slopes_of(of(id, true, samples)), slopes_of(of(id, false, samples))};
  if (both.weights.are_zero() && both.biases.are_zero()) return std::nullopt;
  return both;
}

template <class T>
void Penalty<T>::add_gradient(NodeId id, const Block& block, const Panels<const T>& theta,
                              Index samples, const Panels<T>& gradient) const {
  const std::optional<BlockPenalty<T>> both = slopes(id, samples);
  if (!both) return;
  for (const bool weights : {true, false}) {
    const Range rows = rows_of(id, block, weights);
    const auto of_rows = [&](const auto& all) { return all.middle_rows(rows.begin, rows.size()); };
    theta.each_view([&](Index first, const MatrixView<const T>& part) {
      kernels::add_penalty_gradient<T>(of_rows(part), weights ? both->weights : both->biases,
                                       of_rows(gradient.view(first, part.cols)));
    });
  }
}

template class Penalty<float>;
template class Penalty<double>;

}  // namespace nnbind
