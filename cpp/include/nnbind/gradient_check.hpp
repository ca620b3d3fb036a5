// Backpropagation against finite differences.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nnbind/dataset.hpp"
#include "nnbind/network.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// How to check gradients.
struct GradientCheckOptions {
  double step = 1e-5;       ///< h = step · max(1, |x|)
  double tolerance = 1e-6;  ///< relative errors up to this are right
  /// As the next training step sees the network: with its dropout and with the batch's statistics.
  bool training = false;

  /// Throws OptionError unless step and tolerance are positive.
  void check() const;
};

/// How far gradients are from central differences (f(x + h) - f(x - h)) / 2h: that of L(θ) by
/// backpropagation, and those of each operator and each loss by itself, at the values that it
/// meets: so that it is known who is wrong.
///
/// An error is relative to the larger of both values, of the quotients to the left and to the
/// right, which cancel each other where f is least, and of a thousandth of the largest entry beside
/// it, below which central differences are rounding noise. Where it is above the tolerance, smaller
/// steps are tried. A kink is an entry whose difference quotients to the left and to the right
/// disagree however small the step, while the gradient lies between them or is one of them, as at a
/// ReLU's 0. It is no error; it is counted.
///
/// L(θ) sums over samples, whose kinks may bend up and down. So where only the gradient of L is
/// wrong, the samples whose own loss has a kink are left out: the entry is a kink if the gradient
/// over the others is right, and if that over the samples left out lies between their quotients or
/// an operator or a loss on the way to L has a kink by itself at one of them, and none is wrong.
struct GradientCheck {
  /// ∂L/∂θ of a node's block of θ.
  struct Entry {
    std::string node;
    double largest_relative_error = 0;   ///< kinks apart
    Index row = 0, col = 0;              ///< where in the matrix
    double analytic = 0, numerical = 0;  ///< both values there
    Index kinks = 0;                     ///< how many of the matrix's entries are kinks
    Index kink_row = 0, kink_col = 0;    ///< the first of them
  };
  /// The gradient of Σ G ⊙ y, for an operator's output y and a random G > 0, at no more than the
  /// first 32 samples; or that of a loss as a function of an output of the network.
  struct OperatorEntry : Entry {
    std::string kind;       ///< of the operator, or the name of the loss
    std::size_t input = 0;  ///< which input, from 1; 0 for the operator's own parameters
    std::string from;       ///< the name of that input
    bool is_loss = false;
  };
  std::vector<Entry> nodes;
  std::vector<OperatorEntry> operators;
  double largest_relative_error = 0;  ///< over all parameters
  double largest_operator_error = 0;  ///< over all operators and losses
  Index kinks = 0;                    ///< in all entries
  double tolerance = 0;

  /// Whether no error is above the tolerance.
  [[nodiscard]] bool ok() const;
  /// A line for each block of parameters, for each operator or loss that is wrong or has kinks, and
  /// for the verdict.
  [[nodiscard]] std::string report() const;
};

/// Checks all of the network. θ and the running statistics are as before at the end. Throws what
/// loss_and_gradient throws, and OptionError for bad options, or if a value of a node or the loss
/// is not finite, which names the first.
template <class T>
GradientCheck check_gradients(Network<T>& network, const Dataset<T>& data, const Losses& losses,
                              const Regularizer& regularizer = {},
                              const GradientCheckOptions& options = {});

}  // namespace nnbind
