#include "nnbind/regularizer.hpp"

#include <cmath>

#include "nnbind/error.hpp"

namespace nnbind {

void Regularizer::check() const {
  require(std::isfinite(l1) && l1 >= 0, "Regularizer",
          "l1 is " + number_text(l1) + "; expected a number >= 0");
  require(std::isfinite(l2) && l2 >= 0, "Regularizer",
          "l2 is " + number_text(l2) + "; expected a number >= 0");
}

BlockPenalty<double> penalty_of(const Regularizer& network, const PenaltySlopes<double>& own,
                                Index samples) {
  const double divisor = network.divide_by_batch_size ? static_cast<double>(samples) : 1.0;
  const PenaltySlopes<double> share{network.l1 / divisor, network.l2 / divisor};
  const PenaltySlopes<double> none{};
  return {{own.l1 + share.l1, own.l2 + share.l2}, network.bias ? share : none};
}

}  // namespace nnbind
