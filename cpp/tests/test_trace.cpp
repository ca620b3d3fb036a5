// Traces: every number of one backpropagation, and the values of all nodes.
#include "nnbind/trace.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "data.hpp"
#include "networks.hpp"
#include "nnbind/error.hpp"
#include "nnbind/expression.hpp"
#include "nnbind/trainer.hpp"

namespace nnbind::test {
namespace {

constexpr double tolerance = 1e-13;

Expression<double> scalar(Graph<double>& graph, double value, const std::string& name) {
  return parameter(graph, 1, 1, Initializer::constant(value), name);
}

NodeId id_of(const Trace<double>& trace, const std::string& name) {
  for (NodeId id = 0; id < trace.nodes.size(); ++id) {
    if (trace.nodes[id].name == name) return id;
  }
  throw OptionError("no node " + name);
}

const Trace<double>::Node& node(const Trace<double>& trace, const std::string& name) {
  return trace.nodes[id_of(trace, name)];
}

const Trace<double>::Edge& edge(const Trace<double>& trace, const std::string& from,
                                const std::string& to, std::size_t input = 0) {
  for (const auto& edge : trace.edges) {
    if (edge.producer == id_of(trace, from) && edge.consumer == id_of(trace, to) &&
        edge.input == input) {
      return edge;
    }
  }
  throw OptionError("no edge " + from + " -> " + to);
}

/// Everything at once: an input used twice, a fixed value computed from others, shared weights, a
/// layer with regularization, repeated rows and columns, two outputs of which one feeds the other.
struct Everything {
  Everything() : problem(5, 3, 2), network(make()) {
    Random random(3);
    weights = random_matrix<double>(1, 5, random, 0, 2);
    data.inputs = {problem.x.view()};
    data.targets = {{problem.y.view(), nullptr}, {problem.y.view().middle_columns(0, 1), nullptr}};
    data.weights = weights.view().data;
  }
  static Network<double> make() {
    Graph<double> graph;
    const auto x = input(graph, 3, "x");
    const auto w = parameter(graph, 1, 3, Initializer::normal(1), "w");
    const auto scale = exp(w * w);
    const auto squares = x * x * scale;
    const auto op = std::make_shared<Dense<double>>(
        DenseOptions{.units = 3, .activation = "gelu", .l1 = 0.1, .l2 = 0.2});
    const NodeId first = graph.add(op, {squares.id}, "first");
    const NodeId again = graph.add(op, {first}, "again", first);
    const Expression<double> hidden{&graph, again};
    const auto gate = sigmoid(columns(hidden, 1, 1));
    const auto mixed = batch_norm(hidden * gate) - 2.0 * x;
    const auto one = dense(mixed, {.units = 2, .activation = "tanh", .name = "one"});
    const auto other = dense(one, {.units = 1, .name = "other"});
    Network<double> made(std::move(graph), {one.id, other.id}, 4);
    for (double& state : made.state()) state += 0.5;  // running statistics of its own
    return made;
  }
  static Losses losses() {
    return std::vector<Losses::Term>{{squared_error(), 0.7}, {huber(0.3, Reduction::sum), 1.5}};
  }
  Problem<double> problem;
  Network<double> network;
  Matrix<double> weights;
  Dataset<double> data;
};

void expect_near(MatrixView<const double> a, MatrixView<const double> b) {
  ASSERT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.cols, b.cols);
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < a.cols; ++j) EXPECT_NEAR(a(i, j), b(i, j), tolerance);
  }
}

/// The parameters' gradients of the trace against those of a training step's backward pass.
void expect_gradient(Network<double>& network, const Dataset<double>& data, const Losses& losses,
                     const Regularizer& regularizer = {}) {
  const auto traced = trace(network, data, losses, regularizer);
  const double loss = loss_and_gradient(network, data, losses, regularizer);
  EXPECT_NEAR(traced.loss, loss, tolerance * std::max(1.0, loss));
  for (const NodeId id : network.graph().parameter_nodes()) {
    expect_near(traced.nodes[id].parameter_gradient.view(),
                network.graph().node(id).parameters_in(std::as_const(network).gradient().data()));
  }
}

