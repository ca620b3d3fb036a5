// Operators outside of a graph: gradients against central differences.
#include <gtest/gtest.h>

#include "naive.hpp"
#include "nnbind/dense.hpp"
#include "nnbind/error.hpp"
#include "operator_run.hpp"

namespace nnbind::test {
namespace {

DenseOptions dense(const Activation& activation, Index units = 4) {
  DenseOptions options;
  options.units = units;
  options.activation = activation;
  return options;
}

class DenseGradient : public ::testing::TestWithParam<std::string_view> {
 protected:
  static void expect_right(const DenseOptions& options, const OperatorCheck& how = {},
                           Index inputs = 3) {
    const OperatorErrors errors = check_operator(Dense<double>(options), {batch_of(inputs)}, how);
    EXPECT_LE(errors.inputs, gradient_tolerance);
    EXPECT_LE(errors.parameters, gradient_tolerance);
  }
};

TEST_P(DenseGradient, IsRight) { expect_right(dense(GetParam())); }

TEST_P(DenseGradient, IsRightWithoutBias) {
  DenseOptions options = dense(GetParam());
  options.bias = false;
  expect_right(options);
}

TEST_P(DenseGradient, IsRightUnderDropout) {
  DenseOptions options = dense(GetParam(), 6);
  options.dropout = 0.4;
  const DropoutKey key{11, 5};
  expect_right(options, {.dropout = &key});
}

TEST_P(DenseGradient, IsAddedWhereAnotherHasWritten) {
  expect_right(dense(GetParam()), {.accumulate = true});
}

TEST_P(DenseGradient, IsRightForASingleSampleAndForMany) {
  expect_right(dense(GetParam(), 1), {.batch = 1});
  expect_right(dense(GetParam(), 17), {.batch = 29});
}

TEST_P(DenseGradient, IsRightForAFixedInput) {
  const OperatorErrors errors =
      check_operator(Dense<double>(dense(GetParam())), {{3, 2}}, {.accumulate = true});
  EXPECT_LE(errors.inputs, gradient_tolerance);
  EXPECT_LE(errors.parameters, gradient_tolerance);
}

TEST_P(DenseGradient, IsRightFromPackedParameters) {
  expect_right(dense(GetParam(), 35), {.pack = true}, 19);
}

TEST_P(DenseGradient, IsRightInPartsOfTheColumns) {
  DenseOptions options = dense(GetParam(), 21);
  const bool split = Dense<double>(options).splits_columns();  // a softmax needs whole rows
  EXPECT_NE(split, options.activation.is_row_wise());
  expect_right(options, {.split = split}, 19);
  expect_right(options, {.pack = true, .split = split}, 19);
  options.dropout = 0.4;
  const DropoutKey key{11, 5};
  expect_right(options, {.dropout = &key, .split = split}, 19);
}

TEST_P(DenseGradient, HasTheSameBitsWhereRowsHaveRoomForWholeVectors) {
  const DropoutKey key{1, 2};
  for (const Index units : {1, 3, 8, 9, 21}) {
    for (const Index inputs : {1, 5, 19}) {
      for (const double dropout : {0.0, 0.5}) {
        DenseOptions options = dense(GetParam(), units);
        options.dropout = dropout;
        const Dense<double> op(options);
        OperatorCheck how{.dropout = dropout > 0 ? &key : nullptr, .split = op.splits_columns()};
        const std::vector<double> tight = OperatorRun(op, {batch_of(inputs)}, how).results();
        how.padded = true;
        EXPECT_EQ(OperatorRun(op, {batch_of(inputs)}, how).results(), tight)
            << inputs << " inputs, " << units << " units, dropout " << dropout;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, DenseGradient, ::testing::ValuesIn(Activation::names()),
                         [](const auto& test) { return std::string(test.param); });

TEST(Dense, IsTheActivationOfTheNaiveProduct) {
  Random random(2);
  const auto x = random_matrix<double>(7, 5, random);
  auto parameters = random_matrix<double>(6, 3, random);
  Matrix<double> out(7, 3), expected(7, 3);
  ForwardPass<double> pass;
  const Rows<double> inputs = x.rows();
  pass.inputs = {&inputs, 1};
  pass.parameters = Panels<double>::plain(parameters.view());
  pass.output = out.view();
  pass.columns = {0, 3};
  Dense<double>(dense("tanh", 3)).forward(pass);
  naive::affine<double>(x.view(), parameters.view().middle_rows(0, 5), parameters.view().row(5),
                        expected.view());
  for (Index i = 0; i < 7; ++i) {
    for (Index j = 0; j < 3; ++j) {
      EXPECT_NEAR(out.view()(i, j), std::tanh(expected.view()(i, j)), 1e-15);
    }
  }
}

TEST(Dense, RefusesOptionsOutOfRange) {
  const auto refused = [](auto change) {
    DenseOptions options;
    change(options);
    EXPECT_THROW(Dense<float>{options}, OptionError);
  };
  refused([](DenseOptions& o) { o.units = 0; });
  refused([](DenseOptions& o) { o.dropout = 1; });
  refused([](DenseOptions& o) { o.dropout = -0.1; });
  refused([](DenseOptions& o) { o.l1 = -1; });
  refused([](DenseOptions& o) { o.l2 = std::nan(""); });
}

/// y = p ⊙ x², whose gradients may be given wrong factors.
class ScaledSquare final : public Operator<double> {
 public:
  ScaledSquare(double input_factor, double parameter_factor)
      : input_factor_(input_factor), parameter_factor_(parameter_factor) {}
  [[nodiscard]] std::string_view kind() const override { return "scaled_square"; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] BlockShape parameters(std::span<const Shape> inputs) const override {
    return {1, inputs[0].cols};
  }
  [[nodiscard]] Index saved_width(Index width) const override { return width; }
  void forward(const ForwardPass<double>& pass) const override {
    for (Index i = 0; i < pass.output.rows; ++i) {
      for (Index j = 0; j < pass.output.cols; ++j) {
        const double x = pass.inputs[0].row[i][j];
        pass.saved(i, j) = *pass.parameters.column(j);
        pass.output(i, j) = pass.saved(i, j) * x * x;
      }
    }
  }
  void backward(const BackwardPass<double>& pass) const override {
    const MatrixView<double> to = pass.input_gradients[0].gradient;
    for (Index i = 0; i < to.rows; ++i) {
      for (Index j = 0; j < to.cols; ++j) {
        to(i, j) = input_factor_ * pass.saved(i, j) * pass.inputs[0].row[i][j] *
                   pass.output_gradient(i, j);
      }
    }
  }
  void parameter_gradient(const ParameterPass<double>& pass) const override {
    const MatrixView<double> to = pass.gradient.view(0, pass.gradient.cols);
    for (Index j = 0; j < to.cols && pass.block.rows.size() > 0; ++j) {
      to(0, j) = 0;
      for (Index i = 0; i < pass.output_gradient.rows; ++i) {
        const double x = pass.inputs[0].row[i][j];
        to(0, j) += parameter_factor_ * x * x * pass.output_gradient(i, j);
      }
    }
  }

 private:
  double input_factor_;
  double parameter_factor_;
};

TEST(GradientCheck, PassesARightOperatorAndSeesAPlantedError) {
  const OperatorErrors right = check_operator(ScaledSquare(2, 1), {batch_of(4)});
  EXPECT_LE(right.inputs, gradient_tolerance);
  EXPECT_LE(right.parameters, gradient_tolerance);
  EXPECT_GT(check_operator(ScaledSquare(2.0001, 1), {batch_of(4)}).inputs, gradient_tolerance);
  EXPECT_GT(check_operator(ScaledSquare(2, 0.9999), {batch_of(4)}).parameters, gradient_tolerance);
}

TEST(GradientCheck, SeesANaN) {
  EXPECT_GT(check_operator(ScaledSquare(std::nan(""), 1), {batch_of(4)}).inputs,
            gradient_tolerance);
}

}  // namespace
}  // namespace nnbind::test
