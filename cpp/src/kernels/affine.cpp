#include "kernels/affine.hpp"

#include "kernels/product.hpp"

namespace nnbind::kernels {

template <class T>
void affine(Rows<T> x, Panels<const T> weights, bool bias, MatrixView<T> out) {
  product(Across<T>{x.row}, weights, bias ? Start::bias : Start::zero, out);
}

template <class T>
void affine_input_gradient(Rows<T> grad_out, Panels<const T> transposed_weights, bool accumulate,
                           MatrixView<T> grad_inputs) {
  product(Across<T>{grad_out.row}, transposed_weights, accumulate ? Start::accumulate : Start::zero,
          grad_inputs);
}

namespace {

/// x · gᵀ, a row after the other: it is limited by the memory, which is written in its order.
template <class T>
void outer_product(const T* x, const T* g, MatrixView<T> out) {
  for (Index i = 0; i < out.rows; ++i) {
    const Packet<T> left = broadcast(x[i]);
    T* const to = out.row(i);
    Index j = 0;
    for (; j + lanes<T> <= out.cols; j += lanes<T>) store(to + j, simd::pmul(left, load(g + j)));
    if (j < out.cols) store_first(to + j, Packet<T>(simd::pmul(left, load(g + j))), out.cols - j);
  }
}

}  // namespace

template <class T>
void affine_weight_gradient(Rows<T> x, Range inputs, MatrixView<const T> grad_out, bool accumulate,
                            MatrixView<T> grad_weights) {
  if (grad_out.rows == 1 && !accumulate) {
    outer_product(x.row[0] + inputs.begin, grad_out.data, grad_weights);
    return;
  }
  // In blocks of samples, so that a panel of ∂L/∂T stays in the first-level cache from one tile to
  // the next, and its pages in the translation buffer.
  constexpr Index block = 128;
  for (Index first = 0; first < grad_out.rows; first += block) {
    const Index count = std::min(block, grad_out.rows - first);
    product(Down<T>{x.row + first, inputs.begin},
            Panels<const T>::plain(grad_out.middle_rows(first, count)),
            accumulate || first > 0 ? Start::accumulate : Start::zero, grad_weights);
  }
}

template <class T>
void affine_bias_gradient(MatrixView<const T> grad_out, bool accumulate, T* grad_bias) {
  const auto column_sum = [&](const T* column, Packet<T> sum) {
    for (Index i = 0; i < grad_out.rows; ++i, column += grad_out.stride) {
      sum = simd::padd(sum, load(column));
    }
    return sum;
  };
  for (Index j = 0; j < grad_out.cols; j += lanes<T>) {
    const Index left = std::min(lanes<T>, grad_out.cols - j);
    const Packet<T> start = accumulate ? load_first(grad_bias + j, left) : broadcast(T{0});
    store_first(grad_bias + j, column_sum(grad_out.data + j, start), left);
  }
}

template <class T>
void transpose(Panels<const T> in, Range rows, Range cols, Panels<T> out) {
  // Square blocks of a vector a side, transposed in registers; the edges element by element.
  constexpr Index side = lanes<T>;
  const auto one_by_one = [&](Range some_rows, Range some_cols) {
    if (some_cols.size() == 0) return;
    for (Index i = some_rows.begin; i < some_rows.end; ++i) {
      T* const to = out.column(i);
      for (Index j = some_cols.begin; j < some_cols.end; ++j) {
        to[j * out.stride] = in.column(j)[i * in.stride];
      }
    }
  };
  const Index whole_rows = rows.begin + rows.size() / side * side;
  const Index whole_cols = cols.begin + cols.size() / side * side;
  for (Index j = cols.begin; j < whole_cols; j += side) {
    for (Index i = rows.begin; i < whole_rows; i += side) {
      const T* from = in.column(j) + i * in.stride;
      T* to = out.column(i) + j * out.stride;
      simd::PacketBlock<Packet<T>, side> block;
      for (Index r = 0; r < side; ++r) block.packet[r] = load(from + r * in.stride);
      simd::ptranspose(block);
      for (Index r = 0; r < side; ++r) store(to + r * out.stride, block.packet[r]);
    }
  }
  one_by_one({rows.begin, whole_rows}, {whole_cols, cols.end});
  one_by_one({whole_rows, rows.end}, cols);
}

#define NNBIND_INSTANTIATE(T)                                                            \
  template void affine<T>(Rows<T>, Panels<const T>, bool, MatrixView<T>);                \
  template void affine_input_gradient<T>(Rows<T>, Panels<const T>, bool, MatrixView<T>); \
  template void affine_weight_gradient<T>(Rows<T>, Range, MatrixView<const T>, bool,     \
                                          MatrixView<T>);                                \
  template void affine_bias_gradient<T>(MatrixView<const T>, bool, T*);                  \
  template void transpose<T>(Panels<const T>, Range, Range, Panels<T>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
