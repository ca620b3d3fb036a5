#include "nnbind/regularizer.hpp"

#include "option_checks.hpp"

namespace nnbind {

void Regularizer::check() const {
  require_not_negative("Regularizer", "l1", l1);
  require_not_negative("Regularizer", "l2", l2);
}

BlockPenalty<double> penalty_of(const Regularizer& network, const PenaltySlopes<double>& own,
                                Index samples) {
  const double divisor = network.divide_by_batch_size ? static_cast<double>(samples) : 1.0;
  const PenaltySlopes<double> share{network.l1 / divisor, network.l2 / divisor};
  const PenaltySlopes<double> none{};
  return {{own.l1 + share.l1, own.l2 + share.l2}, network.bias ? share : none};
}

}  // namespace nnbind
