// Sums of lists of numbers.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace nnbind {

/// Σ values, in double and in a fixed order: four sums of every fourth, since a single one would
/// wait for itself.
template <class T>
double sum(std::span<const T> values) {
  std::array<double, 4> sums{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    sums[i % sums.size()] += static_cast<double>(values[i]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace nnbind
