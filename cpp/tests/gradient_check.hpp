// Gradients against central differences, in double; those of a loss alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "data.hpp"
#include "nnbind/loss.hpp"

namespace nnbind::test {

/// What every smooth gradient must keep to.
inline constexpr double gradient_tolerance = 1e-6;

/// The largest |a - n| relative to the larger of both and of a thousandth of the largest entry,
/// below which central differences are rounding noise. A NaN counts as infinite.
inline double relative_error(std::span<const double> analytic, std::span<const double> numerical) {
  double largest = 1e-30;
  for (const double n : numerical) largest = std::max(largest, 1e-3 * std::abs(n));
  double worst = 0;
  for (std::size_t i = 0; i < analytic.size(); ++i) {
    const double size = std::max({std::abs(analytic[i]), std::abs(numerical[i]), largest});
    const double error = std::abs(analytic[i] - numerical[i]) / size;
    worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(worst, error);
  }
  return worst;
}

/// ∂f/∂v for each element v of a matrix, where f reads the matrix.
template <class F>
std::vector<double> central_differences(MatrixView<double> values, F f) {
  std::vector<double> slopes;
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) {
      const double center = values(i, j);
      const double h = 1e-5 * std::max(1.0, std::abs(center));
      const double up = f(values(i, j) = center + h);
      const double down = f(values(i, j) = center - h);
      values(i, j) = center;
      slopes.push_back((up - down) / ((center + h) - (center - h)));
    }
  }
  return slopes;
}

/// The values row by row, less `start`.
inline std::vector<double> flat(MatrixView<const double> values, double start = 0) {
  std::vector<double> list;
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) list.push_back(values(i, j) - start);
  }
  return list;
}

/// The gradient of a loss over `rows`, whose predictions, targets and weights are given.
inline double check_loss(const Loss& loss, LossRows<double> rows, bool pre_activation) {
  const auto samples = static_cast<double>(rows.predictions.rows);
  std::vector<double> losses(static_cast<std::size_t>(rows.predictions.rows));
  Matrix<double> gradient(rows.predictions.rows, rows.predictions.cols);
  rows.scale = loss.reduction() == Reduction::mean ? 1 / samples : 1;
  rows.losses = losses.data();
  rows.gradient = gradient.view();
  loss.evaluate(rows, pre_activation);
  rows.gradient = {};
  const auto reduced = [&](double /*changed*/) {
    loss.evaluate(rows, pre_activation);
    double sum = 0;
    for (const double d : losses) sum += d;
    return rows.scale * sum;
  };
  return relative_error(flat(gradient.view()), central_differences(rows.predictions, reduced));
}

}  // namespace nnbind::test
