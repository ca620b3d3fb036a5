// The inputs of a weight gradient, copied.
#pragma once

#include <algorithm>
#include <array>

#include "kernels/product.hpp"

namespace nnbind::kernels {

/// A copy of some inputs of some samples, in the order in which the tiles of a product read it.
template <class T>
struct InputStack {
  static constexpr Index most_samples = 128;
  static constexpr Index most_inputs = 96;
  static constexpr Index size = most_samples * most_inputs + lanes<T>;
  alignas(cache_line) std::array<T, static_cast<std::size_t>(size)> values;

  Stacked<T> copy(const Rows<T>& x, Range inputs) {
    const EvenShares tiles(inputs.size(), tile_rows);
    T* to = values.data();
    Index input = inputs.begin;
    for (Index t = 0; t < tiles.count; ++t) {
      const Index rows = tiles.size(t);
      const Index whole = whole_vectors<T>(rows);
      for (Index k = 0; k < x.count; ++k) {
        const T* const from = x.row[k] + input;
        if (input + whole <= x.cols) {  // what is too much is overwritten by the next
          for (Index i = 0; i < whole; i += lanes<T>) store(to + i, load(from + i));
        } else {
          std::copy_n(from, rows, to);
        }
        to += rows;
      }
      input += rows;
    }
    return {values.data(), x.count};
  }
};

}  // namespace nnbind::kernels
