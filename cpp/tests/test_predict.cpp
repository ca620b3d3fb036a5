// Predictions: which bits they have, and where they are written.
#include <gtest/gtest.h>

#include "data.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

class PredictEach : public ::testing::TestWithParam<const char*> {};

// A single sample has kernels of its own. Widths on both sides of the vectors, the tiles, and of
// what counts as large.
TEST_P(PredictEach, SampleByItselfHasTheBitsItHasWithinABatch) {
  const auto compare = [&](auto zero, Index inputs, Index units) {
    using T = decltype(zero);
    const auto network = mlp<T>(inputs, {units}, 3, GetParam(), "softmax", 7);
    const Problem<T> problem(13, inputs, 3);
    Matrix<T> batch(13, 3);
    network.predict(problem.x.view(), batch.view());
    for (Index i = 0; i < 13; ++i) {
      std::vector<T> alone(3);
      network.predict(problem.x.view().middle_rows(i, 1), {alone.data(), 1, 3, 3});
      const std::span<const T> within(batch.view().row(i), 3);
      EXPECT_TRUE(same_bits(std::span<const T>(alone), within)) << inputs << " " << units;
    }
  };
  for (const Index inputs : {1, 2, 9, 40, 300}) {
    for (const Index units : {1, 3, 4, 5, 8, 9, 15, 16, 17, 33, 100, 127, 128, 129, 256, 300}) {
      compare(0.0F, inputs, units);
      compare(0.0, inputs, units);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Activation, PredictEach, ::testing::Values("relu", "tanh", "gelu"),
                         [](const auto& test) { return std::string(test.param); });

template <class T>
std::vector<T> prediction(const Network<T>& network, MatrixView<const T> x) {
  std::vector<T> out(static_cast<std::size_t>(x.rows * network.outputs()));
  network.predict(x, {out.data(), x.rows, network.outputs(), network.outputs()});
  return out;
}

// The workspace that is kept from one prediction to the next holds nothing of θ or of the state,
// the values that no batch changes included.
TEST(Predict, IsOfTheParametersAsTheyAreNow) {
  Graph<double> graph;
  const auto x = input(graph, 4, "x");
  const auto w = parameter(graph, 4, 3, Initializer("glorot_uniform"), "w");
  const auto y = dense(batch_norm(matmul(x, tanh(w))), {.units = 2});
  const NodeId output = y.id;
  Network<double> network(std::move(graph), output);
  const Problem<double> problem(9, 4, 2);
  const MatrixView<const double> samples = problem.x.view();
  const MatrixView<const double> sample = samples.middle_rows(3, 1);
  const auto first = prediction(network, samples);
  const auto first_alone = prediction(network, sample);
  const OptimizerPointer optimizer = sgd(constant_rate(0.1));
  for (int change = 0; change < 3; ++change) {
    if (change == 0) network.theta()[0] += 1;
    if (change == 1) network.state()[0] += 1;
    if (change == 2) train_step(network, problem.values(), squared_error(), *optimizer);
    const Network<double> twin = network;  // has a workspace of its own
    EXPECT_NE(prediction(network, samples), first) << change;
    EXPECT_EQ(prediction(network, samples), prediction(twin, samples)) << change;
    EXPECT_NE(prediction(network, sample), first_alone) << change;
    EXPECT_EQ(prediction(network, sample), prediction(twin, sample)) << change;
  }
}

// Where an output is also an input of another node, it is copied; else it is written in place.
TEST(Predict, WritesAnOutputThatIsReadOnAndOneThatIsNot) {
  Graph<double> graph;
  const NodeId x = graph.input(3);
  const NodeId hidden = graph.add(std::make_shared<Dense<double>>(DenseOptions{.units = 4}), {x});
  const NodeId last = graph.add(activation<double>("tanh"), {hidden});
  const Network<double> network(std::move(graph), std::vector<NodeId>{hidden, last});
  const Problem<double> problem(5, 3, 4);
  const Framed<double> first(5, 4, 6);
  const Framed<double> second(5, 4, 9);
  const MatrixView<const double> in = problem.x.view();
  const std::array<MatrixView<double>, 2> out{first.view(), second.view()};
  network.predict(std::span(&in, 1), out);
  for (Index i = 0; i < 5; ++i) {
    for (Index j = 0; j < 4; ++j) {
      EXPECT_NEAR(second.view()(i, j), std::tanh(first.view()(i, j)), 1e-15);
    }
  }
  EXPECT_TRUE(first.frame_is_whole());
  EXPECT_TRUE(second.frame_is_whole());
}

}  // namespace
}  // namespace nnbind::test
