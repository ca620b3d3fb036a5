// Fits: their epochs and batches, and the ways in which they may end.
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "calling.hpp"
#include "data.hpp"
#include "expect_message.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

template <class T>
class FitOf : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FitOf, Types);

TYPED_TEST(FitOf, LowersTheLossWithEachOptimizer) {
  const Problem<TypeParam> problem(100, 4, 2);
  const SchedulePointer rate = constant_rate(0.01);
  for (const OptimizerPointer& optimizer :
       {sgd(rate), sgd(rate, 0.9), sgd(rate, 0.9, true), adam(rate), adamw(rate), rmsprop(rate),
        adagrad(rate), sgd(rate, 0, false, 0.5)}) {
    auto network = mlp<TypeParam>(4, {16}, 2, "tanh");
    FitOptions options;
    options.epochs = 30;
    options.batch_size = 10;
    History history;
    fit(network, problem.values(), squared_error(), *optimizer, options, history);
    EXPECT_EQ(history.epochs(), 30);
    EXPECT_LT(history.loss.back(), 0.6 * history.loss.front()) << optimizer->name();
    EXPECT_EQ(optimizer->iterations(), 300);
  }
}

// A norm that is never reached makes the optimizer store its gradient first, in the network's.
TYPED_TEST(FitOf, TakesTheSameStepWhetherItStoresItsGradientOrNot) {
  using T = TypeParam;
  const Problem<T> problem(100, 40, 3);
  for (const Index batch : {1, 7, 32, 100}) {
    for (const double momentum : {0.0, 0.9}) {
      const auto run = [&](std::optional<double> clip_norm) {
        auto network = mlp<T>(40, {130, 20}, 3, "tanh", "softmax");
        const auto optimizer = sgd(constant_rate(0.1), momentum, false, clip_norm);
        FitOptions options;
        options.epochs = 2;
        options.batch_size = batch;
        History history;
        fit(network, problem.classes(), cross_entropy(), *optimizer, options, history);
        return theta_of(network);
      };
      EXPECT_EQ(run(std::nullopt), run(1e30)) << batch << ", momentum " << momentum;
    }
  }
}

TEST(Fit, GoesOnFromWhereItWas) {
  const Problem<double> problem(50, 4, 3);
  const auto run = [&](std::initializer_list<Index> parts) {
    auto network = mixed();
    const OptimizerPointer optimizer = adam(constant_rate(0.01));
    FitOptions options;
    options.batch_size = 8;
    for (const Index epochs : parts) {
      options.epochs = epochs;
      History history;
      fit(network, problem.classes(), cross_entropy(), *optimizer, options, history);
    }
    return theta_of(network);
  };
  EXPECT_EQ(run({4}), run({1, 3}));
  EXPECT_EQ(run({4}), run({4, 0}));
}

TEST(Fit, NeedsNoMemoryForTheGradientOfTheNetwork) {
  const Problem<double> problem(20, 4, 3);
  const auto has_gradient = [&](std::optional<double> clip_norm) {
    auto network = mixed();
    History history;
    fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1), 0, false, clip_norm),
        {}, history);
    return !std::as_const(network).gradient().empty();
  };
  EXPECT_FALSE(has_gradient(std::nullopt));
  EXPECT_FALSE(has_gradient(1.0));
}

TEST(Fit, TakesTheSamplesInTheOrderGiven) {
  const Problem<double> problem(20, 4, 3);
  const auto run = [&](std::span<const std::int64_t> order, bool shuffle,
                       std::optional<std::uint64_t> seed = {}) {
    auto network = mixed(9);
    FitOptions options;
    options.epochs = 2;
    options.batch_size = 6;
    options.sample_order = order;
    options.shuffle = shuffle;
    options.seed = seed;
    History history;
    fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), options, history,
        nullptr, {});
    return theta_of(network);
  };
  std::vector<std::int64_t> as_they_come(20);
  std::iota(as_they_come.begin(), as_they_come.end(), 0);
  EXPECT_EQ(run(as_they_come, true), run({}, false));
  std::vector<std::int64_t> shuffled(40);
  epoch_order(9, 0, std::span(shuffled).first(20));
  epoch_order(9, 1, std::span(shuffled).last(20));
  EXPECT_EQ(run(shuffled, true), run({}, true, 9));
  EXPECT_NE(run({}, true, 9), run({}, true, 8));
  EXPECT_EQ(run({}, true), run({}, true, 9)) << "the network's seed";
}

