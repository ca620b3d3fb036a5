// What the number behind an option may be. Each throws OptionError: "[SGD] momentum is 2; ...".
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "nnbind/error.hpp"

namespace nnbind {

inline void require_positive(const std::string& where, const std::string& name, double value) {
  require(std::isfinite(value) && value > 0, where,
          name + " is " + number_text(value) + "; expected a positive number");
}

inline void require_not_negative(const std::string& where, const std::string& name, double value) {
  require(std::isfinite(value) && value >= 0, where,
          name + " is " + number_text(value) + "; expected a number >= 0");
}

inline void require_fraction(const std::string& where, const std::string& name, double value) {
  require(value >= 0 && value < 1, where,
          name + " is " + number_text(value) + "; expected 0 <= " + name + " < 1");
}

inline void require_count(const std::string& where, const std::string& name, std::int64_t value,
                          std::int64_t least) {
  require(
      value >= least, where,
      name + " is " + std::to_string(value) + "; expected an integer >= " + std::to_string(least));
}

/// An ε that keeps a denominator off 0 has to be a normal float32: training flushes smaller numbers
/// to 0, and 0 / 0 is a NaN.
inline void require_epsilon(const std::string& where, double epsilon) {
  require(std::isfinite(epsilon) && epsilon >= std::numeric_limits<float>::min(), where,
          "epsilon is " + number_text(epsilon) + "; expected a number >= 1.2e-38");
}

}  // namespace nnbind
