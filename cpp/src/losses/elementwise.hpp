// A loss that is a sum over the outputs of a formula d(f, y) with a slope ∂d/∂f.
#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "nnbind/loss.hpp"

namespace nnbind {

/// The value of a formula and its slope at one output.
template <class T>
struct Term {
  T value;
  T slope;
};

/// A slope, or the largest number of its sign where it is beyond all: a slope of 0 below it shall
/// make 0 of it, as ∞ · 0 would not. A NaN stays.
template <class T>
T bounded(T slope) {
  constexpr T largest = std::numeric_limits<T>::max();
  return std::clamp(slope, -largest, largest);
}

/// Runs a formula of many outputs at once, `formula(count, f, y, values, slopes)`, over rows, of
/// which several may be put together; `divisor` is what the sum over outputs is divided by. What
/// the formula writes has room for whole vectors.
template <class T, class Formula>
void sum_over_outputs_together(const LossRows<T>& rows, T divisor, Formula formula) {
  constexpr Index block = 64;
  std::array<T, block> f;
  std::array<T, block> y;
  std::array<T, block> values;
  std::array<T, block> slopes;
  struct Place {
    Index row = 0;
    Index col = 0;
  };
  const MatrixView<T>& predictions = rows.predictions;
  const auto next = [&](Place& place) {
    if (++place.col == predictions.cols) place = {place.row + 1, 0};
  };
  Place read;
  Place write;
  T weight = 1;
  double sum = 0;  // of very many outputs, too
  for (Index left = predictions.rows * predictions.cols; left > 0; left -= block) {
    const auto count = static_cast<std::size_t>(std::min(left, block));
    for (std::size_t i = 0; i < count; ++i, next(read)) {
      f[i] = predictions(read.row, read.col);
      y[i] = rows.targets[read.row][read.col];
    }
    formula(static_cast<Index>(count), f.data(), y.data(), values.data(), slopes.data());
    for (std::size_t i = 0; i < count; ++i, next(write)) {
      const auto [row, col] = write;
      if (col == 0) {
        weight = (rows.weights == nullptr ? T{1} : rows.weights[row]) / divisor;
        sum = 0;
      }
      if (rows.gradient.data != nullptr) {
        rows.gradient(row, col) = bounded(rows.scale * weight * slopes[i]);
      }
      sum += static_cast<double>(values[i]);
      if (col == predictions.cols - 1) rows.losses[row] = weight * static_cast<T>(sum);
    }
  }
}

/// The same for `formula(f, y) -> Term`.
template <class T, class Formula>
void sum_over_outputs(const LossRows<T>& rows, T divisor, Formula formula) {
  const auto each = [&](Index count, const T* f, const T* y, T* values, T* slopes) {
    for (Index i = 0; i < count; ++i) {
      const Term<T> term = formula(f[i], y[i]);
      values[i] = term.value;
      slopes[i] = term.slope;
    }
  };
  sum_over_outputs_together(rows, divisor, each);
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
