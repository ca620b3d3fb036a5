// Nobody can tell from a result how many threads there were. Also run under ThreadSanitizer.
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <cmath>
#include <thread>
#include <tuple>

#include "batch_run.hpp"
#include "data.hpp"
#include "expect_message.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"
#include "team.hpp"

namespace nnbind::test {
namespace {

/// Sets the number of threads for the length of a test.
class Threads : public ::testing::Test {
 protected:
  ~Threads() override { reset_num_threads(); }
};

TEST_F(Threads, AreAsManyAsWasSet) {
  EXPECT_GE(get_num_threads(), 1);
  set_num_threads(7);
  EXPECT_EQ(get_num_threads(), 7);
  EXPECT_THROW(set_num_threads(0), OptionError);
  EXPECT_THROW(set_num_threads(most_threads + 1), OptionError);
  EXPECT_EQ(get_num_threads(), 7);
  EXPECT_EQ(threads_for(1000), 1);
  EXPECT_EQ(threads_for(1e12), 7);
}

/// Everything that a run computes.
struct TeamOutcome {
  std::vector<float> theta, prediction, gradient;
  History history;
  Evaluation evaluation;
};

/// A network wide enough for several threads even with batches of three.
Network<float> wide() {
  std::vector<DenseOptions> layers(3);
  layers[0].units = 700;
  layers[0].activation = "tanh";
  layers[1].units = 430;
  layers[1].activation = "gelu";
  layers[1].dropout = 0.3;
  layers[2].units = 5;
  layers[2].activation = "softmax";
  return sequential<float>(61, layers, 3);
}

TeamOutcome train(int threads, Index batch_size, std::optional<double> clip_norm) {
  set_num_threads(threads);
  const Problem<float> problem(107, 61, 5);
  Dataset<float> data = problem.classes();
  const Dataset<float> validation = data.part(10, 97);
  data = data.part(0, 3 * batch_size + 1);
  auto network = wide();
  FitOptions options;
  options.epochs = 2;
  options.batch_size = batch_size;
  options.metrics = {Metric::accuracy, Metric::r2};
  options.regularizer = {1e-4, 1e-3, true};
  TeamOutcome outcome;
  fit(network, data, cross_entropy(), *adam(constant_rate(1e-3), 0.9, 0.999, 1e-8, clip_norm),
      options, outcome.history, &validation);
  outcome.theta = theta_of(network);
  loss_and_gradient(network, data, cross_entropy());
  outcome.gradient.assign(network.gradient().begin(), network.gradient().end());
  outcome.evaluation = evaluate(network, validation, cross_entropy(), options.metrics);
  std::vector<float> prediction(107 * 5);
  network.predict(problem.x.view(), {prediction.data(), 107, 5, 5});
  outcome.prediction = prediction;
  return outcome;
}

class ThreadsBits : public Threads, public ::testing::WithParamInterface<std::pair<Index, bool>> {};

TEST_P(ThreadsBits, AreTheSameForAnyNumber) {
  const auto [batch_size, clips] = GetParam();
  const std::optional<double> clip_norm = clips ? std::optional(0.1) : std::nullopt;
  const TeamOutcome one = train(1, batch_size, clip_norm);
  for (const int threads : {2, 3, 5}) {
    const TeamOutcome several = train(threads, batch_size, clip_norm);
    EXPECT_TRUE(same_bits(several.theta, one.theta)) << threads;
    EXPECT_TRUE(same_bits(several.gradient, one.gradient)) << threads;
    EXPECT_TRUE(same_bits(several.prediction, one.prediction)) << threads;
    EXPECT_EQ(several.history.loss, one.history.loss) << threads;
    EXPECT_EQ(several.history.val_loss, one.history.val_loss) << threads;
    EXPECT_EQ(several.history.metrics, one.history.metrics) << threads;
    EXPECT_EQ(several.history.val_metrics, one.history.val_metrics) << threads;
    EXPECT_EQ(several.evaluation.loss, one.evaluation.loss) << threads;
    EXPECT_EQ(several.evaluation.metrics, one.evaluation.metrics) << threads;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ThreadsBits,
                         ::testing::Values(std::pair{1, false}, std::pair{3, false},
                                           std::pair{3, true}, std::pair{13, false},
                                           std::pair{35, false}),
                         [](const auto& test) {
                           return "BatchesOf" + std::to_string(test.param.first) +
                                  (test.param.second ? "Clipped" : "");
                         });

// OpenMP may give a team fewer members than it was laid out for: here none, within another team.
TEST_F(Threads, TakeTheSameStepsWhereOpenMPGivesFewer) {
  for (const bool clips : {false, true}) {
    const std::optional<double> clip_norm = clips ? std::optional(0.1) : std::nullopt;
    const TeamOutcome whole = train(3, 35, clip_norm);
    TeamOutcome alone;
    run_team(2, [&](const Member& member) {
      if (member.rank() == 0) alone = train(3, 35, clip_norm);
    });
    EXPECT_TRUE(same_bits(alone.theta, whole.theta)) << clips;
    EXPECT_TRUE(same_bits(alone.gradient, whole.gradient)) << clips;
    EXPECT_TRUE(same_bits(alone.prediction, whole.prediction)) << clips;
    EXPECT_EQ(alone.history.val_loss, whole.history.val_loss) << clips;
  }
}

// And in the next epoch all: then a share's calls are no longer those of the member who made them.
TEST_F(Threads, TakeTheSameStepsWhereOpenMPGivesFewerNowAndThen) {
  set_num_threads(3);
  const int levels = omp_get_max_active_levels();
  const Problem<float> problem(64, 61, 5);
  const auto run = [&](bool changes) {
    auto network = wide();
    FitOptions options;
    options.epochs = 4;
    options.batch_size = 16;
    FitHooks hooks;
    hooks.end_epoch = [&](const History& so_far) {
      if (changes) omp_set_max_active_levels(so_far.epochs() % 2 == 1 ? 0 : levels);
      return false;
    };
    History history;
    fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), options, history,
        nullptr, hooks);
    return theta_of(network);
  };
  EXPECT_TRUE(same_bits(run(true), run(false)));
}

// Work enough for a team of two, of which one has no row.
TEST_F(Threads, ComputeTheSameGradientOfOneSample) {
  const Problem<float> problem(1, 256, 10);
  auto network = mlp<float>(256, {1024, 1024}, 10, "tanh", "softmax");
  const auto gradient = [&](int threads) {
    set_num_threads(threads);
    loss_and_gradient(network, problem.classes(), cross_entropy());
    return std::vector<float>(network.gradient().begin(), network.gradient().end());
  };
  const std::vector<float> alone = gradient(1);
  for (int k = 0; k < 20; ++k) ASSERT_TRUE(same_bits(gradient(2), alone));
}

// Steps that a fit takes as the gradient is computed, panel by panel; those of single steps; and
// those by a gradient that is stored first: with a penalty that all of them add in places of their
// own, or without.
class SameSteps : public Threads,
                  public ::testing::WithParamInterface<std::tuple<std::string, Index, double>> {
 protected:
  static OptimizerPointer optimizer() {
    const SchedulePointer rate = constant_rate(1e-3);
    const std::string& name = std::get<0>(GetParam());
    if (name == "Sgd") return sgd(rate);
    if (name == "Momentum") return sgd(rate, 0.9);
    if (name == "Adamw") return adamw(rate);
    return adamw(rate, 0.9, 0.999, 1e-8, 0.01, 0.01);
  }
};

TEST_P(SameSteps, OfAFitOfSingleStepsAndOfStoredGradients) {
  const Index samples = std::get<1>(GetParam());
  const double l1 = std::get<2>(GetParam());
  const Problem<float> problem(samples, 61, 5);
  const Dataset<float> data = problem.classes();
  const Regularizer regularizer{l1, 10 * l1, true};
  const auto after_fit = [&](int threads) {
    set_num_threads(threads);
    auto network = wide();
    FitOptions options;
    options.shuffle = false;
    options.epochs = 3;
    options.batch_size = samples;
    options.regularizer = regularizer;
    History history;
    fit(network, data, cross_entropy(), *optimizer(), options, history);
    return theta_of(network);
  };
  const std::vector<float> theta = after_fit(1);
  for (const int threads : {1, 2, 3}) {
    EXPECT_TRUE(same_bits(after_fit(threads), theta)) << threads;
    auto stepped = wide();
    const OptimizerPointer of_steps = optimizer();
    auto applied = wide();
    const OptimizerPointer of_gradients = optimizer();
    for (int step = 0; step < 3; ++step) {
      train_step(stepped, data, cross_entropy(), *of_steps, regularizer);
      loss_and_gradient(applied, data, cross_entropy(), regularizer, true);
      apply_gradient(applied, applied.gradient(), *of_gradients);
    }
    EXPECT_TRUE(same_bits(stepped.theta(), theta)) << threads;
    EXPECT_TRUE(same_bits(applied.theta(), theta)) << threads;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, SameSteps,
                         ::testing::Combine(::testing::Values("Sgd", "Momentum", "Adamw",
                                                              "Clipped"),
                                            ::testing::Values(1, 20), ::testing::Values(0, 1e-3)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "OfBatchesOf" +
                                  std::to_string(std::get<1>(test.param)) +
                                  (std::get<2>(test.param) > 0 ? "Penalized" : "");
                         });

TEST_F(Threads, TakeTheSameStepsOfLargeBatches) {
  const Problem<float> problem(140, 61, 5);
  const auto run = [&](int threads) {
    set_num_threads(threads);
    auto network = wide();
    FitOptions options;
    options.batch_size = 130;
    History history;
    fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.01), 0.9), options,
        history);
    return theta_of(network);
  };
  const std::vector<float> theta = run(1);
  for (const int threads : {2, 5}) EXPECT_TRUE(same_bits(run(threads), theta)) << threads;
}