TEST(Trace, OfTheLecturesNeuronIsTheHandComputation) {
  Graph<double> graph;
  const auto x = input(graph, 1, "x"), y = input(graph, 1, "y");
  const auto w1 = scalar(graph, 0.5, "w1"), w2 = scalar(graph, -1, "w2"), b = scalar(graph, 2, "b");
  const auto first = w1 * x, second = w2 * y;  // in this order, for their names
  const auto neuron = sigmoid(first + second + b);
  const Network<double> network(std::move(graph), neuron.id);
  Matrix<double> xs(1, 1), ys(1, 1), target(1, 1);
  xs.view()(0, 0) = 4;
  ys.view()(0, 0) = 3;
  target.view()(0, 0) = 1;
  Dataset<double> data;
  data.inputs = {xs.view(), ys.view()};
  data.targets = {{target.view(), nullptr}};
  const auto traced = trace(network, data, squared_error());

  const double f = 1 / (1 + std::exp(-1.0));  // of 0.5 · 4 - 1 · 3 + 2 = 1
  const double slope = f * (1 - f), to_f = 2 * (f - 1), to_t = to_f * slope;
  EXPECT_NEAR(traced.loss, (f - 1) * (f - 1), tolerance);
  EXPECT_NEAR(node(traced, "add_1").value.view()(0, 0), 1, tolerance);
  EXPECT_NEAR(node(traced, "sigmoid").value.view()(0, 0), f, tolerance);
  EXPECT_NEAR(node(traced, "sigmoid").gradient.view()(0, 0), to_f, tolerance);
  EXPECT_NEAR(edge(traced, "add_1", "sigmoid").local_derivative.at(0, 0, 0), slope, tolerance);
  EXPECT_NEAR(edge(traced, "add_1", "sigmoid").gradient.view()(0, 0), to_t, tolerance);
  EXPECT_NEAR(edge(traced, "w1", "multiply").local_derivative.at(0, 0, 0), 4, tolerance);
  EXPECT_NEAR(edge(traced, "x", "multiply", 1).local_derivative.at(0, 0, 0), 0.5, tolerance);
  EXPECT_NEAR(node(traced, "w1").gradient.view()(0, 0), to_t * 4, tolerance);
  EXPECT_NEAR(node(traced, "w2").gradient.view()(0, 0), to_t * 3, tolerance);
  EXPECT_NEAR(node(traced, "b").gradient.view()(0, 0), to_t, tolerance);
  EXPECT_NEAR(node(traced, "x").gradient.view()(0, 0), to_t * 0.5, tolerance);
  EXPECT_NEAR(node(traced, "y").gradient.view()(0, 0), to_t * -1, tolerance);
}

TEST(Trace, AddsUpToTheGradientOfTraining) {
  Everything all;
  for (const Regularizer& regularizer : {Regularizer{}, Regularizer{0.1, 0.3, true, true}}) {
    expect_gradient(all.network, all.data, Everything::losses(), regularizer);
  }
}

TEST(Trace, AddsUpToTheGradientOfTrainingForEachOutputLayer) {
  const Problem<double> problem(6, 4, 3);
  Matrix<double> zero_one(6, 3), signs(6, 3);
  for (Index i = 0; i < 6; ++i) {
    for (Index k = 0; k < 3; ++k) {
      zero_one.view()(i, k) = (i + k) % 3 == 0 ? 1 : 0;
      signs.view()(i, k) = 2 * zero_one.view()(i, k) - 1;
    }
  }
  const auto expect = [&](const char* output, const LossPointer& loss, const Matrix<double>& y) {
    auto network = mlp<double>(4, {5}, 3, "tanh", output, 3);
    expect_gradient(network, {problem.x.view(), y.view()}, loss);
  };
  expect("sigmoid", binary_cross_entropy(), zero_one);
  expect("identity", binary_cross_entropy(true), zero_one);
  expect("softmax", cross_entropy(), zero_one);
  expect("log_softmax", cross_entropy(), zero_one);
  expect("softmax", squared_error(), zero_one);
  expect("binary", perceptron_criterion(), signs);
  auto network = mixed();
  expect_gradient(network, problem.classes(), cross_entropy(false, 0.1));
}

