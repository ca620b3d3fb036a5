// The sums behind R(θ) and the norm of a gradient, and the gradient of R.
#pragma once

#include "nnbind/matrix.hpp"

namespace nnbind::kernels {

struct Norms {
  double absolute = 0;  ///< Σ |w|
  double square = 0;    ///< Σ w²
};

/// Over all values of a matrix, in an order that depends on its shape and its packing alone.
template <class T>
Norms norms(Panels<const T> values);

/// Σ w², in an order that depends on the shape alone. It overflows where double does.
template <class T>
double sum_of_squares(MatrixView<const T> values);

/// gradient += l1 · sign(w) + l2 · w: with R = l1 ‖w‖₁ + l2/2 ‖w‖², where |w| has slope 0 at 0.
template <class T>
void add_penalty_gradient(MatrixView<const T> theta, T l1, T l2, MatrixView<T> gradient);

}  // namespace nnbind::kernels