/// The batches of a dataset in order.
class Slices final : public BatchSource<double> {
 public:
  Slices(Dataset<double> data, std::vector<Index> sizes) : data_(data), sizes_(std::move(sizes)) {}
  void begin_epoch() override { first_ = next_ = 0; }
  std::optional<Dataset<double>> next() override {
    if (next_ == static_cast<Index>(sizes_.size())) return std::nullopt;
    const Index count = sizes_[static_cast<std::size_t>(next_++)];
    first_ += count;
    return data_.part(first_ - count, count);
  }

 private:
  Dataset<double> data_;
  std::vector<Index> sizes_;
  Index first_ = 0;
  Index next_ = 0;
};

/// Any batches.
class Lists final : public BatchSource<double> {
 public:
  explicit Lists(std::vector<Dataset<double>> list) : batches(std::move(list)) {}
  void begin_epoch() override { next_ = 0; }
  std::optional<Dataset<double>> next() override {
    if (next_ == batches.size()) return std::nullopt;
    return batches[next_++];
  }

  std::vector<Dataset<double>> batches;

 private:
  std::size_t next_ = 0;
};

// Inputs beyond the second-level cache are fetched a batch ahead: the last batch, which is smaller,
// has none after it.
TYPED_TEST(FitOf, OfLargeInputsIsTheSameAsStepByStep) {
  using T = TypeParam;
  const Problem<T> problem(1000, 300, 3);
  for (const Index batch : {1, 32, 300, 998}) {
    for (const Index units : {4, 20, 130}) {
      auto fitted = mlp<T>(300, {units}, 3, "tanh", "softmax", 1);
      auto stepped = mlp<T>(300, {units}, 3, "tanh", "softmax", 1);
      const auto optimizer = sgd(constant_rate(0.1));
      for (Index first = 0; first < 1000; first += batch) {
        Dataset<T> some = problem.classes();
        const Index count = std::min(batch, 1000 - first);
        some.inputs[0] = some.inputs[0].middle_rows(first, count);
        some.targets[0].labels += first;
        train_step(stepped, some, cross_entropy(), *optimizer);
      }
      FitOptions options;
      options.epochs = 1;
      options.batch_size = batch;
      options.shuffle = false;
      History history;
      fit(fitted, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), options, history);
      EXPECT_EQ(theta_of(fitted), theta_of(stepped)) << batch << ", " << units;
    }
  }
}

TEST(Fit, FromASourceOfBatchesIsTheSameAsFromMemory) {
  const Problem<double> problem(100, 4, 3);
  FitOptions options;
  options.epochs = 3;
  options.batch_size = 40;
  options.shuffle = false;
  History of_data, of_source;
  auto from_data = mixed();
  fit(from_data, problem.classes(), cross_entropy(), *adam(constant_rate(0.01)), options, of_data);
  auto from_source = mixed();
  Slices source(problem.classes(), {40, 40, 20});
  options.batch_size = 0;  // so that it must make room for more than it guessed
  fit(from_source, source, cross_entropy(), *adam(constant_rate(0.01)), options, of_source);
  EXPECT_EQ(theta_of(from_source), theta_of(from_data));
  EXPECT_EQ(of_source.loss, of_data.loss);
}

TEST(Fit, FromASourceTakesRoomForItsBatchesAndNotForWhatWasSaid) {
  const Problem<double> problem(100, 4, 3);
  FitOptions options;
  History history, expected;
  const auto theta = [&](Index batch_size, History& to) {
    auto network = mixed();
    Slices source(problem.classes(), {40, 60});
    options.batch_size = batch_size;
    fit(network, source, cross_entropy(), *sgd(constant_rate(0.1)), options, to);
    return theta_of(network);
  };
  EXPECT_EQ(theta(Index{1} << 60, history), theta(0, expected));
  EXPECT_EQ(history.loss, expected.loss);
}

