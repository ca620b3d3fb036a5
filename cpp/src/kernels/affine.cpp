#include "kernels/affine.hpp"

#include "kernels/affine_of_one.hpp"
#include "kernels/input_stack.hpp"
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

Start start_of(bool bias) { return bias ? Start::bias : Start::zero; }

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
        start = start_of(bias);
        if (bias) copy_row(weights.rows, inputs);
      }
      product<T>(Across<T>{x.row, k}, piece.panel(inputs, units), start,
                 out.middle_columns(j, units));
    }
  }
}

/// The product by tiles, of samples anywhere or at even distances.
template <class T, int chains = 1>
void affine_of_rows(const Rows<T>& x, const Panels<const T>& weights, bool bias,
                    const MatrixView<T>& out) {
  product<T>(Across<T, chains>{x.row}, weights, start_of(bias), out);
}

template <class T, int chains = 1>
void affine_of_even_rows(const Rows<T>& x, const Panels<const T>& weights, bool bias,
                         const MatrixView<T>& out) {
  product<T>(Even<T, chains>{x.row[0], x.stride}, weights, start_of(bias), out);
}

/// One sample and V vectors of units: a single tile.
template <class T, int V, int chains = 1>
void affine_of_sample(const Rows<T>& x, const Panels<const T>& weights, bool bias,
                      const MatrixView<T>& out) {
  product_tile<T, 1, V, false, End::store>(Across<T, chains>{x.row}, weights, start_of(bias),
                                           out.data, out.stride, out.cols, TileDescent<T>(),
                                           weights.data);
}

template <class T>
constexpr auto affine_of_sample_table = []<std::size_t... V>(std::index_sequence<V...>) {
  return std::array<AffineLoop<T>, sizeof...(V)>{&affine_of_sample<T, int{V} + 1>...};
}(std::make_index_sequence<row_vectors>{});

}  // namespace

template <class T>
AffineLoop<T> affine_loop(const Rows<T>& x, const Panels<const T>& weights) {
  constexpr Index page = 4096 / sizeof(T);
  constexpr Index few = Index{2} * tile_rows;  // would not repay the copies
  constexpr Index least_inputs = 64;           // of two chains, whose sum is a step more
  const bool even = many_registers && x.stride != 0 && x.count > 1;
  if (weights.is_packed()) return even ? &affine_of_even_rows<T> : &affine_of_rows<T>;
  if (weights.cols == 1) {
    return weights.stride == 1 ? &affine_of_unit<T> : &affine_of_distant_unit<T>;
  }
  const bool narrow = weights.cols <= lanes<T>;
  if (narrow && weights.rows >= least_inputs) {
    if (x.count == 1) return &affine_of_sample<T, 1, narrow_chains>;
    return even ? &affine_of_even_rows<T, narrow_chains> : &affine_of_rows<T, narrow_chains>;
  }
  if (even && narrow) return &affine_of_even_rows<T>;
  const Index vectors = whole_vectors<T>(weights.cols) / lanes<T>;
  if (x.count == 1 && vectors <= row_vectors) {
    return affine_of_sample_table<T>[static_cast<std::size_t>(vectors - 1)];
  }
  return weights.stride >= page && x.count > few ? &affine_by_pieces<T> : &affine_of_rows<T>;
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

/// By pieces of Wᵀ: calls f(j, units) for its units [j, j + units). What a piece adds to the sums
/// of the one before it is one chain of sums in the order of the units.
template <class T, class F>
void each_piece(Index units, F&& f) {
  using P = Piece<T>;
  const Index pieces = ceil_div(units, P::depth);
  const Index panels = ceil_div(units, P::width);
  const Index depth = ceil_div(panels, pieces) * P::width;  // about the same for all
  for (Index j = 0; j < units; j += depth) f(j, std::min(depth, units - j));
}

template <class T>
void input_gradient_of_rows(const MatrixView<const T>& grad_out, const Panels<const T>& weights,
                            bool accumulate, const MatrixView<T>& grad_inputs) {
  Piece<T> piece;
  each_piece<T>(weights.cols, [&](Index j, Index units) {
    for (Index k = 0; k < weights.rows; k += piece.width) {
      const Index inputs = std::min(piece.width, weights.rows - k);
      const Index columns = std::min(piece.width, grad_inputs.cols - k);
      transpose<T>(weights.middle_rows(k, inputs).middle_columns(j, units), piece.values.data());
      Ahead<T> below;
      if (k + inputs < weights.rows && units >= piece.width) {
        below = {weights.column(j) + (k + inputs) * weights.stride, weights.step,
                 units / piece.width};
      }
      product<T>(Even<T>{grad_out.data + j, grad_out.stride}, piece.panel(units, inputs),
                 accumulate || j > 0 ? Start::accumulate_last : Start::zero,
                 grad_inputs.middle_columns(k, columns), {}, below);
    }
  });
}

}  // namespace

