// The operators together, in a network: gradients of whole graphs, and bits.
#include <gtest/gtest.h>

#include "gradient_check.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

/// A network of 6 inputs and 3 classes in which nearly every operator has its place.
template <class T>
Network<T> of_many_operators(Index width, double rate = 0) {
  Graph<T> graph;
  const auto glorot = Initializer("glorot_uniform");
  const auto x = input(graph, 6, "x");
  const auto w = parameter(graph, 6, width, glorot, "w");
  const auto b = parameter(graph, 1, width, Initializer::constant(0.1), "b");
  const auto scale = parameter(graph, 1, 1, Initializer::constant(0.5), "scale");
  const auto h = dropout(batch_norm(tanh(matmul(x, w * scale) + b)), rate);
  const auto g = layer_norm(dense(h, {.units = width, .activation = "silu"}));
  const auto gate = sigmoid(scale * h - g / 2);
  const auto blend = gate * h + (1 - gate) * g;
  const auto length = pow(mean(pow(blend, 2)) + 0.01, 0.5);
  const auto exponent = 1.5 + sigmoid(columns(x, 3, 1));
  const auto top = concatenate({blend / length, exp(-columns(h, 0, 3)), log(softplus(x) + 1),
                                pow(softplus(columns(x, 0, 2)), exponent), sum(h)});
  const auto last = parameter(graph, top.shape().cols, 3, glorot, "last");
  const auto y = softmax(matmul(top, last) + parameter(graph, 1, 3, Initializer("zeros")));
  const NodeId output = y.id;
  return Network<T>(std::move(graph), output, 3);
}

/// The gradient of the network against central differences, as it predicts or as it is trained.
double error_of_gradient(const LossPointer& criterion, bool labels, bool training) {
  const Problem<double> problem(7, 6, 3);
  const Dataset<double> data = labels ? problem.classes() : problem.values();
  auto network = of_many_operators<double>(5, 0.3);
  const auto loss = [&](double /*changed*/ = 0) {
    return loss_and_gradient(network, data, criterion, {}, training);
  };
  loss();
  const std::vector<double> analytic(network.gradient().begin(), network.gradient().end());
  const Index size = network.parameter_count();
  return relative_error(analytic,
                        central_differences({network.theta().data(), 1, size, size}, loss));
}

TEST(ManyOperators, HaveRightGradientsTogether) {
  for (const bool training : {false, true}) {
    EXPECT_LE(error_of_gradient(cross_entropy(), true, training), gradient_tolerance);
    EXPECT_LE(error_of_gradient(squared_error(), false, training), gradient_tolerance);
  }
}

struct Outcome {
  std::vector<float> theta, state, prediction;
};

Outcome train(int threads) {
  set_num_threads(threads);
  const Problem<float> problem(150, 6, 3);
  auto network = of_many_operators<float>(200, 0.2);
  FitOptions options;
  options.epochs = 2;
  options.batch_size = 64;
  History history;
  fit(network, problem.classes(), cross_entropy(), *adam(constant_rate(1e-3)), options, history);
  Outcome outcome{theta_of(network),
                  {network.state().begin(), network.state().end()},
                  std::vector<float>(150 * 3)};
  network.predict(problem.x.view(), {outcome.prediction.data(), 150, 3, 3});
  reset_num_threads();
  return outcome;
}

TEST(ManyOperators, ComputeTheSameBitsWithAnyNumberOfThreads) {
  const Outcome one = train(1);
  for (const int threads : {2, 3, 5}) {
    const Outcome many = train(threads);
    EXPECT_TRUE(same_bits(many.theta, one.theta)) << threads;
    EXPECT_TRUE(same_bits(many.state, one.state)) << threads;
    EXPECT_TRUE(same_bits(many.prediction, one.prediction)) << threads;
  }
}

/// The gradient of the same layer, fused or in three operators.
std::vector<double> gradient_of_layer(const Activation& g, bool fused) {
  const Problem<double> problem(9, 6, 4);
  Graph<double> graph;
  const auto x = input(graph, 6);
  Random random(2);
  std::vector<double> weights(7 * 4);
  for (double& weight : weights) weight = random.uniform() - 0.5;
  NodeId output = 0;
  if (fused) {
    output = dense(x, {.units = 4, .activation = g, .init = Initializer::array(weights, 7, 4)}).id;
  } else {
    const std::vector<double> w(weights.begin(), weights.end() - 4);
    const std::vector<double> b(weights.end() - 4, weights.end());
    const auto product = matmul(x, parameter(graph, 6, 4, Initializer::array(w, 6, 4)));
    output = activate(product + parameter(graph, 1, 4, Initializer::array(b, 1, 4)), g).id;
  }
  Network<double> network(std::move(graph), output);
  std::vector<double> result{loss_and_gradient(network, problem.values(), squared_error())};
  result.insert(result.end(), network.gradient().begin(), network.gradient().end());
  return result;
}

TEST(Dense, EqualsMatMulAndAddAndActivation) {
  for (const std::string_view name : Activation::names()) {
    const auto fused = gradient_of_layer(name, true);
    const auto apart = gradient_of_layer(name, false);
    ASSERT_EQ(fused.size(), apart.size());
    for (std::size_t i = 0; i < fused.size(); ++i) {
      EXPECT_NEAR(fused[i], apart[i], 1e-14 * std::max(1.0, std::abs(fused[i]))) << name;
    }
  }
}

}  // namespace
}  // namespace nnbind::test
