// The products of a single sample, or of a layer with a single input or unit: matrices of one row
// or column, of which no tile could use a value twice.
#pragma once

#include <algorithm>
#include <array>

#include "kernels/descent.hpp"
#include "kernels/tile_shape.hpp"
#include "kernels/transpose.hpp"

namespace nnbind::kernels {

/// The first `count` of elements `stride` apart.
template <class T>
Packet<T> load_apart(const T* from, Index stride, Index count) {
  if (stride == 1) return load_first(from, count);
  alignas(cache_line) std::array<T, static_cast<std::size_t>(lanes<T>)> together{};
  for (Index i = 0; i < count; ++i) together[static_cast<std::size_t>(i)] = from[i * stride];
  return load(together.data());
}

/// T of a layer with a single unit: of each sample a sum in every lane, where a column of W would
/// use one lane.
template <class T>
void affine_of_one(const Rows<T>& x, MatrixView<const T> weights, bool bias, MatrixView<T> out) {
  for (Index i = 0; i < x.count; ++i) {
    const T* const sample = x.row[i];
    Packet<T> sum = broadcast(T{0});
    for (Index k = 0; k < x.cols; k += lanes<T>) {
      const Index some = std::min(lanes<T>, x.cols - k);
      const Packet<T> w = load_apart(weights.row(k), weights.stride, some);
      sum = simd::pmadd(load_first(sample + k, some), w, sum);
    }
    out(i, 0) = simd::predux(sum) + (bias ? weights(x.cols, 0) : T{0});
  }
}

/// out = g Wᵀ, or out += g Wᵀ, for `blocks` vectors of a single row and at most as many rows of W:
/// the blocks of Wᵀ are used as they leave the registers. Each has a chain of sums of its own, and
/// one would wait for itself.
template <class T, int blocks>
void multiply_by_transpose(const T* g, const Panels<const T>& weights, bool accumulate, T* out) {
  constexpr Index side = lanes<T>;
  Packet<T> sum[blocks];
  unrolled<blocks>([&](int b) { sum[b] = broadcast(T{0}); });
  const auto add = [&](Index j, Index columns) {
    for (int b = 0; b < blocks; ++b) {
      Packet<T> s = sum[b];  // in a register
      transpose_block(weights.column(j) + b * side * weights.stride, weights.stride,
                      weights.rows - b * side, [&](Index c, const Packet<T>& column) {
                        if (c < columns) s = simd::pmadd(broadcast(g[j + c]), column, s);
                      });
      sum[b] = s;
    }
  };
  Index j = 0;
  for (; j + side <= weights.cols; j += side) add(j, side);
  if (j < weights.cols) add(j, weights.cols - j);
  for (int b = 0; b < blocks; ++b) {
    T* const to = out + b * side;
    const Index count = std::min(side, weights.rows - b * side);
    if (accumulate) sum[b] = simd::padd(load_first(to, count), sum[b]);
    store_first(to, sum[b], count);
  }
}

/// The same for all rows of W.
template <class T>
void input_gradient_of_one(const T* g, const Panels<const T>& weights, bool accumulate, T* out) {
  constexpr int blocks = 4;
  Index k = 0;
  for (; k + blocks * lanes<T> <= weights.rows; k += blocks * lanes<T>) {
    multiply_by_transpose<T, blocks>(g, weights.middle_rows(k, blocks * lanes<T>), accumulate,
                                     out + k);
  }
  for (; k < weights.rows; k += lanes<T>) {
    const Index rows = std::min(lanes<T>, weights.rows - k);
    multiply_by_transpose<T, 1>(g, weights.middle_rows(k, rows), accumulate, out + k);
  }
}

/// out = x wᵀ, or out += x wᵀ, for a column x and a row wᵀ.
template <class T>
void multiply_rows(const MatrixView<const T>& x, const T* w, bool accumulate,
                   const MatrixView<T>& out) {
  for (Index i = 0; i < out.rows; ++i) {
    T* const to = out.row(i);
    const Packet<T> left = broadcast(x(i, 0));
    if (accumulate) {
      const auto add = [&](const Packet<T>& sum, const Packet<T>& right) {
        return Packet<T>(simd::pmadd(left, right, sum));
      };
      map_elements(out.cols, to, add, static_cast<const T*>(to), w);
    } else {
      const auto put = [&](const Packet<T>& right) { return Packet<T>(simd::pmul(left, right)); };
      map_elements(out.cols, to, put, w);
    }
  }
}

/// The rows of x gᵀ for a sample x of so many inputs, behind which there is a 1 if `to` has a row
/// for it: row(i, left, right, count) for row i = left · right. One after the other: it is limited
/// by the memory, which is read and written in its order. A column without gaps is one row.
template <class T, class F>
EIGEN_ALWAYS_INLINE void each_row(const T* x, Index inputs, const T* g, const MatrixView<T>& to,
                                  F row) {
  if (to.cols == 1 && to.stride == 1) {
    row(0, g[0], x, inputs);
    if (to.rows > inputs) row(inputs, T{1}, g, 1);
    return;
  }
  for (Index i = 0; i < to.rows; ++i) row(i, i < inputs ? x[i] : T{1}, g, to.cols);
}

/// θ -= its step by x gᵀ, with a velocity that may be nullptr.
template <class T>
void descend_by_one(const T* x, Index inputs, const T* g, const MatrixView<T>& theta, T* velocity,
                    const DescentRule<T>& rule) {
  const DescentStep<Packet<T>> step(rule);
  if (velocity == nullptr) {
    each_row(x, inputs, g, theta, [&](Index i, T left, const T* right, Index count) {
      T* const w = theta.row(i);
      const auto move = [&, left = broadcast(left)](const Packet<T>& old, const Packet<T>& r) {
        return step(old, Packet<T>(simd::pmul(left, r)));
      };
      map_elements(count, w, move, static_cast<const T*>(w), right);
    });
    return;
  }
  each_row(x, inputs, g, theta, [&](Index i, T left, const T* right, Index count) {
    const Index first = i * theta.stride;
    for (Index j = 0; j < count; j += lanes<T>) {
      const Index some = std::min(lanes<T>, count - j);
      const Packet<T> product = simd::pmul(broadcast(left), load_first(right + j, some));
      descend(step, product, theta.data + first + j, velocity + first + j, some);
    }
  });
}

/// ∂L/∂W and ∂L/∂b of a single sample x of so many inputs, or a descent by them: b is the weight of
/// an input that is 1.
template <class T>
void gradient_of_one(const T* x, Index inputs, const T* g, const MatrixView<T>& gradient,
                     const Descent<T>& descent) {
  const Panels<T>& theta = descent.theta;
  if (theta.data == nullptr) {
    each_row(x, inputs, g, gradient, [&](Index i, T left, const T* right, Index count) {
      const auto product = [left = broadcast(left)](const Packet<T>& r) {
        return Packet<T>(simd::pmul(left, r));
      };
      map_elements(count, gradient.row(i), product, right);
    });
    return;
  }
  if (!theta.is_packed()) {
    const MatrixView<T> plain{theta.data, theta.rows, theta.cols, theta.stride};
    return descend_by_one(x, inputs, g, plain, descent.velocity, descent.rule);
  }
  for (Index first = 0; first < theta.cols; first += panel_columns<T>) {
    const MatrixView<T> panel = theta.view(first, std::min(panel_columns<T>, theta.cols - first));
    descend_by_one(x, inputs, g + first, panel, descent.velocity_of(panel.data), descent.rule);
  }
}

}  // namespace nnbind::kernels