TEST(Fit, FromASourceRefusesLossesThatAreNone) {
  const Problem<double> problem(10, 4, 3);
  auto network = mixed();
  Slices source(problem.classes(), {10});
  History history;
  EXPECT_THROW(fit(network, source, LossPointer{}, *sgd(constant_rate(0.1)), {}, history),
               OptionError);
}

// The batches before a wrong one have made their steps.
TEST(Fit, FromASourceChecksEachBatch) {
  const Problem<double> problem(30, 4, 3), narrow(10, 3, 3), wider(10, 4, 4);
  const std::vector<std::int64_t> far(10, 3);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> weights(10, nan);
  std::vector<Dataset<double>> wrong{narrow.classes(), {wider.x.view(), wider.y.view()}};
  wrong.emplace_back(narrow.x.view().middle_rows(0, 0), far.data());
  wrong.emplace_back(wider.x.view(), far.data());
  wrong.emplace_back(wider.x.view(), problem.labels.data(), weights.data());
  const std::vector<std::string> errors{
      "X has shape (10, 3); expected (n, 4)", "y has shape (10, 4); expected (10, 3)",
      "X has shape (0, 3); expected (n, 4)", "y has the label 3 in row 0; expected 0 <= label < 3",
      "sample_weight has a NaN in row 0"};
  for (std::size_t k = 0; k < wrong.size(); ++k) {
    for (const Index before : {0, 2}) {
      Lists source(std::vector<Dataset<double>>(static_cast<std::size_t>(before),
                                                problem.classes().part(0, 10)));
      Lists right(source.batches);
      source.batches.push_back(wrong[k]);
      source.batches.push_back(problem.classes());
      auto network = mixed(), expected = mixed();
      History history;
      const std::string message =
          "[Network.fit, batch " + std::to_string(before) + "] " + errors[k];
      try {
        fit(network, source, cross_entropy(), *adam(constant_rate(0.01)), {}, history);
        ADD_FAILURE() << "nothing was thrown; expected: " << message;
      } catch (const std::invalid_argument& error) {
        EXPECT_EQ(error.what(), message);
      }
      EXPECT_EQ(network.steps_trained, static_cast<std::uint64_t>(before));
      EXPECT_EQ(history.epochs(), 0);
      if (before > 0) {
        fit(expected, right, cross_entropy(), *adam(constant_rate(0.01)), {}, history);
      }
      EXPECT_EQ(theta_of(network), theta_of(expected)) << message;
    }
  }
}

TEST(Fit, RefusesASourceWithoutBatches) {
  const Problem<double> problem(10, 4, 3);
  auto network = mixed();
  Slices source(problem.classes(), {});
  History history;
  EXPECT_THROW(fit(network, source, cross_entropy(), *sgd(constant_rate(0.1)), {}, history),
               OptionError);
}

TEST(Fit, EndsWhenTheHookSaysSo) {
  const Problem<double> problem(20, 4, 3);
  auto network = mixed();
  FitOptions options;
  options.epochs = 100;
  History history;
  FitHooks hooks;
  hooks.end_epoch = [](const History& so_far) { return so_far.epochs() == 3; };
  fit<double>(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), options,
              history, nullptr, hooks);
  EXPECT_EQ(history.epochs(), 3);
}

TEST(Fit, RefusesAnIntervalThatIsNoTime) {
  const Problem<double> problem(20, 4, 3);
  FitHooks hooks;
  const auto fit_with = [&](double interval) {
    auto network = mixed();
    History history;
    hooks.interval = interval;
    fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), {}, history, nullptr,
        hooks);
  };
  expect_message<OptionError>("[Network.fit] interval is -1; expected a number >= 0",
                              [&] { fit_with(-1); });
  expect_message<OptionError>("[Network.fit] interval is nan",
                              [&] { fit_with(std::numeric_limits<double>::quiet_NaN()); });
  EXPECT_NO_THROW(fit_with(std::numeric_limits<double>::infinity()));
}

