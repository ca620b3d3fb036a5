// Regularization R(θ): what large weights cost.
#pragma once

#include "nnbind/matrix.hpp"

namespace nnbind {

/// R(θ) = l1 · ‖W‖₁ + l2/2 · ‖W‖², added to the reduced loss of a batch, over all weights of the
/// network; over its biases too if `bias`. With `divide_by_batch_size` R is divided by the number
/// of samples of the batch (scikit-learn's convention). The slope of |w| at 0 is taken as 0.
struct Regularizer {
  double l1 = 0;
  double l2 = 0;
  bool bias = false;
  bool divide_by_batch_size = false;

  /// Throws OptionError unless l1 and l2 are finite and >= 0.
  void check() const;
};

/// What acts on the weights, or on the biases, of one layer: its own l1 and l2, and its part of the
/// network's R for a batch of that many samples.
Regularizer penalty_of(const Regularizer& network, const Regularizer& own, bool weights,
                       Index samples);

}  // namespace nnbind
