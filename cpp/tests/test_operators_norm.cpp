// Batch and layer normalization.
#include "operator_checks.hpp"

namespace nnbind::test {
namespace {

TEST(BatchNorm, HasRightGradientsFromTheBatch) {
  for (const Shape shape : {batch_of(3), batch_of(70), Shape{4, 3}}) {
    expect_right(batch_norm<double>(), {shape}, {.training = true});
  }
}

TEST(BatchNorm, HasRightGradientsFromRunningStatistics) {
  for (const Shape shape : {batch_of(3), batch_of(70), Shape{4, 3}}) {
    expect_right(batch_norm<double>(), {shape});
  }
}

/// A step of training over a batch.
struct Step {
  Step(const OperatorPointer<double>& op, const Matrix<double>& x, Matrix<double>& state)
      : output(x.view().rows, x.view().cols), saved(x.view().rows, 2 * x.view().cols) {
    const Index cols = x.view().cols;
    Matrix<double> parameters(2, cols);
    Random random(1);
    op->initialize(parameters.view(), random, "norm");
    const Rows<double> inputs = x.rows();
    ForwardPass<double> pass;
    pass.inputs = {&inputs, 1};
    pass.parameters = Panels<const double>::plain(parameters.view());
    pass.state = state.view();
    pass.new_state = state.view();
    pass.output = output.view();
    pass.saved = saved.view();
    pass.columns = {0, cols};
    pass.training = true;
    op->forward(pass);
  }
  Matrix<double> output;
  Matrix<double> saved;
};

struct Moments {
  double mean = 0;
  double square = 0;  // Σ (x - mean)²
};
Moments moments(const Matrix<double>& x, Index j) {
  Moments m;
  const auto n = static_cast<double>(x.view().rows);
  for (Index i = 0; i < x.view().rows; ++i) m.mean += x.view()(i, j) / n;
  for (Index i = 0; i < x.view().rows; ++i) {
    m.square += (x.view()(i, j) - m.mean) * (x.view()(i, j) - m.mean);
  }
  return m;
}

TEST(BatchNorm, NormalizesEachColumnAndMovesTheRunningStatistics) {
  const auto op = batch_norm<double>({.momentum = 0.3, .epsilon = 1e-3});
  Random random(8);
  const auto x = random_matrix<double>(6, 70, random, -1, 3);
  Matrix<double> state(2, 70);
  op->initialize_state(state.view());
  const Step step(op, x, state);
  expect_values(step.output, [&](Index i, Index j) {
    const Moments m = moments(x, j);
    return (x.view()(i, j) - m.mean) / std::sqrt(m.square / 6 + 1e-3);
  });
  expect_values(state, [&](Index i, Index j) {
    const Moments m = moments(x, j);
    return i == 0 ? 0.3 * m.mean : 0.7 + 0.3 * m.square / 5;
  });
  const Matrix<double> before = state;
  const Step again(op, x, state);
  expect_values(state, [&](Index i, Index j) {
    const Moments m = moments(x, j);
    return 0.7 * before.view()(i, j) + 0.3 * (i == 0 ? m.mean : m.square / 5);
  });
}

TEST(BatchNorm, UsesRunningStatisticsAtInference) {
  Random random(8);
  std::vector<Matrix<double>> x;
  x.push_back(random_matrix<double>(4, 3, random));
  const auto state = random_matrix<double>(2, 3, random, 0.5, 1.5);
  const auto parameters = random_matrix<double>(2, 3, random);
  const auto y = output_of<double>(batch_norm<double>(), x, parameters.view(), state.view());
  expect_values(y, [&](Index i, Index j) {
    const double normal =
        (x[0].view()(i, j) - state.view()(0, j)) / std::sqrt(state.view()(1, j) + 1e-5);
    return parameters.view()(0, j) * normal + parameters.view()(1, j);
  });
}

TEST(BatchNorm, ASingleSampleLeavesTheRunningVariance) {
  const auto op = batch_norm<double>({.momentum = 0.5});
  Matrix<double> x(1, 2);
  x.view()(0, 0) = 3;
  Matrix<double> state(2, 2);
  op->initialize_state(state.view());
  const Step step(op, x, state);
  EXPECT_EQ(flat(step.output.view()), (std::vector<double>{0, 0}));
  EXPECT_EQ(flat(state.view()), (std::vector<double>{1.5, 0, 1, 1}));
}

TEST(BatchNorm, KeepsItsDigitsBesideALargeMean) {
  const auto op = batch_norm<double>();
  Random random(8);
  const auto x = random_matrix<double>(50, 1, random);
  Matrix<double> far = x;
  for (Index i = 0; i < 50; ++i) far.view()(i, 0) += 1e8;
  Matrix<double> state(2, 1), far_state(2, 1);
  const Step near_step(op, x, state);
  const Step far_step(op, far, far_state);
  for (Index i = 0; i < 50; ++i) {
    EXPECT_NEAR(far_step.output.view()(i, 0), near_step.output.view()(i, 0), 1e-6);
  }
}

TEST(BatchNorm, RefusesOptionsOutOfRange) {
  expect_message<OptionError>("[BatchNorm] momentum is 1.5; expected 0 <= momentum <= 1",
                              [] { batch_norm<float>({.momentum = 1.5}); });
  expect_message<OptionError>("[BatchNorm] epsilon is 0; expected a number >= 1.2e-38",
                              [] { batch_norm<float>({.epsilon = 0}); });
  EXPECT_THROW(batch_norm<float>({.momentum = std::nan("")}), OptionError);
}

TEST(LayerNorm, HasRightGradients) {
  for (const Shape shape : {batch_of(2), batch_of(19), Shape{4, 35}}) {
    expect_right(layer_norm<double>(), {shape});
    expect_right(layer_norm<double>(), {shape}, {.training = true});
  }
}

TEST(LayerNorm, NormalizesEachRow) {
  Random random(9);
  std::vector<Matrix<double>> x;
  x.push_back(random_matrix<double>(4, 19, random, -1, 3));
  const auto parameters = random_matrix<double>(2, 19, random);
  const auto y = output_of<double>(layer_norm<double>({.epsilon = 1e-3}), x, parameters.view());
  expect_values(y, [&](Index i, Index j) {
    Matrix<double> row(19, 1);
    for (Index k = 0; k < 19; ++k) row.view()(k, 0) = x[0].view()(i, k);
    const Moments m = moments(row, 0);
    const double normal = (x[0].view()(i, j) - m.mean) / std::sqrt(m.square / 19 + 1e-3);
    return parameters.view()(0, j) * normal + parameters.view()(1, j);
  });
}

TEST(LayerNorm, RefusesAnEpsilonOutOfRange) {
  expect_message<OptionError>("[LayerNorm] epsilon is -1; expected a number >= 1.2e-38",
                              [] { layer_norm<float>({.epsilon = -1}); });
}

TEST(Norms, StartAsTheIdentityBesideTheNormalization) {
  for (const auto& op : {batch_norm<double>(), layer_norm<double>()}) {
    const std::array<Shape, 1> inputs{batch_of(3)};
    EXPECT_EQ(op->parameters(inputs).size(), 6);
    EXPECT_EQ(op->weight_rows(inputs), 0);
    Matrix<double> parameters(2, 3);
    Random random(1);
    op->initialize(parameters.view(), random, "norm");
    expect_values(parameters, [](Index i, Index /*j*/) { return i == 0 ? 1.0 : 0.0; });
    expect_refused(op, {batch_of(2), batch_of(2)}, "expected one input");
  }
}

}  // namespace
}  // namespace nnbind::test
