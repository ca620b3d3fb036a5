#include "kernels/affine.hpp"

#include "kernels/affine_of_one.hpp"
#include "kernels/product.hpp"
#include "kernels/transpose.hpp"

namespace nnbind::kernels {

namespace {

/// A piece of W or of Wᵀ, as wide as a panel, which fits the first-level cache and the stack: it is
/// made once and read by all rows.
template <class T>
struct Piece {
  static constexpr Index width = panel_columns<T>;
  static constexpr Index depth = 256;
  alignas(cache_line) std::array<T, static_cast<std::size_t>(width*(depth + 1))> values;

  [[nodiscard]] Panels<const T> panel(Index rows, Index cols) const {
    return {values.data(), rows, cols, width, width * depth};
  }
};

/// The product by pieces of W, for weights whose rows lie a page or more apart: a panel of them is
/// on too many pages, and in too few places of the cache, to be read by every tile. A piece adds to
/// the sums of the one above it, so that each element of T is the same chain of sums.
template <class T>
void affine_by_pieces(const Rows<T>& x, const Panels<const T>& weights, bool bias,
                      const MatrixView<T>& out) {
  Piece<T> piece;
  for (Index k = 0; k < weights.rows; k += piece.depth) {
    const Index inputs = std::min(piece.depth, weights.rows - k);
    for (Index j = 0; j < weights.cols; j += piece.width) {
      const Index units = std::min(piece.width, weights.cols - j);
      const MatrixView<const T> columns = weights.view(j, units);
      const auto copy_row = [&](Index from, Index to) {
        for (Index u = 0; u < units; u += lanes<T>) {
          store(piece.values.data() + to * piece.width + u, load(columns.row(from) + u));
        }
      };
      for (Index i = 0; i < inputs; ++i) copy_row(k + i, i);
      Start start = Start::accumulate;
      if (k == 0) {
        start = bias ? Start::bias : Start::zero;
        if (bias) copy_row(weights.rows, inputs);
      }
      product<T>(Across<T>{x.row, k}, piece.panel(inputs, units), start,
                 out.middle_columns(j, units));
    }
  }
}

}  // namespace

template <class T>
void affine(const Rows<T>& x, const Panels<const T>& weights, bool bias, const MatrixView<T>& out) {
  if (weights.cols == 1 && !weights.is_packed()) {
    affine_of_one(x, weights.view(0, 1), bias, out);
    return;
  }
  constexpr Index page = 4096 / sizeof(T);
  constexpr Index few = Index{2} * tile_rows;  // would not repay the copies
  const Start start = bias ? Start::bias : Start::zero;
  if (!weights.is_packed() && weights.stride >= page && x.count > few) {
    affine_by_pieces(x, weights, bias, out);
  } else if (many_registers && weights.is_packed() && x.stride != 0) {
    product<T>(Even<T>{x.row[0], x.stride}, weights, start, out);
  } else {
    product<T>(Across<T>{x.row}, weights, start, out);
  }
}

namespace {

/// out (cols × rows), rows of panel_columns<T>, = inᵀ in square blocks of a vector a side, which
/// are transposed in registers. Rows of `in` that fill up the last block are taken as zeros.
template <class T>
void transpose(const Panels<const T>& in, T* out) {
  constexpr Index side = lanes<T>;
  for (Index j = 0; j < in.cols; j += side) {
    T* const to = out + j * panel_columns<T>;
    const Index count = std::min(side, in.cols - j);
    for (Index i = 0; i < in.rows; i += side) {
      const T* const from = in.column(j) + i * in.stride;
      const auto put = [&](Index r, const Packet<T>& column) {
        if (r < count) store(to + r * panel_columns<T> + i, column);
      };
      transpose_block(from, in.stride, in.rows - i, put);
    }
  }
}

}  // namespace

template <class T>
void affine_input_gradient(const MatrixView<const T>& grad_out, const Panels<const T>& weights,
                           bool accumulate, const MatrixView<T>& grad_inputs) {
  // Wᵀ is made in pieces. A piece adds to the sums of the one before it, so that each element of
  // ∂L/∂X is one chain of sums in the order of the units.
  if (weights.cols == 1 && weights.stride == 1) {  // W is one row already
    multiply_rows(grad_out, weights.data, accumulate, grad_inputs);
    return;
  }
  Piece<T> piece;
  const Index pieces = (weights.cols + piece.depth - 1) / piece.depth;
  const Index panels = (weights.cols + piece.width - 1) / piece.width;
  const Index depth = (panels + pieces - 1) / pieces * piece.width;  // about the same for all
  for (Index j = 0; j < weights.cols; j += depth) {
    const Index units = std::min(depth, weights.cols - j);
    if (grad_out.rows == 1) {
      input_gradient_of_one(grad_out.data + j, weights.middle_columns(j, units),
                            accumulate || j > 0, grad_inputs.data);
      continue;
    }
    for (Index k = 0; k < weights.rows; k += piece.width) {
      const Index inputs = std::min(piece.width, weights.rows - k);
      const Index columns = std::min(piece.width, grad_inputs.cols - k);
      transpose<T>(weights.middle_rows(k, inputs).middle_columns(j, units), piece.values.data());
      const T* const below = weights.column(j) + (k + inputs) * weights.stride;
      const Index panels_below = k + inputs < weights.rows ? units / piece.width : 0;
      const Ahead<T> ahead{below, weights.step, panels_below};
      product<T>(Even<T>{grad_out.data + j, grad_out.stride, ahead}, piece.panel(units, inputs),
                 accumulate || j > 0 ? Start::accumulate_last : Start::zero,
                 grad_inputs.middle_columns(k, columns));
    }
  }
}

namespace {

/// Copies of columns of some rows, close to each other.
template <class T>
struct ColumnBlock {
  static constexpr Index most_rows = 128;
  static constexpr Index most_columns = 48;
  alignas(cache_line) std::array<T, static_cast<std::size_t>(most_rows* most_columns)> values;
  std::array<const T*, static_cast<std::size_t>(most_rows)> row;

