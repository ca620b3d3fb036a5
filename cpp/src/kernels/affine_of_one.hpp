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

/// The first `count` elements from there on, which may be more than a vector has: the compiler sees
/// where it is always one.
template <class T>
EIGEN_ALWAYS_INLINE Packet<T> load_some(const T* from, Index count) {
  return count >= lanes<T> ? load(from) : load_first(from, count);
}
template <class T>
EIGEN_ALWAYS_INLINE void store_some(T* to, const Packet<T>& value, Index count) {
  if (count >= lanes<T>) {
    store(to, value);
  } else {
    store_first(to, value, count);
  }
}

/// x · gᵀ, a row after the other: it is limited by the memory, which is read and written in its
/// order. `put(i, j, product, count)` takes a vector of it, or the `count` elements that are left.
template <class T, class F>
EIGEN_ALWAYS_INLINE void outer_product(const T* x, const T* g, Index rows, Index cols, F put) {
  for (Index i = 0; i < rows; ++i) {
    const Packet<T> left = broadcast(x[i]);
    Index j = 0;
    for (; j + lanes<T> <= cols; j += lanes<T>) {
      put(i, j, Packet<T>(simd::pmul(left, load(g + j))), lanes<T>);
    }
    if (const Index count = cols - j; count > 0) {
      put(i, j, Packet<T>(simd::pmul(left, load_first(g + j, count))), count);
    }
  }
}

/// A step for the first `count` elements of a vector of θ, whose velocity may be nullptr.
template <class T>
EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& step, const Packet<T>& gradient,
                                 T* theta, T* velocity, Index count) {
  const Packet<T> w = load_some(theta, count);
  if (velocity == nullptr) {
    store_some(theta, step(w, gradient), count);
  } else {
    Packet<T> v = load_some(velocity, count);
    store_some(theta, step(w, gradient, v), count);
    store_some(velocity, v, count);
  }
}

/// The weight gradient of a single sample.
template <class T>
void weight_gradient_of_one(const T* x, const T* g, const MatrixView<T>& out,
                            const Descent<T>& descent) {
  const Panels<T>& theta = descent.theta;
  if (theta.data == nullptr) {
    outer_product(x, g, out.rows, out.cols,
                  [&](Index i, Index j, const Packet<T>& product, Index count) {
                    store_some(out.row(i) + j, product, count);
                  });
    return;
  }
  const DescentStep<Packet<T>> step(descent.rule);
  const auto columns = [&](Range range, Index stride) {
    T* const w = theta.column(range.begin);
    T* const v = descent.velocity_of(w);
    outer_product(x, g + range.begin, out.rows, range.size(),
                  [&](Index i, Index j, const Packet<T>& product, Index count) {
                    const Index place = i * stride + j;
                    descend(step, product, w + place, v == nullptr ? v : v + place, count);
                  });
  };
  if (!theta.is_packed()) return columns({0, out.cols}, theta.stride);
  for (Index first = 0; first < out.cols; first += panel_columns<T>) {
    columns({first, std::min(first + panel_columns<T>, out.cols)}, panel_columns<T>);
  }
}

}  // namespace nnbind::kernels
