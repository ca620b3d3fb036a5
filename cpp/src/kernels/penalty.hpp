// The sums behind R(θ) and the norm of a gradient, and the gradient of R.
#pragma once

#include "nnbind/matrix.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind::kernels {

/// Σ |w|, and Σ w², over a matrix in an order that depends on its shape alone: in T's precision, so
/// for few values, and in double where T overflows.
template <class T>
double sum_of_absolutes(const MatrixView<const T>& values);
template <class T>
double sum_of_squares(const MatrixView<const T>& values);

/// gradient += l1 · sign(w) + l2 · w: that of R = l1 ‖w‖₁ + l2/2 ‖w‖².
template <class T>
void add_penalty_gradient(MatrixView<const T> theta, const PenaltySlopes<T>& slopes,
                          MatrixView<T> gradient);

}  // namespace nnbind::kernels