TEST(Trace, ContributionsOfANodesConsumersAddUpToItsGradient) {
  const Everything all;
  const auto traced = trace(all.network, all.data, Everything::losses());
  for (NodeId id = 0; id < traced.nodes.size(); ++id) {
    const MatrixView<const double> gradient = traced.nodes[id].gradient.view();
    Matrix<double> sum(gradient.rows, gradient.cols);
    const auto add = [&](MatrixView<const double> term) {
      for (Index i = 0; i < term.rows; ++i) {
        for (Index j = 0; j < term.cols; ++j) sum.view()(i, j) += term(i, j);
      }
    };
    for (const auto& edge : traced.edges) {
      if (edge.producer == id) add(edge.gradient.view());
    }
    for (const auto& output : traced.outputs) {
      if (output.node == id) add(output.gradient.view());
    }
    expect_near(sum.view(), gradient);
  }
}

TEST(Trace, EachContributionIsTheLocalDerivativeTimesTheConsumersGradient) {
  const Everything all;
  const auto traced = trace(all.network, all.data, Everything::losses());
  for (const auto& edge : traced.edges) {
    const auto& from = traced.nodes[edge.producer];
    const auto& to = traced.nodes[edge.consumer];
    const Jacobian<double>& local = edge.local_derivative;
    const Index width = from.value.view().cols;
    ASSERT_EQ(static_cast<Index>(local.values.size()),
              local.samples * local.outputs * local.inputs);
    Matrix<double> sum(from.value.view().rows, width);
    for (Index s = 0; s < local.samples; ++s) {
      for (Index j = 0; j < local.outputs; ++j) {
        const Index out_width = to.value.view().cols;
        const double gradient = to.is_batch ? to.gradient.view()(s, j)
                                            : to.gradient.view()(j / out_width, j % out_width);
        for (Index i = 0; i < local.inputs; ++i) {
          double& cell = from.is_batch ? sum.view()(s, i) : sum.view()(i / width, i % width);
          cell += local.at(s, j, i) * gradient;
        }
      }
    }
    expect_near(sum.view(), edge.gradient.view());
  }
}

TEST(Trace, HasASlopeOnBothSidesOfASigmoidBehindItsCrossEntropy) {
  const Problem<double> problem(4, 2, 1);
  auto network = mlp<double>(2, {3}, 1, "tanh", "sigmoid", 2);
  Matrix<double> y(4, 1);
  const auto traced = trace(network, {problem.x.view(), y.view()}, binary_cross_entropy());
  const auto& output = traced.outputs[0];
  EXPECT_FALSE(output.fused);
  for (Index i = 0; i < 4; ++i) {  // of -log(1 - f) / 4
    const double f = traced.nodes[output.node].value.view()(i, 0);
    EXPECT_NEAR(output.gradient.view()(i, 0), 1 / (1 - f) / 4, tolerance);
  }
}

TEST(Trace, OfASaturatedSigmoidKeepsTheGradientOfTraining) {
  auto network = sequential<double>(1, {{.units = 1, .activation = "sigmoid"}});
  network.theta()[0] = 800;
  Matrix<double> x(1, 1), y(1, 1);
  x.view()(0, 0) = 1;
  expect_gradient(network, {x.view(), y.view()}, binary_cross_entropy());
  EXPECT_EQ(network.gradient()[0], 1);
}

TEST(Trace, OfLogitsThatAnotherNodeReadsAddsUpToTheGradientOfTraining) {
  Graph<double> graph;
  const auto logits = dense(input(graph, 3), {.units = 2});
  const auto other = dense(logits, {.units = 2, .activation = "tanh"});
  Network<double> network(std::move(graph), {logits.id, other.id}, 3);
  const Problem<double> problem(5, 3, 2);
  Dataset<double> data = problem.classes();
  data.targets.push_back({problem.y.view(), nullptr});
  const std::vector<Losses::Term> losses{{cross_entropy(true), 1}, {squared_error(), 2}};
  expect_gradient(network, data, losses);
}

