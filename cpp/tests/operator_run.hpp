// An operator outside of any graph, its gradients against central differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "gradient_check.hpp"
#include "nnbind/operator.hpp"

namespace nnbind::test {

/// A row of `cols` values for each sample.
inline Shape batch_of(Index cols) { return {Shape::batch, cols}; }

struct OperatorCheck {
  Index batch = 5;
  bool training = false;
  const DropoutKey* dropout = nullptr;
  bool accumulate = false;
  bool same = false;    ///< all inputs are one node, of the first input's shape
  bool pack = false;    ///< hand the parameters over in panels
  bool split = false;   ///< compute the columns beyond the first panel apart from the others
  bool apart = false;   ///< compute the first two rows of the batch apart from the others
  bool padded = false;  ///< rows may be written up to the end of their last cache line
  double low = -2;      ///< of the inputs
  double high = 2;
  std::uint64_t seed = 1;
};

struct OperatorErrors {
  double inputs = 0;
  double parameters = 0;
};

/// An operator outside of any graph, with random inputs X, parameters, state and output gradient G:
/// the gradients of L = Σ G ⊙ Y with respect to X and the parameters. As in a workspace, those of
/// the inputs that are no batch are asked for apart from the others.
class OperatorRun {
 public:
  OperatorRun(const Operator<double>& op, const std::vector<Shape>& shapes,
              const OperatorCheck& how)
      : op_(op), how_(how), shapes_(shapes), block_(op.parameters(shapes)) {
    Random random(how.seed);
    for (std::size_t k = 0; k < (how.same ? 1 : shapes.size()); ++k) {
      values_.push_back(
          random_matrix<double>(rows_of(shapes[k]), shapes[k].cols, random, how.low, how.high));
      input_gradients_.emplace_back(rows_of(shapes[k]), shapes[k].cols);
    }
    const Shape shape = op.shape(shapes);
    is_batch_ = shape.is_batch();
    rows_ = rows_of(shape);
    width_ = shape.cols;
    parameters_ = random_matrix<double>(block_.rows, block_.cols, random);
    state_ = random_matrix<double>(op.state(shapes).rows, op.state(shapes).cols, random, 0.5, 1.5);
    direction_ = random_matrix<double>(rows_, width_, random);
    output_ = Matrix<double>(rows_, width_);
    saved_ = Matrix<double>(rows_, op.saved_width(width_));
  }

  OperatorErrors check() {
    forward();
    backward();
    OperatorErrors errors;
    const auto loss = [&](double /*changed*/) { return forward(); };
    for (std::size_t k = 0; k < values_.size(); ++k) {
      const auto numerical = central_differences(values_[k].view(), loss);
      const double error = relative_error(flat(input_gradients_[k].view(), start()), numerical);
      errors.inputs = std::max(errors.inputs, error);
    }
    const auto numerical = central_differences(parameters_.view(), loss);
    errors.parameters = relative_error(flat(parameter_gradient_.view(), start()), numerical);
    return errors;
  }

  /// The output and all gradients.
  std::vector<double> results() {
    forward();
    backward();
    std::vector<double> all = flat(output_.view());
    const auto append = [&](const Matrix<double>& more) {
      const std::vector<double> list = flat(more.view());
      all.insert(all.end(), list.begin(), list.end());
    };
    for (const Matrix<double>& gradient : input_gradients_) append(gradient);
    append(parameter_gradient_);
    return all;
  }

 private:
  [[nodiscard]] Index rows_of(Shape shape) const {
    return shape.is_batch() ? how_.batch : shape.rows;
  }
  /// What the gradients hold before: it must be added to, or else overwritten.
  [[nodiscard]] double start() const { return how_.accumulate ? 0.5 : 0; }
  void prepare(MatrixView<double> gradient) const {
    for (Index i = 0; i < gradient.rows; ++i) {
      std::fill_n(gradient.row(i), gradient.cols, how_.accumulate ? start() : std::nan(""));
    }
  }

  [[nodiscard]] std::vector<Range> column_parts(Index columns) const {
    const Index panel = panel_columns<double>;
    if (!how_.split || columns <= panel) return {{0, columns}};
    return {{0, panel}, {panel, columns}};
  }
  [[nodiscard]] std::vector<Range> row_parts() const {
    if (!how_.apart || !is_batch_ || rows_ <= 2) return {{0, rows_}};
    return {{0, 2}, {2, rows_}};
  }

  Panels<double> parameters() {
    if (!how_.pack) return Panels<double>::plain(parameters_.view());
    packed_ = packed<double>(parameters_.view());
    return packed_.panels();
  }

  [[nodiscard]] std::vector<Rows<double>> inputs(Range rows) const {
    std::vector<Rows<double>> list;
    for (std::size_t k = 0; k < shapes_.size(); ++k) {
      const Rows<double> all = values_[how_.same ? 0 : k].rows();
      list.push_back(shapes_[k].is_batch() ? all.middle_rows(rows) : all);
    }
    return list;
  }

