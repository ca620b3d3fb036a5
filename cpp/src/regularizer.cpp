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

Regularizer penalty_of(const Regularizer& network, const Regularizer& own, bool weights,
                       Index samples) {
  const double divisor = network.divide_by_batch_size ? static_cast<double>(samples) : 1.0;
  const double share = weights || network.bias ? 1 / divisor : 0;
  const double from_own = weights ? 1 : 0;
  return {from_own * own.l1 + share * network.l1, from_own * own.l2 + share * network.l2};
}

}  // namespace nnbind