TEST(Trace, SaysWhereOnlyTheJointFormHasASlope) {
  auto network = mlp<double>(2, {}, 1, "relu", "binary", 2);
  const Problem<double> problem(3, 2, 1);
  Matrix<double> y(3, 1);
  for (Index i = 0; i < 3; ++i) y.view()(i, 0) = -1;
  const auto traced = trace(network, {problem.x.view(), y.view()}, perceptron_criterion());
  EXPECT_TRUE(traced.outputs[0].fused);
  // The local derivative is that of t = x W + b, which is W.
  EXPECT_EQ(traced.edges[0].local_derivative.at(1, 0, 1), network.theta()[1]);
}

TEST(Trace, LeavesOutLocalDerivativesThatAreTooWide) {
  const auto network = mlp<double>(3, {65}, 1);
  const Problem<double> problem(2, 3, 1);
  const auto traced = trace(network, problem.values(), squared_error());
  for (const auto& edge : traced.edges) EXPECT_TRUE(edge.local_derivative.values.empty());
  const auto wider = trace(network, problem.values(), squared_error(), {}, 65);
  for (const auto& edge : wider.edges) EXPECT_FALSE(edge.local_derivative.values.empty());
}

TEST(Trace, ChecksItsDataAndLeavesTheNetworkAlone) {
  Everything all;
  const auto theta = theta_of(all.network);
  const std::vector<double> state(all.network.state().begin(), all.network.state().end());
  (void)trace(all.network, all.data, Everything::losses());
  EXPECT_EQ(theta_of(all.network), theta);
  EXPECT_TRUE(std::ranges::equal(all.network.state(), state));
  EXPECT_THROW(
      (void)trace(all.network, {all.problem.x.view(), all.problem.y.view()}, squared_error()),
      OptionError);
}

TEST(Activations, AreTheValuesOfTheTraceWithTheBitsOfThePrediction) {
  for (const Index samples : {1, 5, 97, 200}) {
    const Everything all;
    const Problem<double> problem(samples, 3, 2);
    std::vector<Framed<double>> values;
    std::vector<MatrixView<double>> out;
    for (const Node<double>& node : all.network.graph().nodes()) {
      const Index rows = node.shape.is_batch() ? samples : node.shape.rows;
      values.emplace_back(rows, node.shape.cols, node.shape.cols + 1);
    }
    for (const Framed<double>& value : values) out.push_back(value.view());
    const MatrixView<const double> x = problem.x.view();
    activations(all.network, x, out);
    const auto& outputs = all.network.output_ids();
    std::vector<Matrix<double>> predicted;
    for (const NodeId id : outputs) {
      predicted.emplace_back(samples, all.network.graph().node(id).shape.cols);
    }
    const std::vector<MatrixView<double>> to{predicted[0].view(), predicted[1].view()};
    all.network.predict({&x, 1}, to);
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_TRUE(equal<double>(out[outputs[k]], predicted[k].view()));
    }
    for (const Framed<double>& value : values) EXPECT_TRUE(value.frame_is_whole());
    if (samples != 5) continue;
    const auto traced = trace(all.network, all.data, Everything::losses());
    for (NodeId id = 0; id < out.size(); ++id) {
      EXPECT_TRUE(equal<double>(out[id], traced.nodes[id].value.view()));
    }
  }
}

TEST(Activations, RefuseWrongShapes) {
  const auto network = mlp<double>(2, {3}, 1);
  Matrix<double> x(4, 2), narrow(4, 1), hidden(4, 3), y(4, 1);
  const std::vector<MatrixView<double>> right{x.view(), hidden.view(), y.view()};
  const std::vector<MatrixView<double>> wrong{x.view(), narrow.view(), y.view()};
  const MatrixView<const double> good = x.view(), bad = narrow.view();
  std::vector<MatrixView<double>> overlapping = right, negative = right;
  overlapping[1].stride = 2;
  for (MatrixView<double>& value : negative) value.rows = -1;
  const auto two = std::span(right).first(2);
  EXPECT_NO_THROW(activations(network, std::vector{good}, right));
  EXPECT_THROW(activations(network, bad, right), ShapeError);
  EXPECT_THROW(activations(network, good, wrong), ShapeError);
  EXPECT_THROW(activations(network, good, overlapping), ShapeError);
  EXPECT_THROW(activations(network, negative[0], negative), ShapeError);
  EXPECT_THROW(activations(network, good, two), OptionError);
}

}  // namespace
}  // namespace nnbind::test
