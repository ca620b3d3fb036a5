// The elementwise activations and the softmaxes as loops.
#pragma once

#include "nnbind/activation.hpp"

namespace nnbind::kernels {

template <class T>
void activate(const Activation& g, const MatrixView<const T>& t, const MatrixView<T>& out);

/// grad ⊙= g', after grad ⊙= mask if there is one; the rows of softmaxes are multiplied by the
/// Jacobian.
template <class T>
void multiply_by_slope(const Activation& g, const MatrixView<const T>& t,
                       const MatrixView<const T>& out, const MatrixView<T>& grad,
                       const MatrixView<const T>& mask = {});

/// The numbers behind a row's softmax and log-sum-exp, without overflow.
template <class T>
struct Exponentials {
  T largest;  ///< max t
  T sum;      ///< Σ e^{t_k - largest}
};

/// Those of each row, and out_k = factor · softmax(t)_k with a factor for each row (nullptr: all
/// 1). `out` may be `t`; its data is nullptr if only the numbers are wanted.
template <class T>
void softmax(const MatrixView<const T>& t, const T* factors, const MatrixView<T>& out,
             Exponentials<T>* terms);

/// out_i = log x_i, for finite x_i > 0.
template <class T>
void logarithms(const T* x, Index count, T* out);

/// Binary cross-entropy of targets y and p = σ(t): values_i = log(1 + eᵗ) - y t, and its slopes by
/// t, p - y.
template <class T>
void logistic_losses(Index count, const T* t, const T* y, T* values, T* slopes);

}  // namespace nnbind::kernels
