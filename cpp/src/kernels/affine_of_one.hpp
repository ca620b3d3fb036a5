// The products of a single sample, or of a layer with a single unit: matrices of one row or column,
// of which no tile could use a value twice.
#pragma once

#include <algorithm>
#include <array>

#include "kernels/descent.hpp"
#include "kernels/tile_shape.hpp"
#include "kernels/transpose.hpp"

namespace nnbind::kernels {

/// T of a layer with a single unit: of each sample a sum in every lane, where a column of W would
/// use one lane. `whole(k)` and `first(k, count)` are a vector of W from row k on. Several samples
/// at a time: each vector of W serves all, and none of their sums waits for itself.
template <class T, class Whole, class First>
EIGEN_ALWAYS_INLINE void affine_of_column(const Rows<T>& x, T bias, const MatrixView<T>& out,
                                          Whole whole, First first) {
  const auto some = [&]<int R>(std::integral_constant<int, R>, Index i) {
    const T* const* const sample = x.row + i;
    Packet<T> sum[R];
    unrolled<R>([&](int r) { sum[r] = broadcast(T{0}); });
    Index k = 0;
    for (; k + lanes<T> <= x.cols; k += lanes<T>) {
      const Packet<T> w = whole(k);
      unrolled<R>([&](int r) { sum[r] = simd::pmadd(load(sample[r] + k), w, sum[r]); });
    }
    if (const Index left = x.cols - k; left > 0) {
      const Packet<T> w = first(k, left);
      unrolled<R>([&](int r) { sum[r] = simd::pmadd(load_first(sample[r] + k, left), w, sum[r]); });
    }
    unrolled<R>([&](int r) { out(i + r, 0) = simd::predux(sum[r]) + bias; });
  };
  constexpr int many = 8;
  Index i = 0;
  for (; i + many <= x.count; i += many) some(std::integral_constant<int, many>(), i);
  for (; i < x.count; ++i) some(std::integral_constant<int, 1>(), i);
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

/// g and R rows of W multiplied, each product's sum in the lanes of a vector: row r's in sums[r].
/// The addresses of all rows follow from one of them and a stride: to add them up, row by row for
/// each vector, takes longer than the products.
template <class T, int R, bool packed>
EIGEN_ALWAYS_INLINE void multiply_by_rows(const T* g, const Panels<const T>& weights, T* sums) {
  Packet<T> sum[R];
  unrolled<R>([&](int r) { sum[r] = broadcast(T{0}); });
  const Index stride = packed ? panel_columns<T> : weights.stride;
  const auto add = [&](Index j, const Packet<T>& left, const auto& read) {
    const T* const column = packed ? weights.column(j) : weights.data + j;
    unrolled<R>(
        [&](int r) { sum[r] = simd::pmadd(left, Packet<T>(read(column + r * stride)), sum[r]); });
  };
  Index j = 0;
  for (; j + lanes<T> <= weights.cols; j += lanes<T>) {
    add(j, load(g + j), [](const T* from) { return load(from); });
  }
  if (const Index left = weights.cols - j; left > 0) {
    add(j, load_first(g + j, left), [left](const T* from) { return first_of_whole(from, left); });
  }
  unrolled<R>([&](int r) { store(sums + r * lanes<T>, sum[r]); });
}

/// ∂L/∂X of a batch of one sample: W is read as it lies, where to transpose it takes longer than
/// the product. The sums are in another order than those of more samples, the same for each row.
template <class T, bool packed>
void input_gradient_of_sample(const MatrixView<const T>& grad_out, const Panels<const T>& weights,
                              bool accumulate, const MatrixView<T>& grad_inputs) {
  constexpr Index side = lanes<T>;
  alignas(cache_line) std::array<T, static_cast<std::size_t>(side * side)> sums;
  T* const out = grad_inputs.data;
  Index k = 0;
  for (; k + side <= weights.rows; k += side) {
    multiply_by_rows<T, side, packed>(grad_out.data, weights.middle_rows(k, side), sums.data());
    Packet<T> total = accumulate ? load(out + k) : broadcast(T{0});
    transpose_block<T>(sums.data(), side, side, [&](Index /*lane*/, const Packet<T>& parts) {
      total = simd::padd(total, parts);
    });
    store(out + k, total);
  }
  for (; k < weights.rows; ++k) {
    multiply_by_rows<T, 1, packed>(grad_out.data, weights.middle_rows(k, 1), sums.data());
    T total = accumulate ? out[k] : T{0};
    for (Index lane = 0; lane < side; ++lane) total += sums[static_cast<std::size_t>(lane)];
    out[k] = total;
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

/// ∂L/∂W of a layer with a single unit, without gaps: Σ over the samples of g_i x_i, in whole
/// vectors of inputs, where a tile would use one lane. In blocks of samples, since the error of a
/// sum grows with its length; the last one penalizes and steps.
template <class T>
void weight_gradient_of_unit(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                             bool accumulate, T* gradient, const Descent<T>& descent) {
  constexpr Index block = 128;
  const auto add = [&](Index first, Index count, Index k, Packet<T>* sum, auto vectors,
                       const auto& read) {
    unrolled<vectors>([&](int v) { sum[v] = broadcast(T{0}); });
    for (Index i = first; i < first + count; ++i) {
      const Index at = inputs.begin + k;
      const T* const sample = x.row[i] + at;
      const Packet<T> g = broadcast(grad_out(i, 0));
      unrolled<vectors>(
          [&](int v) { sum[v] = simd::pmadd(g, Packet<T>(read(sample + v * lanes<T>)), sum[v]); });
      if (x.ahead == 0) continue;
      const T* const next = x.row[i + x.ahead] + at;
      unrolled<vectors>([&](int v) { __builtin_prefetch(next + v * lanes<T>, 0, 2); });
    }
  };
  const auto end = [&](Index first, Index count, Index k, Packet<T> sum, Index some) {
    if (accumulate || first > 0) sum = simd::padd(load_first(gradient + k, some), sum);
    if (first + count < grad_out.rows) return store_first(gradient + k, sum, some);
    finish_gradient<T>(
        descent, &BlockPenalty<T>::weights, sum, gradient + k,
        [&] { return descent.theta.data + k; }, some);
  };
  constexpr int many = 8;
  Packet<T> sum[many];
  for (Index first = 0; first < grad_out.rows; first += block) {
    const Index count = std::min(block, grad_out.rows - first);
    Index k = 0;
    for (; k + many * lanes<T> <= inputs.size(); k += many * lanes<T>) {
      add(first, count, k, sum, std::integral_constant<int, many>(),
          [](const T* from) { return load(from); });
      for (Index v = 0; v < many; ++v) end(first, count, k + v * lanes<T>, sum[v], lanes<T>);
    }
    for (; k < inputs.size(); k += lanes<T>) {
      const Index some = std::min(lanes<T>, inputs.size() - k);
      add(first, count, k, sum, std::integral_constant<int, 1>(),
          [some](const T* from) { return load_first(from, some); });
      end(first, count, k, sum[0], some);
    }
  }
}

/// The rows of x gᵀ for a sample x of so many inputs, behind which there is a 1 if `block` has a
/// row for it, the bias: row(i, left, right, count) for row i = left · right. One after the other:
/// it is limited by the memory, which is read and written in its order. A column without gaps is
/// one row.
template <class T, class F>
EIGEN_ALWAYS_INLINE void each_row(const T* x, Index inputs, const T* g, MatrixView<T> block,
                                  F row) {
  if (block.cols == 1 && block.stride == 1) {
    row(0, g[0], x, inputs);
    if (block.rows > inputs) row(inputs, T{1}, g, 1);
    return;
  }
  for (Index i = 0; i < inputs; ++i) row(i, x[i], g, block.cols);
  if (block.rows > inputs) row(inputs, T{1}, g, block.cols);
}

/// The penalties on the rows of a block with so many rows of weights, if there are any.
template <class T, bool penalized>
class RowPenalties {
 public:
  RowPenalties(const Descent<T>& descent, Index weights)
      : weights_(weights),
        of_weights_(penalized ? descent.penalty->weights : PenaltySlopes<T>{}),
        of_bias_(penalized ? descent.penalty->biases : PenaltySlopes<T>{}) {}
  /// What makes of vectors of row i's gradient and of its θ those of the penalized gradient.
  EIGEN_ALWAYS_INLINE auto of_row(Index i) const {
    if constexpr (penalized) {
      return i < weights_ ? of_weights_ : of_bias_;
    } else {
      return [](const Packet<T>& gradient, const Packet<T>& /*w*/) { return gradient; };
    }
  }

 private:
  Index weights_;
  AnyPenalty<Packet<T>> of_weights_;
  AnyPenalty<Packet<T>> of_bias_;
};

/// ∂L/∂W and ∂L/∂b of a single sample: b is the weight of an input that is 1.
template <class T>
void gradient_of_sample(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                        bool /*accumulate*/, const Panels<T>& gradient,
                        const Descent<T>& /*descent*/) {
  gradient.each_view([&](Index first, const MatrixView<T>& to) {
    const auto put = [to](Index i, T left, const T* right, Index count) {
      const auto product = [left = broadcast(left)](const Packet<T>& r) {
        return Packet<T>(simd::pmul(left, r));
      };
      map_elements(count, to.row(i), product, right);
    };
    each_row(x.row[0] + inputs.begin, inputs.size(), grad_out.data + first, to, put);
  });
}

/// The same, penalized.
template <class T>
void penalized_gradient_of_sample(const Rows<T>& x, Range inputs,
                                  const MatrixView<const T>& grad_out, bool accumulate,
                                  const Panels<T>& gradient, const Descent<T>& descent) {
  gradient_of_sample(x, inputs, grad_out, accumulate, gradient, descent);
  const RowPenalties<T, true> penalties(descent, inputs.size());
  gradient.each_view([&](Index first, const MatrixView<T>& to) {
    const MatrixView<T> theta = descent.theta.view(first, to.cols);
    for (Index i = 0; i < to.rows; ++i) {
      map_elements(to.cols, to.row(i), penalties.of_row(i), static_cast<const T*>(to.row(i)),
                   static_cast<const T*>(theta.row(i)));
    }
  });
}

/// θ -= its step by x gᵀ, with a velocity or without.
template <class T, bool has_velocity, bool penalized>
EIGEN_ALWAYS_INLINE void descend_by_product(const T* x, Index inputs, const T* g,
                                            MatrixView<T> theta, T* velocity,
                                            const DescentStep<Packet<T>>& step,
                                            const RowPenalties<T, penalized>& penalties) {
  each_row(x, inputs, g, theta, [&](Index i, T left, const T* right, Index count) {
    T* const w = theta.row(i);
    const auto gradient = [left = broadcast(left), penalize = penalties.of_row(i)](
                              const Packet<T>& r, const Packet<T>& old) {
      return penalize(Packet<T>(simd::pmul(left, r)), old);
    };
    if constexpr (has_velocity) {
      T* const v = velocity + i * theta.stride;
      for (Index j = 0; j < count; j += lanes<T>) {
        const Index some = std::min(lanes<T>, count - j);
        const Packet<T> old = load_first(w + j, some);
        descend(step, gradient(load_first(right + j, some), old), w + j, v + j, some);
      }
    } else {
      const auto move = [step, gradient](const Packet<T>& old, const Packet<T>& r) {
        return step(old, gradient(r, old));
      };
      map_elements(count, w, move, static_cast<const T*>(w), right);
    }
  });
}

/// A descent by the gradient of a single sample; the panels of a packed θ one after the other.
template <class T, bool has_velocity, bool packed, bool penalized>
void descend_by_sample(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                       bool /*accumulate*/, const Panels<T>& /*gradient*/,
                       const Descent<T>& descent) {
  const T* const sample = x.row[0] + inputs.begin;
  const Panels<T>& theta = descent.theta;
  const DescentStep<Packet<T>> step(*descent.rule);
  const RowPenalties<T, penalized> penalties(descent, inputs.size());
  if constexpr (!packed) {
    descend_by_product<T, has_velocity>(sample, inputs.size(), grad_out.data,
                                        {theta.data, theta.rows, theta.cols, theta.stride},
                                        descent.state[0], step, penalties);
    return;
  }
  theta.each_view([&](Index first, const MatrixView<T>& panel) {
    descend_by_product<T, has_velocity>(sample, inputs.size(), grad_out.data + first, panel,
                                        descent.state_of(panel.data), step, penalties);
  });
}

/// The loop for a gradient of a single sample, or for that descent.
template <class T, bool penalized>
auto loop_by_sample(const Descent<T>& descent) {
  if (descent.rule == nullptr) {
    return penalized ? &penalized_gradient_of_sample<T> : &gradient_of_sample<T>;
  }
  const bool packed = descent.theta.is_packed();
  if (descent.state[0] == nullptr) {
    return packed ? &descend_by_sample<T, false, true, penalized>
                  : &descend_by_sample<T, false, false, penalized>;
  }
  return packed ? &descend_by_sample<T, true, true, penalized>
                : &descend_by_sample<T, true, false, penalized>;
}

}  // namespace nnbind::kernels