/// θ after a step by a team of two, whose update all members make, or the last alone.
std::vector<float> after_a_step(Index samples, Optimizer& optimizer, bool all_update) {
  auto network = mlp<float>(61, {64}, 5, "tanh", "softmax");  // all of its pieces are free
  const Problem<float> problem(samples, 61, 5);
  const Dataset<float> data = problem.classes();
  const Batch<float> batch{&data, nullptr, samples};
  optimizer.bind(network.identity());
  optimizer.arrange<float>(parameter_layout(network.graph(), samples, Purpose::fit));
  BatchRun<float> run(network, cross_entropy(), {}, samples, 2, Purpose::fit);
  run_team(2, [&](const Member& member) {
    run.read_theta(member);
    member.barrier();
    run.forward_backward(member, batch, {true, nullptr, network.state().data()}, false);
    run.prepare_update(member, batch, optimizer);
    if (member.rank() == 0) run.begin_step(optimizer);
    member.barrier();
    if (all_update || member.rank() == 1) run.update(member, batch, optimizer);
    member.barrier();
    run.write_theta(member);
  });
  return theta_of(network);
}

TEST_F(Threads, ThatAreDoneWithTheirShareOfAnUpdateDoThoseOfTheOthers) {
  for (const Index samples : {40, 300}) {
    const auto expect_same = [&](auto&& optimizer) {
      EXPECT_TRUE(same_bits(after_a_step(samples, *optimizer(), false),
                            after_a_step(samples, *optimizer(), true)));
    };
    expect_same([] { return sgd(constant_rate(0.1), 0.9); });
    expect_same([] { return adam(constant_rate(0.1)); });
  }
}

