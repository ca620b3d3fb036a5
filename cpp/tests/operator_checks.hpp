// What is asked of every operator: right gradients however it is called, the same bits however the
// batch is shared out, and values of a formula.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expect_message.hpp"
#include "nnbind/error.hpp"
#include "nnbind/graph.hpp"
#include "nnbind/operators.hpp"
#include "operator_run.hpp"

namespace nnbind::test {

/// The gradients are right for one sample and many, written and added to, and neither they nor the
/// output depend on how the rows or columns are shared out.
inline void expect_right(const OperatorPointer<double>& op, const std::vector<Shape>& shapes,
                         OperatorCheck how = {}) {
  for (const Index batch : {1, 5, 23}) {
    how.batch = batch;
    how.accumulate = batch == 5;
    SCOPED_TRACE(std::string(op->kind()) + ", a batch of " + std::to_string(batch));
    const OperatorErrors errors = check_operator(*op, shapes, how);
    EXPECT_LE(errors.inputs, gradient_tolerance);
    EXPECT_LE(errors.parameters, gradient_tolerance);
    OperatorCheck shared_out = how;
    shared_out.split = op->needs_whole_columns();
    shared_out.apart = !(op->needs_whole_columns() && how.training);
    EXPECT_TRUE(same_bits(OperatorRun(*op, shapes, how).results(),
                          OperatorRun(*op, shapes, shared_out).results()));
  }
}

/// The output for these inputs at inference, with their own numbers of rows.
template <class T>
Matrix<T> output_of(const OperatorPointer<T>& op, const std::vector<Matrix<T>>& inputs,
                    MatrixView<const T> parameters = {}, MatrixView<const T> state = {}) {
  std::vector<Shape> shapes;
  std::vector<Rows<T>> rows;
  for (const Matrix<T>& input : inputs) {
    shapes.push_back({input.view().rows, input.view().cols});
    rows.push_back(input.rows());
  }
  const Shape shape = op->shape(shapes);
  Matrix<T> output(shape.rows, shape.cols);
  ForwardPass<T> pass;
  pass.inputs = rows;
  pass.parameters = Panels<const T>::plain(parameters);
  pass.state = state;
  pass.output = output.view();
  pass.columns = {0, shape.cols};
  op->forward(pass);
  return output;
}

/// The slopes of an operator of single numbers at x, one for each of them.
inline std::vector<double> slopes_at(const OperatorPointer<double>& op,
                                     const std::vector<double>& x) {
  std::vector<Matrix<double>> values;
  std::vector<Rows<double>> inputs;
  std::vector<double> slopes(x.size());
  std::vector<InputGradient<double>> to;
  for (const double value : x) {
    values.emplace_back(1, 1);
    values.back().view()(0, 0) = value;
    inputs.push_back(values.back().rows());
    to.push_back({{&slopes[to.size()], 1, 1, 1}});
  }
  const Matrix<double> y = output_of(op, values);
  double one = 1;
  BackwardPass<double> pass;
  pass.inputs = inputs;
  pass.output = y.view();
  pass.output_gradient = {&one, 1, 1, 1};
  pass.input_gradients = to;
  op->backward(pass);
  return slopes;
}

/// values(i, j) is formula(i, j) to rounding.
template <class T, class F>
void expect_values(const Matrix<T>& values, F formula) {
  for (Index i = 0; i < values.view().rows; ++i) {
    for (Index j = 0; j < values.view().cols; ++j) {
      const auto expected = static_cast<double>(formula(i, j));
      EXPECT_NEAR(static_cast<double>(values.view()(i, j)), expected,
                  16 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
                      std::max(1.0, std::abs(expected)))
          << "at (" << i << ", " << j << ")";
    }
  }
}

/// A graph refuses the operator over parameters "a", "b", ... of these shapes, or inputs where the
/// rows are a batch's, with this message.
inline void expect_refused(const OperatorPointer<double>& op, const std::vector<Shape>& shapes,
                           const std::string& message) {
  Graph<double> graph;
  std::vector<NodeId> ids;
  for (const Shape shape : shapes) {
    const std::string name(1, static_cast<char>('a' + ids.size()));
    ids.push_back(
        shape.is_batch()
            ? graph.input(shape.cols, name)
            : graph.add(parameter<double>(shape.rows, shape.cols, Initializer("zeros")), {}, name));
  }
  expect_message<ShapeError>(message, [&] { graph.add(op, ids); });
}

}  // namespace nnbind::test
