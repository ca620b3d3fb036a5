// Graphs: their shape, and gradients through edges that fan out and meet again.
#include <gtest/gtest.h>

#include <limits>

#include "expect_message.hpp"
#include "gradient_check.hpp"
#include "nnbind/dense.hpp"
#include "nnbind/error.hpp"
#include "nnbind/graph.hpp"
#include "nnbind/operators.hpp"
#include "workspace.hpp"

namespace nnbind::test {
namespace {

/// y = x₁ + x₂ + ...
class Sum final : public Operator<double> {
 public:
  [[nodiscard]] std::string_view kind() const override { return "sum"; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    for (const Shape& shape : inputs) {
      if (shape != inputs[0]) throw ShapeError("expected equal shapes");
    }
    return inputs[0];
  }
  void forward(const ForwardPass<double>& pass) const override {
    for (Index i = 0; i < pass.output.rows; ++i) {
      for (Index j = 0; j < pass.output.cols; ++j) {
        pass.output(i, j) = 0;
        for (const Rows<double>& input : pass.inputs) pass.output(i, j) += input.row[i][j];
      }
    }
  }
  void backward(const BackwardPass<double>& pass) const override {
    for (const InputGradient<double>& to : pass.input_gradients) {
      for (Index i = 0; i < to.gradient.rows; ++i) {
        for (Index j = 0; j < to.gradient.cols; ++j) {
          const double before = to.accumulate ? to.gradient(i, j) : 0;
          to.gradient(i, j) = before + pass.output_gradient(i, j);
        }
      }
    }
  }
};

std::shared_ptr<Dense<double>> dense(Index units, const Activation& activation = "tanh") {
  DenseOptions options;
  options.units = units;
  options.activation = activation;
  return std::make_shared<Dense<double>>(options);
}

/// L = Σ G ⊙ Y over a batch, with random inputs, θ and G.
class GraphRun {
 public:
  GraphRun(const Graph<double>& graph, NodeId output)
      : graph_(graph),
        workspace_(graph, {output}, nullptr, {.capacity = batch, .purpose = Purpose::step}) {
    Random random(1);
    for (std::size_t k = 0; k < graph.inputs().size(); ++k) {
      const Index width = graph.node(graph.inputs()[k]).shape.cols;
      inputs_.push_back(random_matrix<double>(batch, width, random));
      std::copy_n(inputs_.back().rows().row, batch, workspace_.input_rows(k));
    }
    theta_ = random_matrix<double>(1, graph.parameter_count(), random);
    direction_ = random_matrix<double>(batch, graph.node(output).shape.cols, random);
  }

  /// The gradient by the backward pass against central differences.
  double error() {
    const std::vector<double> analytic = backward();
    const auto loss = [this](double /*changed*/) { return forward(); };
    return relative_error(analytic, central_differences(theta_.view(), loss));
  }

 private:
  static constexpr Index batch = 4;

  double forward() {
    workspace_.prepare(member_, theta_.view().data, batch, {});
    workspace_.forward(member_);
    double sum = 0;
    for (Index i = 0; i < batch; ++i) {
      for (Index j = 0; j < direction_.view().cols; ++j) {
        sum += direction_.view()(i, j) * workspace_.output(0)(i, j);
      }
    }
    return sum;
  }

  std::vector<double> backward() {
    forward();
    for (Index i = 0; i < batch; ++i) {
      std::copy_n(direction_.view().row(i), direction_.view().cols,
                  workspace_.output_gradient(0).row(i));
    }
    workspace_.backward(member_);
    std::vector<double> gradient(static_cast<std::size_t>(graph_.parameter_count()));
    for (const NodeId id : graph_.parameter_nodes()) {
      const MatrixView<double> block = graph_.node(id).parameters_in(gradient.data());
      workspace_.parameter_gradient(id, {0, batch}, {{0, block.rows}, {0, block.cols}}, false,
                                    Panels<double>::plain(block));
    }
    return gradient;
  }

