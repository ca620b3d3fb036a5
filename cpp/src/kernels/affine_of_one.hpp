// The products of a single sample, or of a layer with a single input or unit: matrices of one row
// or column, of which no tile could use a value twice.
#pragma once

#include <algorithm>
#include <array>

#include "kernels/descent.hpp"
#include "kernels/tile_shape.hpp"

namespace nnbind::kernels {

/// T of a layer with a single unit: of each sample a sum in every lane, where a column of W would
/// use one lane. `whole(k)` and `first(k, count)` are a vector of W from row k on.
template <class T, class Whole, class First>
EIGEN_ALWAYS_INLINE void affine_of_column(const Rows<T>& x, T bias, const MatrixView<T>& out,
                                          Whole whole, First first) {
  for (Index i = 0; i < x.count; ++i) {
    const T* const sample = x.row[i];
    Packet<T> sum = broadcast(T{0});
    Index k = 0;
    for (; k + lanes<T> <= x.cols; k += lanes<T>) {
      sum = simd::pmadd(load(sample + k), Packet<T>(whole(k)), sum);
    }
    if (const Index left = x.cols - k; left > 0) {
      sum = simd::pmadd(load_first(sample + k, left), Packet<T>(first(k, left)), sum);
    }
    out(i, 0) = simd::predux(sum) + bias;
  }
}

template <class T>
void affine_of_unit(const Rows<T>& x, const Panels<const T>& weights, bool bias,
                    const MatrixView<T>& out) {
  const T* const w = weights.data;
  affine_of_column(
      x, bias ? w[x.cols] : T{0}, out, [w](Index k) { return load(w + k); },
      [w](Index k, Index count) { return load_first(w + k, count); });
}

/// The same where W is a column of a wider matrix.
template <class T>
void affine_of_distant_unit(const Rows<T>& x, const Panels<const T>& weights, bool bias,
                            const MatrixView<T>& out) {
  const T* const w = weights.data;
  const Index stride = weights.stride;
  const auto first = [w, stride](Index k, Index count) {
    alignas(cache_line) std::array<T, static_cast<std::size_t>(lanes<T>)> together{};
    for (Index i = 0; i < count; ++i) together[static_cast<std::size_t>(i)] = w[(k + i) * stride];
    return load(together.data());
  };
  affine_of_column(
      x, bias ? w[x.cols * stride] : T{0}, out, [&](Index k) { return first(k, lanes<T>); }, first);
}

/// As many elements of g Wᵀ as a vector has, added to `out` or written over it, from as many rows
/// of W or, if not `all`, from those that are left. Each is a sum in every lane; a row that is not
/// there is the last once more.
template <class T, bool all>
EIGEN_ALWAYS_INLINE void multiply_by_rows(const T* g, const Panels<const T>& weights,
                                          bool accumulate, T* out) {
  constexpr Index side = lanes<T>;
  simd::PacketBlock<Packet<T>, side> sums;
  unrolled<side>([&](int r) { sums.packet[r] = broadcast(T{0}); });
  const auto add = [&](Index j, const auto& read) {
    const T* const column = weights.column(j);
    const Packet<T> left = read(g + j);
    unrolled<side>([&](int r) {
      const Index row = all ? Index{r} : std::min<Index>(r, weights.rows - 1);
      sums.packet[r] = simd::pmadd(left, read(column + row * weights.stride), sums.packet[r]);
    });
  };
  Index j = 0;
  for (; j + side <= weights.cols; j += side) add(j, [](const T* from) { return load(from); });
  if (const Index left = weights.cols - j; left > 0) {
    add(j, [left](const T* from) { return load_first(from, left); });
  }
  simd::ptranspose(sums);
  for (Index half = side / 2; half > 0; half /= 2) {
    for (Index r = 0; r < half; ++r) {
      sums.packet[r] = simd::padd(sums.packet[r], sums.packet[r + half]);
    }
  }
  const Index count = all ? side : weights.rows;
  if (accumulate) sums.packet[0] = simd::padd(load_first(out, count), sums.packet[0]);
  store_first(out, sums.packet[0], count);
}

/// ∂L/∂X of a batch of one sample: W is read as it lies, where to transpose it takes longer than
/// the product. The sums are in another order than those of more samples.
template <class T>
void input_gradient_of_sample(const MatrixView<const T>& grad_out, const Panels<const T>& weights,
                              bool accumulate, const MatrixView<T>& grad_inputs) {
  Index k = 0;
  for (; k + lanes<T> <= weights.rows; k += lanes<T>) {
    multiply_by_rows<T, true>(grad_out.data, weights.middle_rows(k, lanes<T>), accumulate,
                              grad_inputs.data + k);
  }
  if (k < weights.rows) {
    multiply_by_rows<T, false>(grad_out.data, weights.middle_rows(k, weights.rows - k), accumulate,
                               grad_inputs.data + k);
  }
}

/// ∂L/∂X of a layer with a single unit, whose W is one row already.
template <class T>
void input_gradient_of_unit(const MatrixView<const T>& grad_out, const Panels<const T>& weights,
                            bool accumulate, const MatrixView<T>& grad_inputs) {
  const T* const w = weights.data;
  for (Index i = 0; i < grad_inputs.rows; ++i) {
    T* const to = grad_inputs.row(i);
    const Packet<T> left = broadcast(grad_out(i, 0));
    if (accumulate) {
      const auto add = [&](const Packet<T>& sum, const Packet<T>& right) {
        return Packet<T>(simd::pmadd(left, right, sum));
      };
      map_elements(grad_inputs.cols, to, add, static_cast<const T*>(to), w);
    } else {
      const auto put = [&](const Packet<T>& right) { return Packet<T>(simd::pmul(left, right)); };
      map_elements(grad_inputs.cols, to, put, w);
    }
  }
}

/// The rows of x gᵀ for a sample x of so many inputs, behind which there is a 1 if `to` has a row
/// for it, the bias: row(i, left, right, count) for row i = left · right. One after the other: it
/// is limited by the memory, which is read and written in its order. A column without gaps is one
/// row.
template <class T, class F>
EIGEN_ALWAYS_INLINE void each_row(const T* x, Index inputs, const T* g, MatrixView<T> to, F row) {
  if (to.cols == 1 && to.stride == 1) {
    row(0, g[0], x, inputs);
    if (to.rows > inputs) row(inputs, T{1}, g, 1);
    return;
  }
  for (Index i = 0; i < inputs; ++i) row(i, x[i], g, to.cols);
  if (to.rows > inputs) row(inputs, T{1}, g, to.cols);
}

/// ∂L/∂W and ∂L/∂b of a single sample: b is the weight of an input that is 1.
template <class T>
void gradient_of_sample(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                        bool /*accumulate*/, const MatrixView<T>& gradient,
                        const Descent<T>& /*descent*/) {
  const auto put = [to = gradient](Index i, T left, const T* right, Index count) {
    const auto product = [left = broadcast(left)](const Packet<T>& r) {
      return Packet<T>(simd::pmul(left, r));
    };
    map_elements(count, to.row(i), product, right);
  };
  each_row(x.row[0] + inputs.begin, inputs.size(), grad_out.data, gradient, put);
}

/// θ -= its step by x gᵀ, with a velocity or without.
template <class T, bool has_velocity>
EIGEN_ALWAYS_INLINE void descend_by_product(const T* x, Index inputs, const T* g,
                                            MatrixView<T> theta, T* velocity,
                                            const DescentStep<Packet<T>>& step) {
  each_row(x, inputs, g, theta, [=](Index i, T left, const T* right, Index count) {
    T* const w = theta.row(i);
    if constexpr (has_velocity) {
      T* const v = velocity + i * theta.stride;
      for (Index j = 0; j < count; j += lanes<T>) {
        const Index some = std::min(lanes<T>, count - j);
        const Packet<T> product = simd::pmul(broadcast(left), load_first(right + j, some));
        descend(step, product, w + j, v + j, some);
      }
    } else {
      const auto move = [step, left = broadcast(left)](const Packet<T>& old, const Packet<T>& r) {
        return step(old, Packet<T>(simd::pmul(left, r)));
      };
      map_elements(count, w, move, static_cast<const T*>(w), right);
    }
  });
}

/// A descent by the gradient of a single sample; the panels of a packed θ one after the other.
template <class T, bool has_velocity, bool packed>
void descend_by_sample(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                       bool /*accumulate*/, const MatrixView<T>& /*gradient*/,
                       const Descent<T>& descent) {
  const T* const sample = x.row[0] + inputs.begin;
  const Panels<T>& theta = descent.theta;
  const DescentStep<Packet<T>> step(*descent.rule);
  if constexpr (!packed) {
    descend_by_product<T, has_velocity>(sample, inputs.size(), grad_out.data,
                                        {theta.data, theta.rows, theta.cols, theta.stride},
                                        descent.velocity, step);
    return;
  }
  for (Index first = 0; first < theta.cols; first += panel_columns<T>) {
    const MatrixView<T> panel = theta.view(first, std::min(panel_columns<T>, theta.cols - first));
    descend_by_product<T, has_velocity>(sample, inputs.size(), grad_out.data + first, panel,
                                        descent.velocity_of(panel.data), step);
  }
}

/// The loop for that descent.
template <class T, bool packed>
auto descent_by_sample(bool has_velocity) {
  return has_velocity ? &descend_by_sample<T, true, packed> : &descend_by_sample<T, false, packed>;
}

}  // namespace nnbind::kernels
