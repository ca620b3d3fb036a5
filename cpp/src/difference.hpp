// One entry of a gradient against difference quotients.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "nnbind/gradient_check.hpp"

namespace nnbind {

/// The largest |value|.
template <class T>
double largest_of(MatrixView<const T> values) {
  double largest = 0;
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) {
      largest = std::max(largest, std::abs(static_cast<double>(values(i, j))));
    }
  }
  return largest;
}

/// A bound for the rounding of a sum of a few values of that size.
template <class T>
double rounding(double largest) {
  return 4 * static_cast<double>(std::numeric_limits<T>::epsilon()) * largest;
}

/// f(x + h) - f(x), and h as floating point has reached it.
struct Difference {
  double value = 0;
  double h = 0;
};

/// What is known about a gradient before its entries are compared.
struct Scale {
  double largest = 0;  ///< entry of the gradient
  double noise = 0;    ///< rounding error of f
};

struct Comparison {
  double relative_error = 0;
  double numerical = 0;
  bool kink = false;
};

/// Difference quotients to the left, to the right and between both points.
struct Sides {
  double left = 0, right = 0, middle = 0;
  [[nodiscard]] double gap() const { return std::abs(right - left); }
  [[nodiscard]] bool hold(double slope) const {
    const double slack = 1e-3 * gap();
    return slope >= std::min(left, right) - slack && slope <= std::max(left, right) + slack;
  }
  /// Of a curve the gap between both sides shrinks with h, that of a kink stays. `coarse` is of an
  /// h a hundred times larger.
  [[nodiscard]] bool stays_of(const Sides& coarse) const { return gap() >= 0.05 * coarse.gap(); }
};

/// Compares `analytic`, claimed to be f'(x), with quotients of difference(h), by the rules of
/// GradientCheck.
template <class F>
class DifferenceQuotients {
 public:
  DifferenceQuotients(double x, Scale scale, const GradientCheckOptions& options, F difference)
      : x_(x), scale_(scale), options_(options), difference_(difference) {}

  Comparison compare(double analytic) {
    const double h = options_.step * std::max(1.0, std::abs(x_));
    Comparison best = central(analytic, h);
    // A pole near x, or a kink, may lie within h.
    for (const double step : {h / 10, h / 100, options_.step * std::abs(x_)}) {
      if (best.relative_error <= options_.tolerance) return best;
      if (step == 0) continue;
      const Comparison next = central(analytic, step);
      if (next.relative_error < best.relative_error) best = next;
    }
    if (best.relative_error <= options_.tolerance) return best;
    const Comparison next = extrapolated(analytic, h);
    if (next.relative_error <= options_.tolerance) return next;
    best.kink = is_kink(analytic, h);
    return best;
  }

 private:
  Comparison central(double analytic, double h) {
    const Sides s = sides(h);
    return judged(analytic, s.middle, s, h);
  }

  /// Where f is least at a kink, as r² where r is bent, f'' jumps and the middle is wrong by about
  /// h: the straight line through two of them meets h = 0 in f'. A wrong gradient stays wrong.
  Comparison extrapolated(double analytic, double h) {
    const Sides coarse = sides(h), fine = sides(h / 100);
    const double slope = (coarse.middle - fine.middle) / 99;
    return judged(analytic, fine.middle - slope, coarse, h / 100);
  }

  [[nodiscard]] Comparison judged(double analytic, double numerical, Sides s, double h) const {
    // Rounding alone must not look like an error, nor what is left where both sides cancel each
    // other, as where f is least.
    const double floor = std::max({1e-3 * scale_.largest, scale_.noise / h / options_.tolerance,
                                   std::abs(s.left), std::abs(s.right)});
    const double size = std::max({std::abs(analytic), std::abs(numerical), floor, 1e-30});
    const double error = std::abs(analytic - numerical) / size;
    return {std::isnan(error) ? std::numeric_limits<double>::infinity() : error, numerical};
  }

  Sides sides(double h) {
    const Difference up = difference_(h), down = difference_(-h);
    const double middle = (up.value - down.value) / (up.h - down.h);
    return {down.value / down.h, up.value / up.h, middle};
  }

  bool is_kink(double analytic, double h) {
    const Sides coarse = sides(h), fine = sides(h / 100);
    return coarse.hold(analytic) && fine.hold(analytic) && fine.stays_of(coarse);
  }

  double x_;
  Scale scale_;
  const GradientCheckOptions& options_;
  F difference_;
};

/// Keeps a variable's value through what is done to it, also where that throws.
template <class T>
class Kept {
 public:
  explicit Kept(T& variable) : variable_(variable), value_(variable) {}
  ~Kept() { variable_ = value_; }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

 private:
  T& variable_;
  T value_;
};

/// The same for f'(variable). `change()` is how far f is from what it is at its present value.
template <class T, class F>
Comparison compare(double analytic, Scale scale, const GradientCheckOptions& options, T& variable,
                   F change) {
  const T x = variable;
  const auto difference = [&](double h) {
    const Kept kept(variable);
    variable = static_cast<T>(static_cast<double>(x) + h);
    const double reached = static_cast<double>(variable) - static_cast<double>(x);
    return Difference{change(), reached};
  };
  return DifferenceQuotients(static_cast<double>(x), scale, options, difference).compare(analytic);
}

/// Compares a whole gradient with differences in its variables. `change()` is how far f is from
/// what it is at their present values. `excuse(variable, i, j)` says of an entry that looks wrong
/// whether it is a kink all the same. Fills `entry`, but for its names.
template <class T, class F, class Excuse>
void compare(std::type_identity_t<MatrixView<const T>> gradient, Scale scale,
             const GradientCheckOptions& options, MatrixView<T> variables, F change, Excuse excuse,
             GradientCheck::Entry& entry) {
  entry.largest_relative_error = -1;
  for (Index i = 0; i < gradient.rows; ++i) {
    for (Index j = 0; j < gradient.cols; ++j) {
      const auto analytic = static_cast<double>(gradient(i, j));
      Comparison found = compare(analytic, scale, options, variables(i, j), change);
      if (found.relative_error > options.tolerance && !found.kink) {
        found.kink = excuse(variables(i, j), i, j);
      }
      if (found.kink) {
        if (entry.kinks++ == 0) entry.kink_row = i, entry.kink_col = j;
      } else if (found.relative_error > entry.largest_relative_error) {
        entry.largest_relative_error = found.relative_error;
        entry.row = i;
        entry.col = j;
        entry.analytic = analytic;
        entry.numerical = found.numerical;
      }
    }
  }
  entry.largest_relative_error = std::max(entry.largest_relative_error, 0.0);  // only kinks
}

/// The same where nothing is excused.
template <class T, class F>
void compare(std::type_identity_t<MatrixView<const T>> gradient, Scale scale,
             const GradientCheckOptions& options, MatrixView<T> variables, F change,
             GradientCheck::Entry& entry) {
  const auto never = [](T& /*variable*/, Index /*i*/, Index /*j*/) { return false; };
  compare(gradient, scale, options, variables, change, never, entry);
}

}  // namespace nnbind