#ifdef __SANITIZE_THREAD__  // which makes it last seventy times as long
constexpr Index epochs_beside_others = 3;
#else
constexpr Index epochs_beside_others = 20;
#endif

// Gradient descent needs no stored gradient. Beside others' work members mostly wait for one that
// does not run, and the first goes on alone for a while.
TEST_F(Threads, TakeTheSameStepsBesideTheWorkOfOthers) {
  const Problem<float> problem(107, 61, 5);
  const auto run = [&](int threads) {
    set_num_threads(threads);
    auto network = wide();
    FitOptions options;
    options.epochs = epochs_beside_others;
    options.batch_size = 20;
    History history;
    const Dataset<float> validation = problem.classes();
    fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.01)), options, history,
        &validation);
    return std::pair(theta_of(network), history.val_loss);
  };
  const auto [theta, losses] = run(1);
  std::atomic<bool> done = false;
  std::vector<std::jthread> others;
  for (unsigned k = 0; k < 2 * std::thread::hardware_concurrency(); ++k) {
    others.emplace_back([&] {
      while (!done) {
      }
    });
  }
  for (const int threads : {2, 5}) {
    const auto [same_theta, same_losses] = run(threads);
    EXPECT_TRUE(same_bits(same_theta, theta)) << threads;
    EXPECT_EQ(same_losses, losses) << threads;
  }
  done = true;
}

