// The gradient check: it names who is wrong, and knows kinks.
#include "nnbind/gradient_check.hpp"

#include <gtest/gtest.h>

#include "calling.hpp"
#include "data.hpp"
#include "expect_message.hpp"
#include "networks.hpp"
#include "nnbind/error.hpp"
#include "nnbind/expression.hpp"

namespace nnbind::test {
namespace {

/// a ⊙ b, whose gradient of b is wrong.
class WrongProduct final : public Operator<double> {
 public:
  [[nodiscard]] std::string_view kind() const override { return "wrong"; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  void forward(const ForwardPass<double>& pass) const override {
    for (Index i = 0; i < pass.output.rows; ++i) {
      for (Index j = 0; j < pass.output.cols; ++j) {
        pass.output(i, j) = pass.inputs[0].row[i][j] * pass.inputs[1].row[i][j];
      }
    }
  }
  void backward(const BackwardPass<double>& pass) const override {
    for (std::size_t k = 0; k < 2; ++k) {
      const InputGradient<double>& to = pass.input_gradients[k];
      if (to.gradient.data == nullptr) continue;
      const Rows<double>& factor = pass.inputs[0];  // right would be [1 - k]
      for (Index i = 0; i < to.gradient.rows; ++i) {
        for (Index j = 0; j < to.gradient.cols; ++j) {
          const double other = k == 0 ? pass.inputs[1].row[i][j] : 2 * factor.row[i][j];
          to.gradient(i, j) =
              (to.accumulate ? to.gradient(i, j) : 0) + other * pass.output_gradient(i, j);
        }
      }
    }
  }
};

/// Σ (f - y)², with a slope that lacks the 2.
class WrongLoss final : public Loss {
 public:
  WrongLoss() : Loss("half", Reduction::mean) {}
  void evaluate(const LossRows<float>& /*rows*/, bool /*t*/) const override {}
  void evaluate(const LossRows<double>& rows, bool /*t*/) const override {
    for (Index i = 0; i < rows.predictions.rows; ++i) {
      rows.losses[i] = 0;
      for (Index k = 0; k < rows.predictions.cols; ++k) {
        const double r = rows.predictions(i, k) - rows.targets[i][k];
        rows.losses[i] += r * r;
        if (rows.gradient.data != nullptr) rows.gradient(i, k) = rows.scale * r;
      }
    }
  }
};

/// A chain of the given operator between two layers.
Network<double> with(const OperatorPointer<double>& op) {
  Graph<double> graph;
  const auto x = input(graph, 3, "x");
  const auto a = dense(x, {.units = 4, .activation = "tanh", .name = "a"});
  const auto b = dense(x, {.units = 4, .activation = "tanh", .name = "b"});
  const auto product = apply<double>(op, {a, b}, "product");
  const auto y = dense(product, {.units = 2, .name = "y"});
  return {std::move(graph), y.id, 1};
}

TEST(GradientCheck, FindsNothingWrongInARightGraph) {
  const Problem<double> problem(5, 3, 2);
  auto network = with(multiply<double>());
  const GradientCheck check = check_gradients(network, problem.values(), squared_error());
  EXPECT_TRUE(check.ok()) << check.report();
  EXPECT_LE(check.largest_relative_error, 1e-6);
  EXPECT_EQ(check.nodes.size(), 3U);
  EXPECT_EQ(check.operators.size(), 9U);  // an input and parameters thrice, two inputs, a loss
  EXPECT_EQ(check.kinks, 0);
}

TEST(GradientCheck, NamesTheWrongOperatorAndItsInput) {
  const Problem<double> problem(5, 3, 2);
  auto network = with(std::make_shared<WrongProduct>());
  const auto theta = theta_of(network);
  const GradientCheck check = check_gradients(network, problem.values(), squared_error());
  EXPECT_FALSE(check.ok());
  for (const auto& entry : check.operators) {
    const bool wrong = entry.node == "product" && entry.input == 2;
    EXPECT_EQ(entry.largest_relative_error > 1e-6, wrong) << entry.node << " " << entry.input;
  }
  EXPECT_TRUE(contains(check.report(),
                       R"(operator "product" (wrong): gradient of input 2 ("b") is wrong at )"))
      << check.report();
  EXPECT_EQ(theta_of(network), theta);
}

TEST(GradientCheck, LeavesThetaAsItIsWhateverIsThrown) {
  const Problem<double> problem(3, 3, 2);
  int calls_left = 0;
  Graph<double> graph;
  const auto h = dense(input(graph, 3, "x"), {.units = 2, .activation = "relu"});
  const auto y = apply<double>(std::make_shared<Calling<double>>([&] {
                                 if (--calls_left == 0) throw std::runtime_error("enough");
                               }),
                               {h}, "y");
  Network<double> throwing(std::move(graph), y.id, 1);
  std::ranges::fill(throwing.theta(), 0);  // every sample at the relu's kink
  const auto theta = theta_of(throwing);
  int thrown = 0;
  for (int calls = 1; calls < 200; ++calls) {
    calls_left = calls;
    try {
      check_gradients(throwing, problem.values(), squared_error());
    } catch (const std::runtime_error&) {
      ++thrown;
    }
    ASSERT_EQ(theta_of(throwing), theta) << calls;
  }
  EXPECT_GT(thrown, 50);
}

TEST(GradientCheck, NamesTheWrongLoss) {
  const Problem<double> problem(5, 3, 2);
  auto network = mlp<double>(3, {4}, 2, "tanh");
  const GradientCheck check =
      check_gradients(network, problem.values(), LossPointer(std::make_shared<WrongLoss>()));
  EXPECT_FALSE(check.ok());
  EXPECT_TRUE(contains(check.report(), R"(loss "half" of "dense_1": gradient is wrong at )"))
      << check.report();
}

TEST(GradientCheck, TakesAReluAtZeroForAKink) {
  auto network = mlp<double>(2, {3}, 1, "relu", "identity", 5);
  network.parameters(network.layers()[0])(2, 1) = 0;  // the bias of one unit
  Matrix<double> x(1, 2), y(1, 1);                    // at x = 0 its t is 0
  network.parameters(network.layers()[0])(2, 0) = 1;
  network.parameters(network.layers()[0])(2, 2) = -1;
  y.view()(0, 0) = 3;
  const GradientCheck check = check_gradients(network, {x.view(), y.view()}, squared_error());
  EXPECT_TRUE(check.ok()) << check.report();
  EXPECT_EQ(check.nodes[0].kinks, 1);
  EXPECT_EQ(check.nodes[0].kink_row, 2);
  EXPECT_EQ(check.nodes[0].kink_col, 1);
  EXPECT_TRUE(contains(check.report(), "1 kink at (2, 1)")) << check.report();
  EXPECT_TRUE(contains(check.report(), "kinks left out")) << check.report();
}

TEST(GradientCheck, DoesNotTakeAWrongSlopeAtAKinkForRight) {
  // 0.5 + relu(t) at t = 0: slopes from 0 to 1 are kinks, others are wrong.
  class Bent final : public Operator<double> {
   public:
    explicit Bent(double slope) : slope_(slope) {}
    [[nodiscard]] std::string_view kind() const override { return "bent"; }
    [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
    void forward(const ForwardPass<double>& pass) const override {
      for (Index i = 0; i < pass.output.rows; ++i) {
        pass.output(i, 0) = std::max(0.0, pass.inputs[0].row[i][0]);
      }
    }
    void backward(const BackwardPass<double>& pass) const override {
      const auto& to = pass.input_gradients[0].gradient;
      for (Index i = 0; i < to.rows; ++i) to(i, 0) = slope_ * pass.output_gradient(i, 0);
    }

   private:
    double slope_;
  };
  const auto run = [](double slope) {
    Graph<double> graph;
    const auto x = input(graph, 1);
    const auto y = apply<double>(std::make_shared<Bent>(slope), {dense(x, {.units = 1})});
    Network<double> network(std::move(graph), y.id);
    Matrix<double> zero(1, 1), one(1, 1);
    one.view()(0, 0) = 1;
    return check_gradients(network, {zero.view(), one.view()}, squared_error());
  };
  EXPECT_TRUE(run(0).ok());
  EXPECT_TRUE(run(0.5).ok());
  EXPECT_TRUE(run(1).ok());
  EXPECT_GT(run(0).kinks, 0);
  EXPECT_FALSE(run(1.1).ok());
  EXPECT_FALSE(run(-0.1).ok());
}

TEST(GradientCheck, OfATrainingStepSeesDropoutAndTheBatchsStatistics) {
  Graph<double> graph;
  const auto x = input(graph, 3);
  const auto h = dense(x, {.units = 6, .activation = "tanh", .dropout = 0.4});
  const auto y = dense(dropout(batch_norm(h), 0.3), {.units = 2});
  Network<double> network(std::move(graph), y.id, 1);
  const Problem<double> problem(7, 3, 2);
  const std::vector<double> state(network.state().begin(), network.state().end());
  const GradientCheck step =
      check_gradients(network, problem.values(), squared_error(), {}, {.training = true});
  const GradientCheck inference = check_gradients(network, problem.values(), squared_error());
  EXPECT_TRUE(step.ok()) << step.report();
  EXPECT_TRUE(inference.ok()) << inference.report();
  EXPECT_NE(step.nodes[0].analytic, inference.nodes[0].analytic);
  EXPECT_TRUE(std::ranges::equal(network.state(), state));
}

TEST(GradientCheck, HoldsNextToPolesAndInSaturation) {
  Graph<double> graph;
  const auto x = input(graph, 1);
  const auto y = log(x) / x + sigmoid(1000.0 * x) * sigmoid(dense(x, {.units = 1}));
  Network<double> network(std::move(graph), y.id, 1);
  Matrix<double> values(3, 1), targets(3, 1);
  values.view()(0, 0) = 1e-3;
  values.view()(1, 0) = 0.04;
  values.view()(2, 0) = 7;
  const GradientCheck check =
      check_gradients(network, {values.view(), targets.view()}, squared_error());
  EXPECT_LE(check.largest_operator_error, 1e-6) << check.report();
}

TEST(GradientCheck, DoesNotTakeRoundingForAnErrorWhereTheLossIsZero) {
  const Problem<double> problem(9, 3, 2);
  for (const char* activation : {"tanh", "relu"}) {
    auto network = mlp<double>(3, {4}, 2, activation);
    Dataset<double> data = problem.values();
    Matrix<double> y(9, 2);
    const std::vector<MatrixView<double>> out{y.view()};
    network.predict(data.inputs, out);
    data.targets[0].values = y.view();
    const GradientCheck check = check_gradients(network, data, squared_error());
    EXPECT_TRUE(check.ok()) << check.report();
  }
}

TEST(GradientCheck, LeavesOutSamplesWhoseKinksBendBothWays) {
  for (const bool wrong : {false, true}) {
    Graph<double> graph;
    const auto x = input(graph, 2, "x");
    const auto w = parameter(graph, 2, 2, Initializer::constant(0), "w");
    const auto r = relu(matmul(x, w));
    const auto v = parameter(graph, 1, 2, Initializer::constant(1), "v");
    const OperatorPointer<double> product =
        wrong ? std::make_shared<WrongProduct>() : multiply<double>();
    const auto y = sum(r) + sum(apply<double>(product, {x, x * v}));
    Network<double> network(std::move(graph), y.id);
    const Problem<double> problem(40, 2, 1);
    const GradientCheck check = check_gradients(network, problem.values(), squared_error());
    EXPECT_EQ(check.ok(), !wrong) << check.report();
    EXPECT_EQ(check.nodes[0].kinks, 4) << check.report();
    EXPECT_EQ(check.nodes[1].largest_relative_error > 1e-6, wrong) << check.report();
  }
}

TEST(GradientCheck, NamesTheFirstValueThatIsNotFinite) {
  Graph<double> graph;
  const auto x = input(graph, 1, "x");
  const auto y = sum(log(x) * dense(x, {.units = 1}));
  Network<double> network(std::move(graph), y.id);
  Matrix<double> values(2, 1), targets(2, 1);
  values.view()(0, 0) = 1;
  values.view()(1, 0) = -1;
  expect_message<OptionError>(
      R"([check_gradients] the output of "log" (log) is not finite: it has a NaN at (1, 0))",
      [&] { check_gradients(network, {values.view(), targets.view()}, squared_error()); });
}

TEST(GradientCheck, RefusesBadOptions) {
  auto network = mlp<double>(3, {4}, 2);
  const Problem<double> problem(5, 3, 2);
  const auto with_options = [&](const GradientCheckOptions& options) {
    return check_gradients(network, problem.values(), squared_error(), {}, options);
  };
  EXPECT_THROW(with_options({.step = 0}), OptionError);
  EXPECT_THROW(with_options({.tolerance = -1}), OptionError);
}

}  // namespace
}  // namespace nnbind::test
