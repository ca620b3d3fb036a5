// Single steps, gradients and evaluations of whole networks.
#include <gtest/gtest.h>

#include <numeric>

#include "data.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

TEST(TrainStep, IsAFitOfOneBatch) {
  const Problem<double> problem(12, 4, 3);
  auto fitted = mixed();
  auto stepped = mixed();
  FitOptions options;
  options.shuffle = false;
  options.epochs = 3;
  History history;
  fit(fitted, problem.classes(), cross_entropy(), *adam(constant_rate(0.01)), options, history);
  const OptimizerPointer optimizer = adam(constant_rate(0.01));
  for (const double loss : history.loss) {
    EXPECT_DOUBLE_EQ(train_step(stepped, problem.classes(), cross_entropy(), *optimizer), loss);
  }
  EXPECT_EQ(theta_of(stepped), theta_of(fitted));
}

TEST(TrainStep, OfALossThatIsNotFiniteChangesNothing) {
  const Problem<double> problem(12, 4, 2);
  auto network = mlp<double>(4, {}, 2);
  const OptimizerPointer optimizer = adam(constant_rate(0.01));
  network.theta()[0] = 1e300;
  const auto start = theta_of(network);
  EXPECT_THROW(train_step(network, problem.values(), squared_error(), *optimizer), DivergenceError);
  EXPECT_EQ(theta_of(network), start);
  EXPECT_EQ(optimizer->iterations(), 0);
}

TEST(TrainStep, ClipsTheGradientByItsNorm) {
  const Problem<double> problem(12, 4, 2);
  const double rate = 0.1;
  for (const double clip : {0.01, 1e6}) {
    auto network = mlp<double>(4, {5}, 2);
    const auto start = theta_of(network);
    loss_and_gradient(network, problem.values(), squared_error());
    const std::vector<double> gradient(network.gradient().begin(), network.gradient().end());
    const double norm =
        std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0));
    train_step(network, problem.values(), squared_error(),
               *sgd(constant_rate(rate), 0, false, clip));
    for (std::size_t i = 0; i < start.size(); ++i) {
      EXPECT_NEAR(network.theta()[i], start[i] - rate * std::min(1.0, clip / norm) * gradient[i],
                  1e-15);
    }
  }
}

TEST(Gradient, OfADeepMixedNetworkIsRightWithEachRegularizer) {
  const Problem<double> problem(11, 4, 3);
  Random random(2);
  const auto weights = random_matrix<double>(1, 11, random, 0, 3);
  auto network = mixed();
  Dataset<double> data = problem.classes();
  data.weights = weights.view().data;
  for (const Regularizer& regularizer :
       {Regularizer{}, Regularizer{0, 0.3}, Regularizer{0.2, 0}, Regularizer{0.2, 0.3, true},
        Regularizer{0.2, 0.3, true, true}}) {
    EXPECT_LE(check_gradients(network, data, cross_entropy(), regularizer).largest_relative_error,
              1e-6);
  }
}

TEST(Gradient, OfLogitsThatAnotherNodeReadsIsRight) {
  const Problem<double> problem(5, 3, 2);
  const auto of = [](const char* activation) {
    Graph<double> graph;
    const auto logits = dense(input(graph, 3), {.units = 2, .activation = activation});
    const auto other = dense(logits, {.units = 2, .activation = "tanh"});
    return Network<double>(std::move(graph), {logits.id, other.id}, 3);
  };
  Dataset<double> data{problem.x.view(), problem.labels.data()};
  data.targets.push_back({problem.y.view(), nullptr});
  const auto expect_right = [&](const char* activation, const LossPointer& loss) {
    auto network = of(activation);
    const Losses losses = std::vector<Losses::Term>{{loss, 1}, {squared_error(), 1}};
    const GradientCheck check = check_gradients(network, data, losses);
    EXPECT_TRUE(check.ok()) << check.report();
  };
  expect_right("identity", cross_entropy(true));
  expect_right("softmax", cross_entropy());
  EXPECT_THROW(expect_right("log_softmax", cross_entropy()), OptionError);
}