  const T* const* copy(const T* const* from, Index count, Range columns) {
    for (Index i = 0; i < count; ++i) {
      T* const to = values.data() + i * most_columns;
      const T* const sample = from[i] + columns.begin;
      Index j = 0;
      for (; j + lanes<T> <= columns.size(); j += lanes<T>) store(to + j, load(sample + j));
      for (; j < columns.size(); ++j) to[j] = sample[j];
      row[static_cast<std::size_t>(i)] = to;
    }
    return row.data();
  }
};

// In blocks of samples, so that what a tile reads stays in the first-level cache until the next one
// reads it. Where it will be read often, columns of X are first copied next to each other: a column
// of X as it lies has each of its elements on a page of its own.
template <class T>
void weight_gradient(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                     bool accumulate, const MatrixView<T>& grad_weights,
                     const Descent<T>& descent) {
  using Block = ColumnBlock<T>;
  const bool copies = grad_weights.cols > 3 * panel_columns<T> && grad_out.rows > 48;
  const Index chunk = copies ? Block::most_columns : inputs.size();
  Block block;
  for (Index k = inputs.begin; k < inputs.end; k += chunk) {
    const Index count = std::min(chunk, inputs.end - k);
    const MatrixView<T> to = grad_weights.middle_rows(k - inputs.begin, count);
    for (Index first = 0; first < grad_out.rows; first += Block::most_rows) {
      const Index rows = std::min(Block::most_rows, grad_out.rows - first);
      const bool last = first + rows == grad_out.rows;
      const Down<T> columns = copies ? Down<T>{block.copy(x.row + first, rows, {k, k + count}), 0}
                                     : Down<T>{x.row + first, k};
      product<T>(columns, Panels<const T>::plain(grad_out.middle_rows(first, rows)),
                 accumulate || first > 0 ? Start::accumulate_last : Start::zero, to,
                 last ? descent.middle_rows(k - inputs.begin, count) : Descent<T>{});
    }
  }
}

template <class T>
void bias_gradient(const MatrixView<const T>& grad_out, bool accumulate, T* grad_bias,
                   const Descent<T>& descent) {
  // Four sums, of every fourth sample each: a single one would wait for itself at each addition.
  const auto column_sum = [rows = grad_out.rows, stride = grad_out.stride](const T* column,
                                                                           Packet<T> start) {
    constexpr Index chains = 4;
    Packet<T> sums[chains] = {start, broadcast(T{0}), broadcast(T{0}), broadcast(T{0})};
    Index i = 0;
    for (; i + chains <= rows; i += chains) {
      for (Packet<T>& sum : sums) {
        sum = simd::padd(sum, load(column));
        column += stride;
      }
    }
    for (; i < rows; ++i, column += stride) sums[0] = simd::padd(sums[0], load(column));
    return Packet<T>(simd::padd(Packet<T>(simd::padd(sums[0], sums[1])),
                                Packet<T>(simd::padd(sums[2], sums[3]))));
  };
  for (Index j = 0; j < grad_out.cols; j += lanes<T>) {
    const Index left = std::min(lanes<T>, grad_out.cols - j);
    const Packet<T> start = accumulate ? load_first(grad_bias + j, left) : broadcast(T{0});
    const Packet<T> sum = column_sum(grad_out.data + j, start);
    if (descent.theta.data == nullptr) {
      store_first(grad_bias + j, sum, left);
    } else {
      T* const theta = descent.theta.column(j);
      const DescentStep<Packet<T>> step(descent.rule);
      descend(step, sum, theta, descent.velocity_of(theta), left);
    }
  }
}

}  // namespace

template <class T>
void affine_gradient(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                     bool accumulate, const MatrixView<T>& gradient, const Descent<T>& descent) {
  const Index weights = inputs.size();
  if (grad_out.rows == 1 && !accumulate) {
    return gradient_of_one(x.row[0] + inputs.begin, weights, grad_out.data, gradient, descent);
  }
  if (weights > 0) {
    weight_gradient(x, inputs, grad_out, accumulate, gradient.middle_rows(0, weights), descent);
  }
  if (gradient.rows > weights) {
    bias_gradient(grad_out, accumulate, gradient.row(weights), descent.middle_rows(weights, 1));
  }
}

#define NNBIND_INSTANTIATE(T)                                                                      \
  template void affine<T>(const Rows<T>&, const Panels<const T>&, bool, const MatrixView<T>&);     \
  template void affine_input_gradient<T>(const MatrixView<const T>&, const Panels<const T>&, bool, \
                                         const MatrixView<T>&);                                    \
  template void affine_gradient<T>(const Rows<T>&, Range, const MatrixView<const T>&, bool,        \
                                   const MatrixView<T>&, const Descent<T>&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