  double forward() {
    for (const Range rows : row_parts()) {
      const std::vector<Rows<double>> list = inputs(rows);
      ForwardPass<double> pass;
      pass.inputs = list;
      pass.parameters = parameters();
      pass.state = state_.view();
      pass.output = output_.view().middle_rows(rows);
      pass.saved = saved_.view().middle_rows(rows);
      pass.training = how_.training;
      pass.dropout = how_.dropout;
      pass.first_row = rows.begin;
      pass.padded = how_.padded;
      for (const Range columns : column_parts(width_)) {
        pass.columns = columns;
        op_.forward(pass);
      }
    }
    double sum = 0;
    for (Index i = 0; i < rows_; ++i) {
      for (Index j = 0; j < width_; ++j) sum += direction_.view()(i, j) * output_.view()(i, j);
    }
    return sum;
  }

  void backward() {
    output_gradient_ = Matrix<double>(rows_, width_);
    for (Index i = 0; i < rows_; ++i) {
      std::copy_n(direction_.view().row(i), width_, output_gradient_.view().row(i));
    }
    for (Matrix<double>& gradient : input_gradients_) prepare(gradient.view());
    for (const Range rows : row_parts()) output_part(rows);
    for (const Range rows : row_parts()) input_part(rows, false);
    input_part({0, rows_}, true);
    parameter_part();
  }

  [[nodiscard]] BackwardPass<double> backward_pass(Range rows) {
    BackwardPass<double> pass;
    pass.state = state_.view();
    pass.output = output_.view().middle_rows(rows);
    pass.saved = saved_.view().middle_rows(rows);
    pass.parameters = parameters();
    pass.output_gradient = output_gradient_.view().middle_rows(rows);
    pass.training = how_.training;
    pass.dropout = how_.dropout != nullptr;
    pass.padded = how_.padded;
    return pass;
  }

  void output_part(Range rows) {
    const std::vector<Rows<double>> list = inputs(rows);
    BackwardPass<double> pass = backward_pass(rows);
    pass.inputs = list;
    for (const Range columns : column_parts(width_)) {
      pass.columns = columns;
      if (op_.changes_output_gradient()) op_.backward_output(pass);
    }
  }

  void input_part(Range rows, bool to_fixed) {
    const std::vector<Rows<double>> list = inputs(rows);
    std::vector<InputGradient<double>> to(shapes_.size());
    bool wanted = false;
    for (std::size_t k = 0; k < shapes_.size(); ++k) {
      if (shapes_[k].is_batch() == to_fixed) continue;
      const MatrixView<double> all = input_gradients_[how_.same ? 0 : k].view();
      to[k].gradient = to_fixed ? all : all.middle_rows(rows);
      to[k].accumulate = how_.accumulate || (how_.same && k > 0);
      wanted = true;
    }
    if (!wanted) return;
    BackwardPass<double> pass = backward_pass(rows);
    pass.inputs = list;
    pass.input_gradients = to;
    for (const Range columns : column_parts(shapes_[0].cols)) {
      pass.columns = columns;
      op_.backward(pass);
    }
  }

  void parameter_part() {
    parameter_gradient_ = Matrix<double>(block_.rows, block_.cols);
    prepare(parameter_gradient_.view());
    const std::vector<Rows<double>> list = inputs({0, rows_});
    ParameterPass<double> pass;
    pass.inputs = list;
    pass.state = state_.view();
    pass.saved = saved_.view();
    pass.output_gradient = output_gradient_.view();
    pass.accumulate = how_.accumulate;
    pass.training = how_.training;
    const Index middle = block_.rows / 2;
    for (const Range rows : {Range{0, middle}, Range{middle, block_.rows}}) {
      for (const Range columns : column_parts(block_.cols)) {
        pass.block = {rows, columns};
        pass.gradient = Panels<double>::plain(parameter_gradient_.view().block(pass.block));
        op_.parameter_gradient(pass);
      }
    }
  }

  const Operator<double>& op_;
  OperatorCheck how_;
  std::vector<Shape> shapes_;
  BlockShape block_;
  bool is_batch_ = true;
  Index rows_ = 0;
  Index width_ = 0;
  std::vector<Matrix<double>> values_;
  std::vector<Matrix<double>> input_gradients_;
  Matrix<double> parameters_, parameter_gradient_, state_, direction_, output_, saved_,
      output_gradient_;
  PackedMatrix<double> packed_;
};

inline OperatorErrors check_operator(const Operator<double>& op, const std::vector<Shape>& shapes,
                                     const OperatorCheck& how = {}) {
  return OperatorRun(op, shapes, how).check();
}

}  // namespace nnbind::test