  const Graph<double>& graph_;
  TeamState nobody_else_{1};
  Member member_{nobody_else_, 0};
  Workspace<double> workspace_;
  std::vector<Matrix<double>> inputs_;
  Matrix<double> theta_, direction_;
};

TEST(Graph, GradientsAddUpWhereANodeFansOut) {
  Graph<double> graph;
  const NodeId input = graph.input(3);
  const NodeId trunk = graph.add(dense(4), {input});
  const NodeId left = graph.add(dense(4, "sigmoid"), {trunk});
  const NodeId right = graph.add(dense(4), {trunk});
  const NodeId sum = graph.add(std::make_shared<Sum>(), {left, right, trunk});
  const NodeId output = graph.add(dense(2, "softmax"), {sum});
  EXPECT_LE(GraphRun(graph, output).error(), gradient_tolerance);
}

TEST(Graph, GradientsAddUpWhereOneNodeReadsAnotherTwice) {
  Graph<double> graph;
  const NodeId trunk = graph.add(dense(4), {graph.input(3)});
  const NodeId twice = graph.add(std::make_shared<Sum>(), {trunk, trunk});
  EXPECT_LE(GraphRun(graph, graph.add(dense(2), {twice})).error(), gradient_tolerance);
}

TEST(Graph, GradientsReachWeightsAboveSeveralInputs) {
  Graph<double> graph;
  const NodeId one = graph.input(3);
  const NodeId other = graph.input(5);
  const NodeId left = graph.add(dense(4), {one});
  const NodeId right = graph.add(dense(4), {other});
  const NodeId sum = graph.add(std::make_shared<Sum>(), {left, right});
  EXPECT_LE(GraphRun(graph, graph.add(dense(2), {sum})).error(), gradient_tolerance);
}

TEST(Graph, SharedParametersAddTheirGradients) {
  Graph<double> graph;
  const auto layer = dense(4);
  const NodeId one = graph.add(layer, {graph.input(4)});
  const NodeId two = graph.add(layer, {one}, "again", one);
  const NodeId three = graph.add(layer, {graph.input(4)}, "once_more", two);
  const NodeId sum = graph.add(std::make_shared<Sum>(), {two, three});
  EXPECT_EQ(graph.parameter_count(), (4 + 1) * 4);
  EXPECT_EQ(graph.node(three).owner, one);
  EXPECT_LE(GraphRun(graph, sum).error(), gradient_tolerance);
}

TEST(Graph, SharesOnlyParametersThatFit) {
  Graph<double> graph;
  const auto layer = dense(4);
  const NodeId one = graph.add(layer, {graph.input(4)});
  EXPECT_THROW(graph.add(layer, {graph.input(3)}, "wide", one), ShapeError);
  EXPECT_THROW(graph.add(dense(4), {one}, "other", one), OptionError);
  EXPECT_THROW(graph.add(layer, {one}, "none", 9), OptionError);
  EXPECT_THROW(graph.add(nullptr, {one}), OptionError);
}

/// What an operator says of its own sizes.
struct Sizes {
  Shape shape{Shape::batch, 3};
  BlockShape parameters = {};
  BlockShape state = {};
  Index weight_rows = 0, saved_width = 0;
};

class Sized final : public Operator<double> {
 public:
  explicit Sized(const Sizes& sizes) : sizes_(sizes) {}
  [[nodiscard]] std::string_view kind() const override { return "sized"; }
  [[nodiscard]] Shape shape(std::span<const Shape> /*inputs*/) const override {
    return sizes_.shape;
  }
  [[nodiscard]] BlockShape parameters(std::span<const Shape> /*inputs*/) const override {
    return sizes_.parameters;
  }
  [[nodiscard]] Index weight_rows(std::span<const Shape> /*inputs*/) const override {
    return sizes_.weight_rows;
  }
  [[nodiscard]] BlockShape state(std::span<const Shape> /*inputs*/) const override {
    return sizes_.state;
  }
  [[nodiscard]] Index saved_width(Index /*width*/) const override { return sizes_.saved_width; }
  void forward(const ForwardPass<double>& /*pass*/) const override {}
  void backward(const BackwardPass<double>& /*pass*/) const override {}

