// Denormal numbers: zero inside the library, on each of its threads, and whatever they were
// outside.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <limits>

#include "data.hpp"
#include "nnbind/nnbind.hpp"
#include "team.hpp"

namespace nnbind::test {
namespace {

/// Whether half of the smallest normal number is more than nothing, to this thread.
bool there_are_denormals() {
  const volatile float smallest = std::numeric_limits<float>::min();
  return smallest / 2 > 0;
}

/// What a fit, or its hook, does beside training.
struct Fit {
  explicit Fit(int threads) { set_num_threads(threads); }
  ~Fit() { reset_num_threads(); }
  Fit(const Fit&) = delete;
  Fit& operator=(const Fit&) = delete;

  void operator()(Network<float>& network, const OptimizerPointer& optimizer, Index epochs,
                  const Regularizer& regularizer = {}) const {
    const Matrix<float> x(60, network.inputs());  // all zero: so are the gradients of W
    const Matrix<float> y(60, network.outputs());
    FitOptions options;
    options.epochs = epochs;
    options.regularizer = regularizer;
    FitHooks hooks;
    hooks.end_epoch = [](const History&) {
      EXPECT_TRUE(there_are_denormals());  // a hook is the caller's own code
      return false;
    };
    History history;
    const Dataset<float> data{x.view(), y.view()};
    fit<float>(network, data, squared_error(), *optimizer, options, history, nullptr, hooks);
  }
};

class Denormals : public ::testing::TestWithParam<int> {};

TEST_P(Denormals, AreThereForTheCallerAsBefore) {
  auto network = mlp<float>(400, {300}, 1);
  ASSERT_TRUE(there_are_denormals());
  const Fit run(GetParam());
  run(network, sgd(constant_rate(0.1)), 3);
  EXPECT_TRUE(there_are_denormals());
  for (const Index samples : {1, 500}) {  // alone, and with the others' help
    const Matrix<float> x(samples, 400);
    Matrix<float> out(samples, 1);
    network.predict(x.view(), out.view());
    EXPECT_TRUE(there_are_denormals());
  }
}

TEST_P(Denormals, AreZeroToEachMemberOfATeam) {
  std::atomic<int> zero = 0;
  run_team(GetParam(), [&](const Member& member) {
    zero += !there_are_denormals();
    member.alone([] { EXPECT_TRUE(there_are_denormals()); });
  });
  EXPECT_EQ(zero, GetParam());
}

/// The weights of the first layer, all of `value`, after some steps with no gradient but R's.
std::vector<float> trained(float value, int threads, const OptimizerPointer& optimizer, Index steps,
                           const Regularizer& regularizer = {}) {
  auto network = mlp<float>(400, {300}, 1);
  std::ranges::fill(network.theta(), value);
  const Fit run(threads);
  run(network, optimizer, steps, regularizer);
  const MatrixView<float> first = network.parameters(network.layers()[0]);
  return {first.data, first.row(first.rows - 1)};
}

TEST_P(Denormals, AmongTheWeightsBecomeZeroInAStep) {
  const float denormal = std::numeric_limits<float>::denorm_min() * 1000;
  for (const auto& optimizer : {sgd(constant_rate(0.1)), sgd(constant_rate(0.1), 0.9)}) {
    const std::vector<float> weights = trained(denormal, GetParam(), optimizer, 1);
    EXPECT_EQ(std::ranges::count(weights, 0.0F), std::ssize(weights)) << optimizer->name();
  }
}

TEST_P(Denormals, AreNotWhatWeightsDecayTo) {
  // W is halved at each step, and 2^-127 is the first denormal number.
  const auto decay = [&](Index steps) {
    return trained(0x1p-100F, GetParam(), sgd(constant_rate(0.5)), steps, {.l2 = 1})[0];
  };
  EXPECT_EQ(decay(26), std::numeric_limits<float>::min());
  // It is zero; or where the half is taken first, without a fused multiply-add, it stays.
  EXPECT_NE(std::fpclassify(decay(27)), FP_SUBNORMAL);
}

TEST_P(Denormals, AreZeroToAPredictionOfAnyLength) {
  auto network = mlp<float>(400, {300}, 1, "identity");
  const float denormal = std::numeric_limits<float>::denorm_min() * 1000;
  std::ranges::fill(network.theta(), denormal);
  const Fit threads(GetParam());
  for (const Index samples : {1, 500}) {
    Matrix<float> x(samples, 400);
    Matrix<float> out(samples, 1);
    for (Index i = 0; i < samples; ++i) std::fill_n(x.view().row(i), 400, 1e30F);
    network.predict(x.view(), out.view());
    for (Index i = 0; i < samples; ++i) EXPECT_EQ(out.view()(i, 0), 0);
  }
}

TEST_P(Denormals, AreZeroInWhatNoBatchChanges) {
  Graph<float> graph;
  const auto x = input(graph, 1, "x");
  const auto p = parameter<float>(graph, 1, 1, Initializer::constant(1e-20), "p");
  const auto y = x * (p * p * 1e30 * 1e20);  // p² is none
  const Network<float> network(std::move(graph), y.id);
  const Fit threads(GetParam());
  Matrix<float> ones(500, 1), out(500, 1);
  for (Index i = 0; i < 500; ++i) ones.view()(i, 0) = 1;
  network.predict(ones.view(), out.view());
  EXPECT_EQ(out.view()(0, 0), 0);
  const Dataset<float> data{ones.view(), ones.view()};
  const Trace<float> traced = trace(network, data, squared_error());
  EXPECT_EQ(traced.nodes.back().value.view()(0, 0), 0);
  std::vector<Matrix<float>> values;
  std::vector<MatrixView<float>> views;
  for (const Node<float>& node : network.graph().nodes()) {
    values.emplace_back(node.shape.is_batch() ? 500 : node.shape.rows, node.shape.cols);
  }
  for (Matrix<float>& value : values) views.push_back(value.view());
  const MatrixView<const float> given = ones.view();
  activations(network, given, views);
  EXPECT_EQ(views.back()(0, 0), 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, Denormals, ::testing::Values(1, 3),
                         [](const auto& test) { return "On" + std::to_string(test.param); });

}  // namespace
}  // namespace nnbind::test
