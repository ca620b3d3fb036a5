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

}  // namespace nnbind
