// One step of an optimizer over a rectangle of θ: reads the gradient once, writes θ once.
#pragma once

#include "kernels/math.hpp"
#include "nnbind/optimizer.hpp"

namespace nnbind::kernels {

/// Calls rule(w, g, first, second), which changes w and the states it has, for each vector of the
/// block. `first` and `second` are the state vectors, as long as θ; nullptr where the rule has
/// none.
template <class T, class Rule>
void update_block(const UpdateBlock<T>& block, T* first, T* second, const Rule& rule) {
  // Rows that follow each other without a gap are one long row, with one partial vector at its end.
  const bool flat = block.theta.stride == block.theta.cols &&
                    block.gradient.stride == block.theta.cols && block.stride == block.theta.cols;
  const Index rows = flat ? 1 : block.theta.rows;
  const Index cols = flat ? block.theta.rows * block.theta.cols : block.theta.cols;
  for (Index i = 0; i < rows; ++i) {
    T* const w_row = block.theta.row(i);
    const T* const g_row = block.gradient.row(i);
    const Index start = block.offset + i * block.stride;
    const auto step = [&](Index j, auto read, auto write) {
      Packet<T> w = read(w_row + j);
      const Packet<T> g = read(g_row + j);
      Packet<T> m = broadcast(T{0});
      Packet<T> v = broadcast(T{0});
      if constexpr (Rule::states > 0) m = read(first + start + j);
      if constexpr (Rule::states > 1) v = read(second + start + j);
      rule(w, g, m, v);
      write(w_row + j, w);
      if constexpr (Rule::states > 0) write(first + start + j, m);
      if constexpr (Rule::states > 1) write(second + start + j, v);
    };
    Index j = 0;
    for (; j + lanes<T> <= cols; j += lanes<T>) {
      step(j, [](const T* p) { return load(p); }, [](T* p, const Packet<T>& x) { store(p, x); });
    }
    if (const Index left = cols - j; left > 0) {
      step(
          j, [left](const T* p) { return load_first(p, left); },
          [left](T* p, const Packet<T>& x) { store_first(p, x, left); });
    }
  }
}

}  // namespace nnbind::kernels