TEST(Fit, RefusesSamplesOfAValidationSetThatIsNotThere) {
  const Problem<double> problem(20, 4, 3);
  auto network = mixed();
  History history;
  const std::vector<std::int64_t> listed{0, 1};
  FitOptions options;
  options.validation_samples = listed;
  expect_message<OptionError>("[Network.fit] validation_samples", [&] {
    fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), options, history);
  });
  EXPECT_FALSE(history.started);
}

struct Interruption {};

TEST(Fit, InterruptedByAHookLeavesAUsableNetworkAndTheHistorySoFar) {
  const Problem<double> problem(20, 4, 3);
  auto network = mixed();
  const OptimizerPointer optimizer = sgd(constant_rate(0.1));
  FitOptions options;
  options.epochs = 1'000'000'000;
  FitHooks polled, ended;
  polled.poll = [] { throw Interruption(); };
  ended.end_epoch = [](const History& so_far) -> bool {
    if (so_far.epochs() == 5) throw Interruption();
    return false;
  };
  for (const FitHooks& hooks : {polled, ended}) {
    History history;
    EXPECT_THROW(fit<double>(network, problem.classes(), cross_entropy(), *optimizer, options,
                             history, nullptr, hooks),
                 Interruption);
    EXPECT_GE(history.epochs(), 5);
    EXPECT_EQ(history.seconds.size(), history.loss.size());
  }
  options.epochs = 1;
  History history;
  fit(network, problem.classes(), cross_entropy(), *optimizer, options, history);
  EXPECT_TRUE(std::isfinite(history.loss[0]));
}

TEST(Fit, ThatIsRefusedBindsNoOptimizer) {
  auto network = mlp<double>(4, {5}, 3, "tanh", "softmax");
  const Problem<double> problem(20, 4, 3);
  const OptimizerPointer optimizer = sgd(constant_rate(0.1));
  History history;
  const auto refuses = [&](const LossPointer& loss) {
    EXPECT_THROW(fit(network, problem.classes(), loss, *optimizer, {}, history), OptionError);
    EXPECT_THROW(train_step(network, problem.classes(), loss, *optimizer), OptionError);
  };
  refuses(cross_entropy(true));
  refuses(binary_cross_entropy(true));
  EXPECT_TRUE(optimizer->is_free_for(~std::uint64_t{0}));
}

TEST(Fit, InterruptedWithinALongStepIsAsBeforeIt) {
  int calls = 0;
  const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(60)); };
  Graph<double> graph;
  NodeId node = batch_norm(input(graph, 4, "x")).id;  // which moves the network's state
  node = graph.add(std::make_shared<Calling<double>>(nap), {node});
  node = graph.add(std::make_shared<Calling<double>>([&] { ++calls; }), {node});
  node = dense(Expression<double>{&graph, node}, {.units = 3, .activation = "softmax"}).id;
  Network<double> network(std::move(graph), node);
  const auto theta = theta_of(network);
  const std::vector<double> state(network.state().begin(), network.state().end());
  const Problem<double> problem(20, 4, 3);
  FitHooks hooks;
  hooks.poll = [] { throw Interruption(); };
  History history;
  EXPECT_THROW(fit<double>(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)),
                           {}, history, nullptr, hooks),
               Interruption);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(theta_of(network), theta);
  EXPECT_TRUE(same_bits(network.state(), state));
  EXPECT_EQ(network.steps_trained, 0U);
  EXPECT_EQ(history.epochs(), 0);
}

