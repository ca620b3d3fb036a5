// A loss that is a sum over the outputs of a formula d(f, y) with a slope ∂d/∂f.
#pragma once

#include "nnbind/loss.hpp"

namespace nnbind {

/// The value of a formula and its slope at one output.
template <class T>
struct Term {
  T value;
  T slope;
};

/// Runs `formula(f, y) -> Term` over rows; `divisor` is what the sum over outputs is divided by.
template <class T, class Formula>
void sum_over_outputs(const LossRows<T>& rows, T divisor, Formula formula) {
  const bool wants_gradient = rows.gradient.data != nullptr;
  for (Index i = 0; i < rows.predictions.rows; ++i) {
    const T* f = rows.predictions.row(i);
    const T* y = rows.targets[i];
    const T weight = (rows.weights == nullptr ? T{1} : rows.weights[i]) / divisor;
    T sum = 0;
    for (Index k = 0; k < rows.predictions.cols; ++k) {
      const Term<T> term = formula(f[k], y[k]);
      sum += term.value;
      if (wants_gradient) rows.gradient(i, k) = rows.scale * weight * term.slope;
    }
    rows.losses[i] = weight * sum;
  }
}

/// Gives a class with `template <class T> void rows(const LossRows<T>&, bool) const` both virtuals.
template <class Derived>
class LossOf : public Loss {
 public:
  using Loss::Loss;
  void evaluate(const LossRows<float>& rows, bool pre_activation) const final {
    static_cast<const Derived&>(*this).rows(rows, pre_activation);
  }
  void evaluate(const LossRows<double>& rows, bool pre_activation) const final {
    static_cast<const Derived&>(*this).rows(rows, pre_activation);
  }
};

}  // namespace nnbind
