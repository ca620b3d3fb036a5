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

/// The numbers behind a row's softmax and log-sum-exp, without overflow.
template <class T>
struct Exponentials {
  T largest;  ///< max t
  T sum;      ///< Σ e^{t_k - largest}
};

/// out_k = e^{t_k - largest}, where `out` may be `t`, or nullptr if only the sum is wanted.
template <class T>
Exponentials<T> exponentials(const T* t, Index cols, T* out);

/// out_i = log x_i, for finite x_i > 0.
template <class T>
void logarithms(const T* x, Index count, T* out);

}  // namespace nnbind::kernels