TEST(Fit, ThatDivergesEndsWithAnErrorAndTheBestEpochsParameters) {
  const Problem<double> problem(40, 4, 2);
  auto network = mlp<double>(4, {8}, 2, "relu", "identity", 1);
  FitOptions options;
  options.epochs = 1000;
  options.batch_size = 10;
  History history;
  const Dataset<double> validation = problem.values().part(0, 20);
  // The rate grows from small to huge: the network learns, then diverges.
  class Growing final : public Schedule {
   public:
    [[nodiscard]] double rate(std::int64_t step) const override {
      return 1e-3 * std::pow(1.1, static_cast<double>(step));
    }
    [[nodiscard]] SchedulePointer clone() const override {
      return std::make_shared<Growing>(*this);
    }
  };
  EXPECT_THROW(fit(network, problem.values(), squared_error(), *sgd(std::make_shared<Growing>()),
                   options, history, &validation),
               DivergenceError);
  ASSERT_GT(history.best_epoch, 0);
  const double best = *std::min_element(history.val_loss.begin(), history.val_loss.end());
  EXPECT_EQ(history.val_loss[static_cast<std::size_t>(history.best_epoch)], best);
  EXPECT_EQ(evaluate(network, validation, squared_error()).loss, best);
}

TEST(Fit, ThatDivergesAtOnceLeavesThetaAsItWas) {
  const Problem<double> problem(40, 4, 2);
  auto network = mlp<double>(4, {8}, 2, "relu", "identity", 1);
  const auto start = theta_of(network);
  FitOptions options;
  options.batch_size = 1;
  History history;
  EXPECT_THROW(
      fit(network, problem.values(), squared_error(), *sgd(constant_rate(1e300)), options, history),
      DivergenceError);
  EXPECT_EQ(theta_of(network), start);
  EXPECT_EQ(history.best_epoch, -1);
}

TEST(Fit, StopsEarlyAndRestoresTheBest) {
  const Problem<double> problem(40, 4, 2);
  const Problem<double> other(40, 4, 2, 8);
  auto network = mlp<double>(4, {32}, 2, "tanh", "identity", 1);
  FitOptions options;
  options.epochs = 10000;
  options.batch_size = 4;
  options.early_stopping = EarlyStopping{5, 1e-4, true};
  History history;
  const Dataset<double> validation = other.values();
  fit(network, problem.values(), squared_error(), *adam(constant_rate(0.03)), options, history,
      &validation);
  EXPECT_LT(history.epochs(), 10000);
  EXPECT_EQ(history.epochs(), history.best_epoch + 1 + 5);
  EXPECT_EQ(evaluate(network, validation, squared_error()).loss,
            history.val_loss[static_cast<std::size_t>(history.best_epoch)]);
}

// A hook may do anything, after the last epoch too.
TEST(Fit, RestoresTheBestAlsoWhereTheHookHasChangedTheta) {
  const Problem<double> problem(40, 4, 2);
  auto network = mlp<double>(4, {8}, 2, "relu", "identity", 1);
  FitOptions options;
  options.epochs = 3;
  options.early_stopping = EarlyStopping{};
  FitHooks hooks;
  std::vector<double> best;
  hooks.end_epoch = [&](const History& history) {
    best = theta_of(network);
    if (history.epochs() == 3) std::ranges::fill(network.theta(), 1.0);
    return false;
  };
  History history;
  fit(network, problem.values(), squared_error(), *sgd(constant_rate(1e-3)), options, history,
      nullptr, hooks);
  ASSERT_EQ(history.best_epoch, 2);
  EXPECT_EQ(theta_of(network), best);
}

TEST(Fit, RecordsMetricsRatesAndTheLossWithItsPenalty) {
  const Problem<double> problem(40, 4, 3);
  auto network = mixed();
  auto twin = mixed();
  FitOptions options;
  options.metrics = {Metric::accuracy, Metric::mse};
  options.regularizer = {0.01, 0.02};
  History history;
  const double before =
      loss_and_gradient(twin, problem.classes(), cross_entropy(), options.regularizer);
  const Evaluation start = evaluate(twin, problem.classes(), cross_entropy(), options.metrics);
  fit(network, problem.classes(), cross_entropy(), *sgd(step_decay(0.1, 1, 0.5)), options, history);
  EXPECT_NEAR(history.loss[0], before, 1e-14);
  EXPECT_EQ(history.learning_rate[0], 0.1);
  EXPECT_DOUBLE_EQ(history.metrics[0][0], start.metrics[0]);
  EXPECT_NEAR(history.metrics[1][0], start.metrics[1], 1e-14);
  EXPECT_TRUE(history.val_loss.empty());
}

}  // namespace
}  // namespace nnbind::test
