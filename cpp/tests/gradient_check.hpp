// Gradients of an operator or a loss alone against central differences, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "data.hpp"
#include "nnbind/loss.hpp"
#include "nnbind/operator.hpp"

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

struct OperatorCheck {
  Index batch = 5;
  const DropoutKey* dropout = nullptr;
  bool accumulate = false;
  bool pack = false;   ///< hand the parameters over in panels
  bool split = false;  ///< compute the columns beyond the first panel apart from the others
  std::uint64_t seed = 1;
};

struct OperatorErrors {
  double inputs = 0;
  double parameters = 0;
};

/// An operator outside of any graph, with random inputs X, parameters and output gradient G: the
/// gradients of L = Σ G ⊙ Y with respect to X and the parameters.
class OperatorRun {
 public:
  OperatorRun(const Operator<double>& op, std::span<const Index> widths, const OperatorCheck& how)
      : op_(op), how_(how), shape_(op.parameters(widths)), width_(op.width(widths)) {
    Random random(how.seed);
    for (const Index width : widths) {
      inputs_.push_back(random_matrix<double>(how.batch, width, random, -2, 2));
      input_gradients_.emplace_back(how.batch, width);
      rows_.push_back(inputs_.back().rows());
    }
    parameters_ = random_matrix<double>(shape_.rows, shape_.cols, random);
    direction_ = random_matrix<double>(how.batch, width_, random);
    output_ = Matrix<double>(how.batch, width_);
    saved_ = Matrix<double>(how.batch, op.saved_width(width_));
  }

  OperatorErrors check() {
    forward();
    backward();
    OperatorErrors errors;
    const auto loss = [&](double /*changed*/) { return forward(); };
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      const auto numerical = central_differences(inputs_[k].view(), loss);
      const double error = relative_error(flat(input_gradients_[k].view(), start()), numerical);
      errors.inputs = std::max(errors.inputs, error);
    }
    const auto numerical = central_differences(parameters_.view(), loss);
    errors.parameters = relative_error(flat(parameter_gradient_.view(), start()), numerical);
    return errors;
  }

 private:
  /// What the gradients hold before: it must be added to, or else overwritten.
  [[nodiscard]] double start() const { return how_.accumulate ? 0.5 : 0; }
  void prepare(MatrixView<double> gradient) const {
    for (Index i = 0; i < gradient.rows; ++i) {
      std::fill_n(gradient.row(i), gradient.cols, how_.accumulate ? start() : std::nan(""));
    }
  }

  [[nodiscard]] std::vector<Range> parts(Index columns) const {
    const Index panel = panel_columns<double>;
    if (!how_.split || columns <= panel) return {{0, columns}};
    return {{0, panel}, {panel, columns}};
  }

  Panels<double> parameters() {
    if (!how_.pack) return Panels<double>::plain(parameters_.view());
    packed_ = packed<double>(parameters_.view());
    return packed_.panels();
  }

  double forward() {
    ForwardPass<double> pass;
    pass.inputs = rows_;
    pass.parameters = parameters();
    pass.output = output_.view();
    pass.saved = saved_.view();
    pass.dropout = how_.dropout;
    for (const Range columns : parts(width_)) {
      pass.columns = columns;
      op_.forward(pass);
    }
    double sum = 0;
    for (Index i = 0; i < how_.batch; ++i) {
      for (Index j = 0; j < width_; ++j) sum += direction_.view()(i, j) * output_.view()(i, j);
    }
    return sum;
  }

  void backward() {
    const BlockShape cache_shape = op_.cache_shape(shape_);
    PackedMatrix<double> cache(cache_shape.rows, cache_shape.cols);
    for (const Range columns : parts(shape_.cols)) {
      op_.cache_parameters(parameters(), {{0, shape_.rows}, columns}, cache.panels());
    }
    Matrix<double> output_gradient(how_.batch, width_);
    for (Index i = 0; i < how_.batch; ++i) {
      std::copy_n(direction_.view().row(i), width_, output_gradient.view().row(i));
    }
    std::vector<InputGradient<double>> to;
    for (Matrix<double>& gradient : input_gradients_) {
      prepare(gradient.view());
      to.push_back({gradient.view(), how_.accumulate});
    }
    BackwardPass<double> pass;
    pass.inputs = rows_;
    pass.output = output_.view();
    pass.saved = saved_.view();
    pass.cache = cache.panels();
    pass.output_gradient = output_gradient.view();
    pass.output_gradient_rows = output_gradient.rows();
    pass.input_gradients = to;
    pass.dropout = how_.dropout != nullptr;
    for (const Range columns : parts(width_)) {
      pass.columns = columns;
      op_.backward_output(pass);
    }
    for (const Range columns : parts(inputs_[0].view().cols)) {
      pass.columns = columns;
      op_.backward(pass);
    }

    parameter_gradient_ = Matrix<double>(shape_.rows, shape_.cols);
    prepare(parameter_gradient_.view());
    const Index middle = shape_.rows / 2;
    for (const Range rows : {Range{0, middle}, Range{middle, shape_.rows}}) {
      for (const Range columns : parts(shape_.cols)) {
        op_.parameter_gradient(rows_, output_gradient.view(), {rows, columns}, how_.accumulate,
                               parameter_gradient_.view()
                                   .middle_rows(rows.begin, rows.size())
                                   .middle_columns(columns.begin, columns.size()));
      }
    }
  }

  const Operator<double>& op_;
  OperatorCheck how_;
  BlockShape shape_;
  Index width_;
  std::vector<Matrix<double>> inputs_;
  std::vector<Rows<double>> rows_;
  std::vector<Matrix<double>> input_gradients_;
  Matrix<double> parameters_, parameter_gradient_, direction_, output_, saved_;
  PackedMatrix<double> packed_;
};

inline OperatorErrors check_operator(const Operator<double>& op, const std::vector<Index>& widths,
                                     const OperatorCheck& how = {}) {
  return OperatorRun(op, widths, how).check();
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
