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

/// The slopes of R = l1 ‖w‖₁ + l2/2 ‖w‖², which change the gradient g of the data's loss to
///
///     g + l1 sign(w) + l2 w,  with sign(0) = 0.
template <class T>
struct PenaltySlopes {
  T l1 = 0;
  T l2 = 0;

  [[nodiscard]] bool are_zero() const { return l1 == 0 && l2 == 0; }
  template <class U>
  [[nodiscard]] PenaltySlopes<U> as() const {
    return {static_cast<U>(l1), static_cast<U>(l2)};
  }
};

/// Those of a block of weights, with biases below them.
template <class T>
struct BlockPenalty {
  PenaltySlopes<T> weights;
  PenaltySlopes<T> biases;

  [[nodiscard]] bool is_zero() const { return weights.are_zero() && biases.are_zero(); }
  template <class U>
  [[nodiscard]] BlockPenalty<U> as() const {
    return {weights.template as<U>(), biases.template as<U>()};
  }
};

/// What acts on the parameters of one layer: on its weights its own slopes, and on those and its
/// biases its part of the network's R for a batch of that many samples.
BlockPenalty<double> penalty_of(const Regularizer& network, const PenaltySlopes<double>& own,
                                Index samples);

}  // namespace nnbind
