// Formulas that grow a graph.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "expect_message.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

/// The prediction of the network of f(x, y), which has two inputs of one column.
template <class F>
double value(double at_x, double at_y, F f) {
  Graph<double> graph;
  const auto x = input(graph, 1, "x");
  const auto y = input(graph, 1, "y");
  const NodeId output = f(x, y).id;
  const Network<double> network(std::move(graph), output);
  const std::vector<MatrixView<const double>> inputs{{&at_x, 1, 1, 1}, {&at_y, 1, 1, 1}};
  double out = 0;
  const std::vector<MatrixView<double>> outputs{{&out, 1, 1, 1}};
  network.predict(inputs, outputs);
  return out;
}

TEST(Expression, SignsAreTheArithmetic) {
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return x + y; }), 8);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return x - y; }), -2);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return x * y; }), 15);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return x / y; }), 0.6);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return pow(x, y); }), 243);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return -x * y + y * y - x / y; }), 9.4);
}

TEST(Expression, NumbersStandOnEitherSide) {
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return (2 + x) * (y + 1); }), 30);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return (2 - x) * (y - 1); }), -4);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return (2 * x) + (y * 0.5); }), 8.5);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return (6 / x) + (y / 2); }), 4.5);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return pow(x, 2) + pow(2, y); }), 41);
}

TEST(Expression, FunctionsAreWhatTheirNamesSay) {
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return log(exp(x) * exp(y)); }), 8);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return sum(concatenate({x, y})); }), 8);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return mean(concatenate({x, y})); }), 4);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return columns(concatenate({x, y}), 1, 1); }),
                   5);
  EXPECT_NEAR(value(3, 5, [](auto x, auto y) { return sigmoid(x - y); }), 1 / (1 + std::exp(2)),
              1e-15);
  EXPECT_DOUBLE_EQ(value(3, 5, [](auto x, auto y) { return dropout(x, 0.5) * y; }), 15);
}

template <class F>
std::string kind_of(F f) {
  Graph<float> graph;
  const auto x = input(graph, 3);
  return std::string(f(x).node().op->kind());
}

TEST(Expression, EachActivationHasItsName) {
  EXPECT_EQ(kind_of([](auto x) { return identity(x); }), "identity");
  EXPECT_EQ(kind_of([](auto x) { return binary(x); }), "binary");
  EXPECT_EQ(kind_of([](auto x) { return sigmoid(x); }), "sigmoid");
  EXPECT_EQ(kind_of([](auto x) { return tanh(x); }), "tanh");
  EXPECT_EQ(kind_of([](auto x) { return relu(x); }), "relu");
  EXPECT_EQ(kind_of([](auto x) { return leaky_relu(x); }), "leaky_relu");
  EXPECT_EQ(kind_of([](auto x) { return elu(x); }), "elu");
  EXPECT_EQ(kind_of([](auto x) { return selu(x); }), "selu");
  EXPECT_EQ(kind_of([](auto x) { return softplus(x); }), "softplus");
  EXPECT_EQ(kind_of([](auto x) { return softsign(x); }), "softsign");
  EXPECT_EQ(kind_of([](auto x) { return gelu(x); }), "gelu");
  EXPECT_EQ(kind_of([](auto x) { return silu(x); }), "silu");
  EXPECT_EQ(kind_of([](auto x) { return hard_sigmoid(x); }), "hard_sigmoid");
  EXPECT_EQ(kind_of([](auto x) { return softmax(x); }), "softmax");
  EXPECT_EQ(kind_of([](auto x) { return log_softmax(x); }), "log_softmax");
  EXPECT_EQ(kind_of([](auto x) { return activate(x, {"elu", 0.5}); }), "elu");
}

TEST(Expression, ReadsLikeTheFormulaOfANeuron) {
  Graph<double> graph;
  const auto x = input(graph, 1, "x");
  const auto y = input(graph, 1, "y");
  const auto w1 = parameter(graph, 1, 1, Initializer::constant(2), "w1");
  const auto w2 = parameter(graph, 1, 1, Initializer::constant(-1), "w2");
  const auto b = parameter(graph, 1, 1, Initializer::constant(0.5), "b");
  const auto neuron = sigmoid(w1 * x + w2 * y + b);
  EXPECT_EQ(neuron.shape(), (Shape{Shape::batch, 1}));
  EXPECT_EQ(graph.parameter_count(), 3);
  const NodeId output = neuron.id;
  const Network<double> network(std::move(graph), output);
  const std::array<double, 2> values{3, 5};
  const std::vector<MatrixView<const double>> inputs{{values.data(), 1, 1, 1},
                                                     {&values[1], 1, 1, 1}};
  double out = 0;
  const std::vector<MatrixView<double>> outputs{{&out, 1, 1, 1}};
  network.predict(inputs, outputs);
  EXPECT_NEAR(out, 1 / (1 + std::exp(-1.5)), 1e-15);
}

TEST(Expression, LayersTakeTheirOptionsAndNames) {
  Graph<float> graph;
  const auto x = input(graph, 2, "x");
  const auto h = dense(x, {.units = 16, .activation = "tanh", .name = "hidden"});
  const auto normal = layer_norm(batch_norm(h, {.momentum = 0.2}, "bn"), {}, "ln");
  const auto both = concatenate({x, normal}, "both");
  EXPECT_EQ(h.node().name, "hidden");
  EXPECT_EQ(normal.node().name, "ln");
  EXPECT_EQ(both.node().name, "both");
  EXPECT_EQ(both.shape(), (Shape{Shape::batch, 18}));
  EXPECT_EQ(matmul(both, parameter(graph, 18, 3, Initializer("he_normal"))).shape().cols, 3);
}

TEST(Expression, HandlesOfTwoGraphsDoNotMix) {
  Graph<float> one, other;
  const auto x = input(one, 2);
  const auto y = input(other, 2);
  expect_message<OptionError>("[add] the inputs belong to different graphs; expected one graph",
                              [&] { (void)(x + y); });
  expect_message<OptionError>("[concatenate] the inputs belong to different graphs",
                              [&] { concatenate({x, x, y}); });
  expect_message<OptionError>("[multiply] an input belongs to no graph",
                              [&] { x* Expression<float>{}; });
  expect_message<OptionError>("an input belongs to no graph", [&] { Expression<float>{} * 2; });
  EXPECT_EQ(one.nodes().size(), 1U);
}

TEST(Expression, OfNoGraphHasNoNode) {
  expect_message<OptionError>("[Expression] belongs to no graph",
                              [] { (void)Expression<float>{}.shape(); });
  Graph<float> graph;
  const Expression<float> x = input(graph, 2);
  expect_message<OptionError>("there is no node 7; the graph has 1",
                              [&] { (void)Expression<float>{x.graph, 7}.node(); });
  EXPECT_THROW(apply<float>(nullptr, {x}), OptionError);
}

TEST(Expression, ShapesThatDoNotFitAreNamed) {
  Graph<float> graph;
  const auto x = input(graph, 2, "x");
  const auto h = input(graph, 3, "h");
  expect_message<ShapeError>(
      R"([add] "x" (n, 2), "h" (n, 3): expected equal columns, or a single one)", [&] { x + h; });
}

}  // namespace
}  // namespace nnbind::test