TEST(Gradient, OfEachLossBehindItsOutputLayerIsRight) {
  const Problem<double> problem(9, 4, 2);
  Matrix<double> zero_one(9, 2), signs(9, 2);
  for (Index i = 0; i < 9; ++i) {
    for (Index k = 0; k < 2; ++k) {
      zero_one.view()(i, k) = static_cast<double>((i + k) % 2);
      signs.view()(i, k) = 2 * zero_one.view()(i, k) - 1;
    }
  }
  const auto expect_right = [&](const char* output, const LossPointer& loss,
                                const Matrix<double>& targets) {
    auto network = mlp<double>(4, {6}, 2, "tanh", output, 3);
    const Dataset<double> data{problem.x.view(), targets.view()};
    EXPECT_LE(check_gradients(network, data, loss).largest_relative_error, 1e-6)
        << loss->name() << " behind " << output;
  };
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    expect_right("identity", squared_error(reduction), problem.y);
    expect_right("sigmoid", mean_squared_error(reduction), problem.y);
    expect_right("sigmoid", binary_cross_entropy(false, reduction), zero_one);
    expect_right("identity", binary_cross_entropy(true, reduction), zero_one);
    expect_right("hard_sigmoid", binary_cross_entropy(false, reduction), zero_one);
    expect_right("softmax", cross_entropy(false, 0.1, reduction), zero_one);
    expect_right("log_softmax", cross_entropy(false, 0, reduction), zero_one);
    expect_right("identity", cross_entropy(true, 0, reduction), zero_one);
    expect_right("tanh", hinge(reduction), signs);
    expect_right("softplus", poisson(false, reduction), zero_one);
  }
}

TEST(Gradient, OfTheMeanIsThatOfTheSumDividedByTheSamples) {
  const Problem<double> problem(8, 4, 2);
  auto network = mlp<double>(4, {5}, 2);
  const double mean = loss_and_gradient(network, problem.values(), squared_error());
  const std::vector<double> of_mean(network.gradient().begin(), network.gradient().end());
  const double sum = loss_and_gradient(network, problem.values(), squared_error(Reduction::sum));
  EXPECT_DOUBLE_EQ(sum, 8 * mean);
  for (std::size_t i = 0; i < of_mean.size(); ++i) {
    EXPECT_DOUBLE_EQ(network.gradient()[i], 8 * of_mean[i]);
  }
}

TEST(Evaluate, IsTheLossOfTrainingWithoutItsPenalty) {
  const Problem<double> problem(300, 4, 3);
  auto network = mixed();
  const double penalized = loss_and_gradient(network, problem.classes(), cross_entropy(), {1, 1});
  const double loss = evaluate(network, problem.classes(), cross_entropy()).loss;
  EXPECT_GT(penalized, loss);
  std::vector<DenseOptions> layers(1);
  layers[0].units = 3;
  auto plain = sequential<double>(4, layers);
  EXPECT_NEAR(evaluate(plain, problem.values(), squared_error()).loss,
              loss_and_gradient(plain, problem.values(), squared_error()), 1e-14);
}

TEST(SampleWeights, OfTwoIsTheSampleTwiceAndOfZeroItsAbsence) {
  const Problem<double> problem(3, 4, 2);
  auto network = mlp<double>(4, {5}, 2);
  const LossPointer loss = squared_error(Reduction::sum);
  const auto value = [&](Index sample) {
    return evaluate(network, problem.values().part(sample, 1), loss).loss;
  };
  const std::vector<double> weights{2, 0, 1};
  Dataset<double> weighted = problem.values();
  weighted.weights = weights.data();
  EXPECT_NEAR(evaluate(network, weighted, loss).loss, 2 * value(0) + value(2), 1e-14);
}

}  // namespace
}  // namespace nnbind::test
