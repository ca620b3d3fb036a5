// One step of an optimizer over a rectangle of θ: reads the gradient once, writes θ once.
#pragma once

#include "kernels/math.hpp"
#include "nnbind/optimizer.hpp"

namespace nnbind::kernels {

/// Takes a rule's step (optimizer_rules.cpp) for each vector of the block.
template <class T, class Rule>
void update_block(const UpdateBlock<T>& block, const Rule& rule) {
  if (block.theta.rows == 0) return;
  const auto move = rule.template on<Packet<T>>();
  const MatrixView<T>& theta = block.theta;
  const MatrixView<const T>& gradient = block.gradient;
  const auto& state = block.state;
  // Rows that follow each other without a gap are one long row, with one partial vector at its end.
  const auto is_one_row = [&](const auto& matrix) { return matrix.stride == theta.cols; };
  bool flat = is_one_row(theta) && is_one_row(gradient);
  for (std::size_t k = 0; k < Rule::states; ++k) flat = flat && is_one_row(state[k]);
  const Index rows = flat ? 1 : theta.rows;
  const Index cols = flat ? theta.rows * theta.cols : theta.cols;
  for (Index i = 0; i < rows; ++i) {
    T* const w_row = theta.row(i);
    const T* const g_row = gradient.row(i);
    T* const first = Rule::states > 0 ? state[0].row(i) : nullptr;
    T* const second = Rule::states > 1 ? state[1].row(i) : nullptr;
    const auto step = [&](Index j, auto read, auto write) {
      Packet<T> w = read(w_row + j);
      const Packet<T> g = read(g_row + j);
      Packet<T> m = broadcast(T{0});
      Packet<T> v = broadcast(T{0});
      if constexpr (Rule::states > 0) m = read(first + j);
      if constexpr (Rule::states > 1) v = read(second + j);
      move(w, g, m, v);
      write(w_row + j, w);
      if constexpr (Rule::states > 0) write(first + j, m);
      if constexpr (Rule::states > 1) write(second + j, v);
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