template <class T>
InputGradientLoop<T> input_gradient_loop(const Panels<const T>& weights, bool one_sample) {
  if (weights.cols == 1 && weights.stride == 1) return &input_gradient_of_unit<T>;
  if (!one_sample) return &input_gradient_of_rows<T>;
  return weights.is_packed() ? &input_gradient_of_sample<T, true>
                             : &input_gradient_of_sample<T, false>;
}

namespace {

/// In blocks of samples, so that what a tile reads of ∂L/∂T stays in the first-level cache until
/// the next one reads it, and of so many inputs. `left(first, rows, k, inputs)` is the left factor
/// of such a block.
template <class T, class Left>
void weight_gradient_by_blocks(Left&& left, Index block, const MatrixView<const T>& grad_out,
                               bool accumulate, const Panels<T>& grad_weights,
                               const Descent<T>& descent) {
  constexpr Index most_rows = InputStack<T>::most_samples;
  for (Index first = 0; first < grad_out.rows; first += most_rows) {
    const Index rows = std::min(most_rows, grad_out.rows - first);
    const Panels<const T> right = Panels<const T>::plain(grad_out.middle_rows(first, rows));
    const Start start = accumulate || first > 0 ? Start::accumulate_last : Start::zero;
    const Descent<T> step = first + rows == grad_out.rows ? descent : Descent<T>{};
    for (Index k = 0; k < grad_weights.rows; k += block) {
      const Index inputs = std::min(block, grad_weights.rows - k);
      product<T>(left(first, rows, k, inputs), right, start, grad_weights.middle_rows(k, inputs),
                 step.middle_rows(k, inputs));
    }
  }
}

// In place the columns of X are read by blocks that stay in the first-level cache, beside a panel
// of ∂L/∂T, until the last panel has read them. Of a large batch, whose blocks would be a tile or
// two, they are copied first if many panels will read them: as it lies, each of their elements is
// on a page of its own.
template <class T>
void weight_gradient(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                     bool accumulate, const Panels<T>& grad_weights, const Descent<T>& descent) {
  const auto without_gaps = [](const Panels<T>& column) { return column.stride == 1; };
  if (grad_out.cols == 1 && without_gaps(grad_weights) &&
      (descent.theta.data == nullptr || without_gaps(descent.theta))) {
    return weight_gradient_of_unit(x, inputs, grad_out, accumulate, grad_weights.data, descent);
  }
  using Stack = InputStack<T>;
  constexpr Index most_in_place = many_registers ? 64 : 48;
  constexpr auto elements = static_cast<Index>(18 * std::size_t{1024} / sizeof(T));
  if (grad_weights.cols <= 3 * panel_columns<T> || grad_out.rows <= most_in_place) {
    const Index rows = std::min(grad_out.rows, Stack::most_samples);
    Index block = inputs.size();
    if (block * rows > elements) {
      block = std::max<Index>(elements / (rows * tile_rows), 1) * tile_rows;
    }
    const auto in_place = [&](Index first, Index /*rows*/, Index k, Index /*some*/) {
      return Down<T>{x.row + first, inputs.begin + k, x.ahead};
    };
    return weight_gradient_by_blocks<T>(in_place, block, grad_out, accumulate, grad_weights,
                                        descent);
  }
  const bool is_far = static_cast<std::size_t>(x.count * x.cols) * sizeof(T) > second_level_cache;
  Stack stack;
  const auto copied = [&](Index first, Index rows, Index k, Index some) {
    const Index input = inputs.begin + k;
    const Stacked<T> copy = stack.copy(x.middle_rows(first, rows), Range{input, input + some});
    const auto then = [&copy](const T* const* row, Index from) {
      return Stacked<T>{copy.data, copy.columns, row, from};
    };
    if (!is_far) return copy;
    // Next come further inputs of these samples, or these of the next samples, or what the piece of
    // W below this one or beside it begins with.
    if (k + some < inputs.size()) return then(x.row + first, input + some);
    const Index following = first + rows;
    if (following == x.count) return then(x.row, inputs.end < x.cols ? inputs.end : 0);
    return x.count - following < rows ? copy : then(x.row + following, inputs.begin);
  };
  weight_gradient_by_blocks<T>(copied, Stack::most_inputs, grad_out, accumulate, grad_weights,
                               descent);
}

template <class T>
void bias_gradient(const MatrixView<const T>& grad_out, bool accumulate, const Panels<T>& gradient,
                   const Descent<T>& descent) {
  // Four sums, of every fourth sample each: a single one would wait for itself at each addition.
  // And those block by block, since the error of a sum grows with its length.
  const auto column_sum = [rows = grad_out.rows, stride = grad_out.stride](const T* column,
                                                                           Packet<T> total) {
    constexpr Index chains = 4;
    constexpr Index block = 256 * chains;
    for (Index first = 0; first < rows; first += block) {
      const Index count = std::min(block, rows - first);
      Packet<T> sums[chains];
      unrolled<chains>([&](int c) { sums[c] = broadcast(T{0}); });
      Index i = 0;
      for (; i + chains <= count; i += chains) {
        for (Packet<T>& sum : sums) {
          sum = simd::padd(sum, load(column));
          column += stride;
        }
      }
      for (; i < count; ++i, column += stride) sums[0] = simd::padd(sums[0], load(column));
      total = simd::padd(total, Packet<T>(simd::padd(Packet<T>(simd::padd(sums[0], sums[1])),
                                                     Packet<T>(simd::padd(sums[2], sums[3])))));
    }
    return total;
  };
  for (Index j = 0; j < grad_out.cols; j += lanes<T>) {
    const Index left = std::min(lanes<T>, grad_out.cols - j);
    const Packet<T> start = accumulate ? load_first(gradient.column(j), left) : broadcast(T{0});
    finish_gradient<T>(
        descent, &BlockPenalty<T>::biases, column_sum(grad_out.data + j, start), gradient.column(j),
        [&] { return descent.theta.column(j); }, left);
  }
}

template <class T>
void gradient_of_rows(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                      bool accumulate, const Panels<T>& gradient, const Descent<T>& descent) {
  const Index weights = inputs.size();
  if (weights > 0) {
    weight_gradient(x, inputs, grad_out, accumulate, gradient.middle_rows(0, weights), descent);
  }
  if (gradient.rows > weights) {
    bias_gradient(grad_out, accumulate, gradient.middle_rows(weights, 1),
                  descent.middle_rows(weights, 1));
  }
}

}  // namespace

template <class T>
GradientLoop<T> gradient_loop(const MatrixView<const T>& grad_out, bool accumulate,
                              const Descent<T>& descent) {
  if (grad_out.rows != 1 || accumulate) return &gradient_of_rows<T>;
  return descent.penalty == nullptr ? loop_by_sample<T, false>(descent)
                                    : loop_by_sample<T, true>(descent);
}

#define NNBIND_INSTANTIATE(T)                                                         \
  template AffineLoop<T> affine_loop<T>(const Rows<T>&, const Panels<const T>&);      \
  template InputGradientLoop<T> input_gradient_loop<T>(const Panels<const T>&, bool); \
  template GradientLoop<T> gradient_loop<T>(const MatrixView<const T>&, bool, const Descent<T>&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
