// What several operators share: checks of their inputs, and loops over elements.
#pragma once

#include <algorithm>
#include <array>

#include "nnbind/error.hpp"
#include "nnbind/operator.hpp"

namespace nnbind::operators {

/// The shape of the only input. Throws ShapeError if there is another number of them.
inline Shape only(std::span<const Shape> inputs) {
  if (inputs.size() != 1) throw ShapeError("expected one input");
  return inputs[0];
}

/// The work of a row, by element, of operators that mostly read and write, that compute a function,
/// or that go over a row or column more than once: as measured.
inline constexpr Index work_of_copy = 8;
inline constexpr Index work_of_function = 24;
inline constexpr Index work_of_statistics = 48;

/// Elements in a row of a batch. Fixed rows do not multiply with the batch, and count as nothing.
inline Index elements_per_sample(Shape shape) { return shape.is_batch() ? shape.cols : 0; }

/// A fixed input as a matrix: its rows lie in one buffer.
template <class T>
MatrixView<const T> matrix_of(Rows<T> rows) {
  const Index stride = rows.count > 1 ? rows.row[1] - rows.row[0] : rows.cols;
  return {rows.row[0], rows.count, rows.cols, stride};
}

/// to_j = term(j) or to_j += term(j), for `count` elements.
template <class T, class F>
void put_row(T* to, Index count, bool accumulate, F term) {
  if (accumulate) {
    for (Index j = 0; j < count; ++j) to[j] += term(j);
  } else {
    for (Index j = 0; j < count; ++j) to[j] = term(j);
  }
}

/// The gradient of an input of the output's shape: term(i, j), element by element.
template <class T, class F>
void hand_down(const InputGradient<T>& to, F term) {
  for (Index i = 0; i < to.gradient.rows; ++i) {
    put_row(to.gradient.row(i), to.gradient.cols, to.accumulate,
            [&](Index j) { return term(i, j); });
  }
}

/// Σ_j term(j), in chains side by side that fill the vector registers, and these block by block:
/// the error of a chain grows with its length. The order of the sum depends on `count` alone.
template <class T, class F>
T sum_of(Index count, F term) {
  constexpr Index chains = 16;
  constexpr Index block = 64 * chains;
  T total{0};
  for (Index first = 0; first < count; first += block) {
    const Index end = std::min(first + block, count);
    std::array<T, chains> parts{};
    Index j = first;
    for (; j + chains <= end; j += chains) {
      for (Index k = 0; k < chains; ++k) parts[static_cast<std::size_t>(k)] += term(j + k);
    }
    T sum{0};
    for (; j < end; ++j) sum += term(j);
    for (const T part : parts) sum += part;
    total += sum;
  }
  return total;
}

}  // namespace nnbind::operators
