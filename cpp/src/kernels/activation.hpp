// The elementwise activations and the softmaxes as loops.
#pragma once

#include "nnbind/activation.hpp"

namespace nnbind::kernels {

template <class T>
void activate(const Activation& g, MatrixView<const T> t, MatrixView<T> out);

/// grad ⊙= g'; the rows of softmaxes are multiplied by the Jacobian.
template <class T>
void multiply_by_slope(const Activation& g, MatrixView<const T> t, MatrixView<const T> out,
                       MatrixView<T> grad);

/// y = softmax(t) along each row; returns nothing else. `out` may be `t`.
template <class T>
void softmax_row(const T* t, Index cols, T* out);

/// max(t) and log Σ e^{t_k - max}: together the row's log-sum-exp, without overflow.
template <class T>
struct LogSumExp {
  T largest;
  T log_sum;
};
template <class T>
LogSumExp<T> log_sum_exp(const T* t, Index cols);

}  // namespace nnbind::kernels
