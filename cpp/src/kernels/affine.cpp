#include "kernels/affine.hpp"

#include "kernels/product.hpp"

namespace nnbind::kernels {

template <class T>
void affine(Rows<T> x, MatrixView<const T> weights, const T* bias, MatrixView<T> out) {
  product(Across<T>{x.row}, weights, bias, bias == nullptr ? Start::zero : Start::bias, out);
}

template <class T>
void affine_input_gradient(Rows<T> grad_out, MatrixView<const T> transposed_weights,
                           bool accumulate, MatrixView<T> grad_inputs) {
  product<T>(Across<T>{grad_out.row}, transposed_weights, nullptr,
             accumulate ? Start::accumulate : Start::zero, grad_inputs);
}

template <class T>
void affine_weight_gradient(Rows<T> x, Range inputs, MatrixView<const T> grad_out, bool accumulate,
                            MatrixView<T> grad_weights) {
  product<T>(Down<T>{x.row, inputs.begin}, grad_out, nullptr,
             accumulate ? Start::accumulate : Start::zero, grad_weights);
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
void transpose(MatrixView<const T> in, Range rows, MatrixView<T> out) {
  // Square blocks of a vector a side, transposed in registers; the edges element by element.
  constexpr Index side = lanes<T>;
  const Index whole_rows = rows.begin + rows.size() / side * side;
  const Index whole_cols = in.cols / side * side;
  for (Index i = rows.begin; i < whole_rows; i += side) {
    for (Index j = 0; j < whole_cols; j += side) {
      simd::PacketBlock<Packet<T>, side> block;
      for (Index r = 0; r < side; ++r) block.packet[r] = load(in.row(i + r) + j);
      simd::ptranspose(block);
      for (Index r = 0; r < side; ++r) store(out.row(j + r) + i, block.packet[r]);
    }
    for (Index j = whole_cols; j < in.cols; ++j) {
      for (Index r = i; r < i + side; ++r) out(j, r) = in(r, j);
    }
  }
  for (Index i = whole_rows; i < rows.end; ++i) {
    for (Index j = 0; j < in.cols; ++j) out(j, i) = in(i, j);
  }
}

#define NNBIND_INSTANTIATE(T)                                                                \
  template void affine<T>(Rows<T>, MatrixView<const T>, const T*, MatrixView<T>);            \
  template void affine_input_gradient<T>(Rows<T>, MatrixView<const T>, bool, MatrixView<T>); \
  template void affine_weight_gradient<T>(Rows<T>, Range, MatrixView<const T>, bool,         \
                                          MatrixView<T>);                                    \
  template void affine_bias_gradient<T>(MatrixView<const T>, bool, T*);                      \
  template void transpose<T>(MatrixView<const T>, Range, MatrixView<T>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