TEST_F(Threads, MayPredictWithOneNetworkAtOnceWhileACopyIsTrained) {
  set_num_threads(2);
  const Problem<float> problem(40, 61, 5);
  const auto network = wide();
  std::vector<float> expected(40 * 5);
  network.predict(problem.x.view(), {expected.data(), 40, 5, 5});
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> callers;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 5; ++round) {
        const Index samples = 40 - 4 * caller - round;  // workspaces of many sizes change hands
        std::vector<float> out(static_cast<std::size_t>(samples * 5));
        network.predict(problem.x.view().middle_rows(0, samples), {out.data(), samples, 5, 5});
        wrong += !same_bits(out, std::span(expected).first(out.size()));
      }
    });
  }
  Network<float> copy(network);
  FitOptions options;
  options.batch_size = 20;
  History history;
  fit(copy, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), options, history);
  callers.clear();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Threads, AnOptimizerInUseIsNeitherResetNorLent) {
  const Problem<float> problem(20, 4, 2);
  auto network = mlp<float>(4, {5}, 2), other = network;
  const OptimizerPointer optimizer = adam(constant_rate(0.1));
  const std::vector<float> gradient(static_cast<std::size_t>(other.parameter_count()));
  History history, second;
  FitHooks hooks;
  hooks.end_epoch = [&](const History&) {
    EXPECT_THROW(optimizer->reset(), BusyError);
    std::jthread([&] { EXPECT_THROW(optimizer->reset(), BusyError); });
    EXPECT_THROW(fit(other, problem.values(), squared_error(), *optimizer, {}, second), BusyError);
    EXPECT_THROW(train_step(other, problem.values(), squared_error(), *optimizer), BusyError);
    EXPECT_THROW(apply_gradient<float>(other, gradient, *optimizer), BusyError);
    return true;
  };
  fit<float>(network, problem.values(), squared_error(), *optimizer, {}, history, nullptr, hooks);
  EXPECT_FALSE(second.started);
  EXPECT_EQ(optimizer->iterations(), 1);
  optimizer->reset();
  EXPECT_NO_THROW(train_step(other, problem.values(), squared_error(), *optimizer));
}

TEST_F(Threads, TrainingOneNetworkAtOnceIsRefused) {
  const Problem<float> problem(20, 4, 2);
  auto network = mlp<float>(4, {5}, 2);
  History history, second;
  FitOptions options;
  options.epochs = 1'000'000'000;
  FitHooks hooks;
  hooks.end_epoch = [&](const History&) {
    std::jthread([&] {
      const OptimizerPointer optimizer = sgd(constant_rate(0.1));
      EXPECT_THROW(fit(network, problem.values(), squared_error(), *optimizer, {}, second),
                   BusyError);
      EXPECT_THROW(train_step(network, problem.values(), squared_error(), *optimizer), BusyError);
      EXPECT_THROW(loss_and_gradient(network, problem.values(), squared_error()), BusyError);
    });
    return true;
  };
  fit<float>(network, problem.values(), squared_error(), *sgd(constant_rate(0.1)), options, history,
             nullptr, hooks);
  EXPECT_FALSE(second.started);
  EXPECT_NO_THROW(loss_and_gradient(network, problem.values(), squared_error()));
}

/// One batch, and then the end or an error.
class OneBatch final : public BatchSource<float> {
 public:
  OneBatch(const Dataset<float>& data, bool fails) : data_(data), fails_(fails) {}
  void begin_epoch() override {}
  std::optional<Dataset<float>> next() override {
    if (given_ && fails_) throw ShapeError("planted");
    if (given_) return std::nullopt;
    given_ = true;
    return data_;
  }

