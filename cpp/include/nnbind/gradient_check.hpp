// Backpropagation against finite differences.
#pragma once

#include <string>
#include <vector>

#include "nnbind/dataset.hpp"
#include "nnbind/network.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// How far the gradient is from central differences (L(θ + h e_i) - L(θ - h e_i)) / 2h.
struct GradientCheck {
  struct Entry {
    std::string node;               ///< name of the layer
    double largest_relative_error;  ///< over the parameters of the layer
    Index row, col;                 ///< where in its block of θ
    double analytic, numerical;     ///< both gradients there
  };
  std::vector<Entry> nodes;
  double largest_relative_error = 0;
};

/// Compares each ∂L/∂θ_i with h = step · max(1, |θ_i|). The error of an entry is relative to the
/// larger of both values and of a thousandth of the largest entry of the gradient, below which
/// central differences are rounding noise. Dropout is off. θ is as before at the end.
template <class T>
GradientCheck check_gradients(Network<T>& network, const Dataset<T>& data, const LossPointer& loss,
                              const Regularizer& regularizer = {}, double step = 1e-5);

}  // namespace nnbind
