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
  constexpr std::size_t chains = 4;
  std::array<double, chains> sums{};
  std::size_t i = 0;
  for (; i + chains <= values.size(); i += chains) {
    for (std::size_t k = 0; k < chains; ++k) sums[k] += static_cast<double>(values[i + k]);
  }
  for (std::size_t k = 0; i < values.size(); ++i, ++k) sums[k] += static_cast<double>(values[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace nnbind
