// Regularization R(θ): what large weights cost.
#pragma once

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

}  // namespace nnbind