 private:
  Dataset<float> data_;
  bool fails_;
  bool given_ = false;
};

TEST_F(Threads, AllLeaveAFitWhoseSourceFailsWithTheThetaOfTheLastStep) {
  set_num_threads(3);
  const Problem<float> problem(32, 61, 5);
  const auto run = [&](bool fails) {
    auto network = wide();
    OneBatch source(problem.classes(), fails);
    const OptimizerPointer optimizer = sgd(constant_rate(0.1));
    History history;
    if (fails) {
      EXPECT_THROW(fit(network, source, cross_entropy(), *optimizer, {}, history), ShapeError);
    } else {
      fit(network, source, cross_entropy(), *optimizer, {}, history);
    }
    EXPECT_NO_THROW(loss_and_gradient(network, problem.classes(), cross_entropy()));
    return theta_of(network);
  };
  EXPECT_TRUE(same_bits(run(true), run(false)));
}

TEST_F(Threads, AreAwayWhenAHookLooksAtTheTheta) {
  set_num_threads(3);
  const Problem<float> problem(32, 61, 5);
  auto network = wide();
  FitOptions options;
  options.epochs = 3;
  options.batch_size = 16;
  std::vector<double> seen;
  FitHooks hooks;
  hooks.end_epoch = [&](const History& /*so_far*/) {
    seen.push_back(evaluate(network, problem.classes(), cross_entropy()).loss);
    return false;
  };
  History history;
  const Dataset<float> validation = problem.classes();
  fit(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)), options, history,
      &validation, hooks);
  EXPECT_EQ(seen, history.val_loss);
}

/// Leaves θ as it is, but for the last element of block `spoiled` of the first step.
class Spoiling final : public Optimizer {
 public:
  explicit Spoiling(int spoiled)
      : Optimizer("Spoiling", constant_rate(1), std::nullopt), spoiled_(spoiled) {}
  [[nodiscard]] std::size_t state_vectors() const override { return 0; }
  [[nodiscard]] int blocks() const { return blocks_; }
  void begin_step() override {}
  void update(const UpdateBlock<float>& block) override {
    if (blocks_++ != spoiled_) return;
    block.theta(block.theta.rows - 1, block.theta.cols - 1) = HUGE_VALF;
  }
  void update(const UpdateBlock<double>& /*block*/) override {}

 private:
  const int spoiled_;
  std::atomic<int> blocks_ = 0;
};

// Each member looks through its part of θ at the end of an epoch.
TEST_F(Threads, FindTheOneParameterThatIsNotFinite) {
  const Problem<float> problem(8, 61, 5);
  for (const int threads : {1, 2}) {
    const auto train = [&](Optimizer& optimizer) {
      set_num_threads(threads);  // anew: there are as many blocks as a team of that size has
      auto network = wide();
      FitOptions options;
      options.batch_size = 8;
      options.epochs = 1;
      History history;
      fit(network, problem.classes(), cross_entropy(), optimizer, options, history);
    };
    Spoiling none(-1);
    train(none);
    ASSERT_GT(none.blocks(), 20);
    for (int block = 0; block < none.blocks(); block += 3) {
      Spoiling optimizer(block);
      expect_message<DivergenceError>("theta is no longer finite", [&] { train(optimizer); });
    }
  }
}

TEST_F(Threads, LeaveTheThetaOfTheLastStepWhenAPollInterrupts) {
  set_num_threads(3);
  const Problem<float> problem(32, 61, 5);
  auto network = wide();
  const double before = evaluate(network, problem.classes(), cross_entropy()).loss;
  FitOptions options;
  options.epochs = 1'000'000'000;
  options.batch_size = 16;
  FitHooks hooks;
  hooks.poll = [&network] {  // before the first step too, on a busy machine
    if (network.steps_trained > 0) throw BusyError("planted");
  };
  History history;
  EXPECT_THROW(fit<float>(network, problem.classes(), cross_entropy(), *sgd(constant_rate(0.1)),
                          options, history, nullptr, hooks),
               BusyError);
  EXPECT_LT(evaluate(network, problem.classes(), cross_entropy()).loss, before);
}

}  // namespace
}  // namespace nnbind::test
