// The elementwise activations and the softmaxes as loops.
#pragma once

#include "nnbind/activation.hpp"

namespace nnbind::kernels {

/// out = g(t), by a loop for each g. Who calls it often asks for it once. `out` may be t.
template <class T>
using ActivationLoop = void (*)(const Activation& g, const MatrixView<const T>& t,
                                const MatrixView<T>& out);
template <class T>
ActivationLoop<T> activation_loop(const Activation& g);

/// grad ⊙= g', after grad ⊙= mask if there is one; the rows of softmaxes are multiplied by the
/// Jacobian. With out = g(t): of the two only that need be there from which g' is computed.
template <class T>
using SlopeLoop = void (*)(const Activation& g, const MatrixView<const T>& t,
                           const MatrixView<const T>& out, const MatrixView<T>& grad,
                           const MatrixView<const T>& mask);
template <class T>
SlopeLoop<T> slope_loop(const Activation& g);

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
/// t, p - y. Both are written in whole vectors.
template <class T>
void logistic_losses(Index count, const T* t, const T* y, T* values, T* slopes);

}  // namespace nnbind::kernels