 private:
  Sizes sizes_;
};

TEST(Graph, RefusesOperatorsOfSizesThatThereAreNot) {
  Graph<double> graph;
  const NodeId x = graph.input(3);
  constexpr Index far = Index{1} << 40;
  const auto refused = [&](const char* message, const Sizes& sizes) {
    expect_message<ShapeError>(message,
                               [&] { graph.add(std::make_shared<Sized>(sizes), {x}, "a"); });
  };
  refused(R"([Graph] "a" has shape (n, 0))", {.shape = {Shape::batch, 0}});
  refused(R"([Graph] "a" has shape (n, -3))", {.shape = {Shape::batch, -3}});
  refused(R"([Graph] "a" has shape (0, 3))", {.shape = {0, 3}});
  refused(R"([Graph] "a" has shape (-2, 3))", {.shape = {-2, 3}});
  refused(R"([Graph] "a" has parameters of shape (-1, 2))", {.parameters = {-1, 2}});
  refused(R"([Graph] "a" has parameters of shape (2, -1))", {.parameters = {2, -1}});
  refused("2^48", {.parameters = {far, far}});
  refused("2^48", {.parameters = {1, Index{1} << 62}});
  refused(R"([Graph] "a" has a state of shape (-1, 1))", {.state = {-1, 1}});
  refused("2^48", {.state = {far, far}});
  refused(R"([Graph] "a" has weight_rows of 3; expected 0 to 2)",
          {.parameters = {2, 3}, .weight_rows = 3});
  refused(R"([Graph] "a" has weight_rows of -1; expected 0 to 2)",
          {.parameters = {2, 3}, .weight_rows = -1});
  refused(R"([Graph] "a" has a saved_width of -1)", {.saved_width = -1});
  refused(R"([Graph] "a" has a saved_width of)", {.saved_width = Index{1} << 62});
  EXPECT_EQ(graph.nodes().size(), 1U);
  graph.add(std::make_shared<Sized>(
                Sizes{.parameters = {2, 3}, .state = {1, 4}, .weight_rows = 2, .saved_width = 1}),
            {x}, "a");
  EXPECT_EQ(graph.parameter_count(), 6);
  EXPECT_EQ(graph.state_count(), 4);
}

TEST(Graph, MovedFromIsEmpty) {
  Graph<double> graph;
  graph.add(batch_norm<double>(BatchNormOptions{}), {graph.add(dense(5), {graph.input(3)})});
  const Index parameters = graph.parameter_count(), states = graph.state_count();
  Graph<double> moved = std::move(graph);
  Graph<double> assigned;
  assigned = std::move(moved);
  EXPECT_EQ(assigned.parameter_count(), parameters);
  EXPECT_EQ(assigned.state_count(), states);
  // NOLINTNEXTLINE(bugprone-use-after-move): it is what is tested.
  for (Graph<double>* left : {&graph, &moved}) {
    EXPECT_EQ(left->parameter_count(), 0);
    EXPECT_EQ(left->state_count(), 0);
    EXPECT_EQ(left->node(left->add(dense(2), {left->input(1)})).offset, 0);
    EXPECT_EQ(left->parameter_count(), (1 + 1) * 2);
  }
}

TEST(Graph, LayerIndexIsTheLongestPathFromAnInput) {
  Graph<double> graph;
  const NodeId input = graph.input(4);
  const NodeId one = graph.add(dense(4), {input});
  const NodeId two = graph.add(dense(4), {one});
  const NodeId sum = graph.add(std::make_shared<Sum>(), {input, two, one});
  EXPECT_EQ(graph.node(input).layer_index, 0);
  EXPECT_EQ(graph.node(one).layer_index, 1);
  EXPECT_EQ(graph.node(two).layer_index, 2);
  EXPECT_EQ(graph.node(sum).layer_index, 3);
}

TEST(Graph, NamesAreUnique) {
  Graph<double> graph;
  const NodeId input = graph.input(2);
  EXPECT_EQ(graph.node(graph.add(dense(2), {input})).name, "dense");
  EXPECT_EQ(graph.node(graph.add(dense(2), {input}, "dense_2")).name, "dense_2");
  EXPECT_EQ(graph.node(graph.add(dense(2), {input})).name, "dense_1");
  EXPECT_EQ(graph.node(graph.add(dense(2), {input})).name, "dense_3");
  EXPECT_THROW(graph.add(dense(2), {input}, "dense_2"), OptionError);
}

TEST(Graph, NamesAreAsLongAsFilesTake) {
  Graph<double> graph;
  graph.input(3, std::string(longest_name, 'x'));
  expect_message<OptionError>("[Graph] the name of a node has 1025 bytes; expected at most 1024",
                              [&] { graph.input(3, std::string(longest_name + 1, 'x')); });
  EXPECT_EQ(graph.nodes().size(), 1);
}

TEST(Graph, MakesUpNamesOfManyNodesInLittleTime) {
  Graph<double> graph;
  const OperatorPointer<double> op = dense(2);
  NodeId last = graph.input(2);
  const NodeId input = last;
  for (int count = 0; count < 20000; ++count) last = graph.add(op, {input});
  EXPECT_EQ(graph.node(last).name, "dense_19999");
}

TEST(Graph, BlocksOfThetaFollowEachOther) {
  Graph<double> graph;
  const NodeId first = graph.add(dense(5), {graph.input(3)});
  const NodeId second = graph.add(dense(2), {first});
  EXPECT_EQ(graph.node(first).offset, 0);
  EXPECT_EQ(graph.node(second).offset, (3 + 1) * 5);
  EXPECT_EQ(graph.parameter_count(), (3 + 1) * 5 + (5 + 1) * 2);
}

TEST(Graph, RefusesWhatDoesNotFitAndStaysAsItWas) {
  Graph<double> graph;
  const NodeId a = graph.input(2);
  const NodeId b = graph.input(3);
  EXPECT_THROW(graph.input(0), OptionError);
  EXPECT_THROW(graph.add(dense(2), {7}), OptionError);
  EXPECT_THROW(graph.add(std::make_shared<Sum>(), {a, b}), ShapeError);
  EXPECT_THROW(graph.add(dense(2), {a, b}), ShapeError);
  EXPECT_THROW(graph.add(dense(2), {}), ShapeError);
  EXPECT_THROW(graph.add(std::make_shared<Sum>(), std::vector<NodeId>(most_inputs + 1, a)),
               OptionError);
  EXPECT_THROW(graph.add(concatenate<double>(), std::vector<NodeId>(most_inputs + 1, a)),
               OptionError);
  EXPECT_EQ(graph.nodes().size(), 2U);
}

TEST(Graph, RefusesSizesWhoseProductsWouldOverflow) {
  constexpr Index most = std::numeric_limits<std::int32_t>::max();
  Graph<double> graph;
  EXPECT_THROW(graph.input(most + 1), ShapeError);
  const NodeId input = graph.input(most);
  EXPECT_THROW(graph.add(dense(most), {input}), ShapeError);
  EXPECT_THROW(graph.add(dense(most + 1), {input}), ShapeError);
  EXPECT_THROW(graph.add(concatenate<double>(), {input, input}), ShapeError);
  EXPECT_THROW(graph.add(parameter<double>(most, 2, Initializer("zeros")), {}), ShapeError);
  EXPECT_EQ(graph.nodes().size(), 1U);
  EXPECT_EQ(graph.parameter_count(), 0);
}

}  // namespace
}  // namespace nnbind::test
