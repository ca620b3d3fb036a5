// The ε that keeps a denominator off 0.
#pragma once

#include <cmath>
#include <limits>

#include "nnbind/error.hpp"

namespace nnbind {

/// Throws OptionError, "[where] epsilon ...", unless ε is a normal float32: training flushes
/// smaller numbers to 0, and 0 / 0 is a NaN.
inline void require_epsilon(double epsilon, const std::string& where) {
  require(std::isfinite(epsilon) && epsilon >= std::numeric_limits<float>::min(), where,
          "epsilon is " + number_text(epsilon) + "; expected a number >= 1.2e-38");
}

}  // namespace nnbind
