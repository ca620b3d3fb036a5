#include "naive.hpp"

namespace nnbind::test::naive {

template <class T>
void affine(MatrixView<const T> x, MatrixView<const T> weights, const T* bias, MatrixView<T> out) {
  for (Index i = 0; i < out.rows; ++i) {
    for (Index j = 0; j < out.cols; ++j) {
      T sum = bias == nullptr ? T{0} : bias[j];
      for (Index k = 0; k < x.cols; ++k) sum += x(i, k) * weights(k, j);
      out(i, j) = sum;
    }
  }
}

template <class T>
void input_gradient(MatrixView<const T> grad_out, MatrixView<const T> weights, bool accumulate,
                    MatrixView<T> grad_inputs) {
  for (Index i = 0; i < grad_inputs.rows; ++i) {
    for (Index k = 0; k < grad_inputs.cols; ++k) {
      T sum = accumulate ? grad_inputs(i, k) : T{0};
      for (Index j = 0; j < grad_out.cols; ++j) sum += grad_out(i, j) * weights(k, j);
      grad_inputs(i, k) = sum;
    }
  }
}

template <class T>
void weight_gradient(MatrixView<const T> x, Range inputs, MatrixView<const T> grad_out,
                     bool accumulate, MatrixView<T> grad_weights) {
  for (Index k = inputs.begin; k < inputs.end; ++k) {
    for (Index j = 0; j < grad_out.cols; ++j) {
      T sum = accumulate ? grad_weights(k - inputs.begin, j) : T{0};
      for (Index i = 0; i < x.rows; ++i) sum += x(i, k) * grad_out(i, j);
      grad_weights(k - inputs.begin, j) = sum;
    }
  }
}

template <class T>
void bias_gradient(MatrixView<const T> grad_out, bool accumulate, T* grad_bias) {
  for (Index j = 0; j < grad_out.cols; ++j) {
    if (!accumulate) grad_bias[j] = T{0};
    for (Index i = 0; i < grad_out.rows; ++i) grad_bias[j] += grad_out(i, j);
  }
}

#define NNBIND_NAIVE(T)                                                                        \
  template void affine(MatrixView<const T>, MatrixView<const T>, const T*, MatrixView<T>);     \
  template void input_gradient(MatrixView<const T>, MatrixView<const T>, bool, MatrixView<T>); \
  template void weight_gradient(MatrixView<const T>, Range, MatrixView<const T>, bool,         \
                                MatrixView<T>);                                                \
  template void bias_gradient(MatrixView<const T>, bool, T*);
NNBIND_NAIVE(float)
NNBIND_NAIVE(double)
#undef NNBIND_NAIVE

}  // namespace nnbind::test::naive
