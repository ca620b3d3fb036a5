// Many networks at once: each as if it had been trained alone. Also run under ThreadSanitizer.
#include <gtest/gtest.h>

#include <deque>
#include <numeric>
#include <set>
#include <thread>

#include "calling.hpp"
#include "data.hpp"
#include "expect_message.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

/// Networks of several shapes and everything that their fits need.
class Many {
 public:
  explicit Many(std::size_t count, Index samples = 60) : problem_(samples, 4, 3) {
    for (std::size_t k = 0; k < count; ++k) {
      std::vector<Index> hidden(k % 3, 5 + static_cast<Index>(k));
      networks_.push_back(
          std::make_unique<Network<float>>(mlp<float>(4, hidden, 3, "tanh", "softmax", 10 + k)));
      optimizers_.push_back(adam(constant_rate(0.01 + 0.01 * static_cast<double>(k))));
    }
    histories_.resize(count);
    for (std::size_t k = 0; k < count; ++k) {
      FitJob<float> job{networks_[k].get(), &data_, &losses_, optimizers_[k].get(),
                        &histories_[k],     {},     nullptr};
      job.options.epochs = 4;
      job.options.batch_size = 7;
      job.options.seed = k;
      job.options.metrics = {Metric::accuracy};
      job.validation = &validation_;
      jobs.push_back(job);
    }
  }

  void fit_each() {
    for (const FitJob<float>& job : jobs) {
      fit(*job.network, *job.data, *job.losses, *job.optimizer, job.options, *job.history,
          job.validation);
    }
  }
  void fit_all(int threads, const FitManyHooks& hooks = {}) { fit_many(jobs, threads, hooks); }
  [[nodiscard]] std::vector<float> theta(std::size_t k) const { return theta_of(*networks_[k]); }
  [[nodiscard]] const History& history(std::size_t k) const { return histories_[k]; }
  [[nodiscard]] const Problem<float>& problem() const { return problem_; }

  std::vector<FitJob<float>> jobs;

 private:
  Problem<float> problem_;
  Dataset<float> data_ = problem_.classes();
  Dataset<float> validation_ = problem_.classes().part(3, 30);
  Losses losses_ = cross_entropy();
  std::vector<std::unique_ptr<Network<float>>> networks_;
  std::vector<OptimizerPointer> optimizers_;
  std::deque<History> histories_;
};

void expect_same(const Many& many, const Many& alone) {
  for (std::size_t k = 0; k < many.jobs.size(); ++k) {
    EXPECT_TRUE(same_bits(many.theta(k), alone.theta(k))) << k;
    EXPECT_EQ(many.history(k).loss, alone.history(k).loss) << k;
    EXPECT_EQ(many.history(k).val_loss, alone.history(k).val_loss) << k;
    EXPECT_EQ(many.history(k).metrics, alone.history(k).metrics) << k;
    EXPECT_EQ(many.history(k).best_epoch, alone.history(k).best_epoch) << k;
  }
}

class ThreadsFitMany : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(With, ThreadsFitMany, ::testing::Values(1, 2, 3),
                         ::testing::PrintToStringParamName());

TEST_P(ThreadsFitMany, TrainsEachAsItsOwnFitDoes) {
  Many many(7);
  Many alone(7);
  many.fit_all(GetParam());
  alone.fit_each();
  expect_same(many, alone);
  many.fit_all(GetParam());  // a further fit goes on
  alone.fit_each();
  expect_same(many, alone);
}

TEST_P(ThreadsFitMany, StopsEachEarlyByItself) {
  Many many(5);
  Many alone(5);
  for (Many* each : {&many, &alone}) {
    for (FitJob<float>& job : each->jobs) {
      job.options.epochs = 200;
      job.options.early_stopping = EarlyStopping{2, 1e-3, true};
    }
  }
  many.fit_all(GetParam());
  alone.fit_each();
  expect_same(many, alone);
  EXPECT_LT(many.history(4).epochs(), 200);
}

/// The samples of a list, by themselves.
struct Copied {
  Copied(const Problem<float>& problem, std::span<const std::int64_t> samples)
      : x(static_cast<Index>(samples.size()), problem.x.view().cols) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto from = static_cast<std::size_t>(samples[i]);
      const MatrixView<const float> all = problem.x.view();
      std::copy_n(all.row(samples[i]), all.cols, x.view().row(static_cast<Index>(i)));
      labels.push_back(problem.labels[from]);
      weights.push_back(static_cast<float>(1 + from % 4));
    }
    data = {x.view(), labels.data(), weights.data()};
  }
  Matrix<float> x;
  std::vector<std::int64_t> labels;
  std::vector<float> weights;
  Dataset<float> data;
};

TEST_P(ThreadsFitMany, TrainsEachOnSamplesOfItsOwnWithoutACopy) {
  Many many(6);
  Many alone(6);
  std::vector<std::int64_t> everything(60);
  std::iota(everything.begin(), everything.end(), 0);
  const Copied whole(many.problem(), everything);
  std::deque<std::vector<std::int64_t>> train(6);
  std::deque<std::vector<std::int64_t>> validate(6);
  std::deque<Copied> copies;
  for (std::size_t k = 0; k < 6; ++k) {
    for (std::int64_t i = 60; i-- > 0;)
      (i % 6 == std::int64_t(k) ? validate : train)[k].push_back(i);
    train[k].push_back(train[k][5]);  // may be there twice
    many.jobs[k].data = many.jobs[k].validation = &whole.data;
    many.jobs[k].options.samples = train[k];
    many.jobs[k].options.validation_samples = validate[k];
    alone.jobs[k].data = &copies.emplace_back(alone.problem(), train[k]).data;
    alone.jobs[k].validation = &copies.emplace_back(alone.problem(), validate[k]).data;
  }
  many.fit_all(GetParam());
  alone.fit_each();
  expect_same(many, alone);
}

TEST_P(ThreadsFitMany, GoesOnWithTheOthersWhenOneDiverges) {
  Many many(6);
  Many alone(6);
  const OptimizerPointer wild = sgd(constant_rate(1e38));
  const OptimizerPointer wilder = sgd(constant_rate(1e38));
  many.jobs[2].optimizer = wild.get();
  many.jobs[4].optimizer = wilder.get();
  const std::vector<float> start = many.theta(4);
  expect_message<DivergenceError>("[fit_many] diverged: 2, 4 of 6 networks",
                                  [&] { many.fit_all(GetParam()); });
  EXPECT_TRUE(same_bits(many.theta(4), start));
  EXPECT_TRUE(many.history(4).started);
  alone.fit_each();
  for (const std::size_t k : {0U, 1U, 3U, 5U}) {
    EXPECT_TRUE(same_bits(many.theta(k), alone.theta(k))) << k;
  }
}

TEST_P(ThreadsFitMany, EndsAllBetweenTwoStepsWhenThePollThrows) {
  Many many(5);
  for (FitJob<float>& job : many.jobs) job.options.epochs = 1'000'000'000;
  FitManyHooks hooks;
  const auto caller = std::this_thread::get_id();
  hooks.poll = [&](Index done) {
    EXPECT_EQ(done, 0);
    EXPECT_EQ(std::this_thread::get_id(), caller);
    throw BusyError("planted");
  };
  EXPECT_THROW(many.fit_all(GetParam(), hooks), BusyError);
  int begun = 0;
  for (std::size_t k = 0; k < many.jobs.size(); ++k) {
    begun += many.history(k).started ? 1 : 0;
    for (const float w : many.theta(k)) EXPECT_TRUE(std::isfinite(w));
    many.jobs[k].options.epochs = 1;
  }
  EXPECT_GE(begun, 1);
  EXPECT_LE(begun, GetParam());
  EXPECT_NO_THROW(many.fit_all(GetParam()));
}

TEST_P(ThreadsFitMany, PollsWhileTheCallerWaitsForTheOthers) {
  Many many(2);
  // The first looks like the largest, so that the caller takes it, and ends after two epochs.
  many.jobs[0].options.epochs = 2'000'000'000;
  many.jobs[0].options.early_stopping = EarlyStopping{1, 1e9, false};
  many.jobs[1].options.epochs = 100'000'000;
  FitManyHooks hooks;
  int polls = 0;
  hooks.poll = [&](Index done) {
    if (++polls < 4) return;
    EXPECT_EQ(done, 1);
    throw BusyError("planted");
  };
  EXPECT_THROW(many.fit_all(GetParam(), hooks), BusyError);
  EXPECT_EQ(many.history(0).epochs(), 2);
}

TEST(ThreadsFitManyMore, RefusesWhatDoesNotFitBeforeAnythingChanges) {
  const auto refused = [](const std::string& message, auto spoil) {
    Many many(3);
    spoil(many.jobs);
    expect_message<std::invalid_argument>(message, [&] { many.fit_all(2); });
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_TRUE(same_bits(many.theta(k), Many(3).theta(k)));
      EXPECT_FALSE(many.history(k).started);
      if (k != 1) {
        EXPECT_TRUE(many.jobs[k].optimizer->is_free_for(~std::uint64_t{0}));
      }
    }
  };
  using Jobs = std::vector<FitJob<float>>;
  refused("[fit_many, network 1] is there twice",
          [](Jobs& jobs) { jobs[1].network = jobs[0].network; });
  refused("[fit_many, network 1] has the optimizer of another",
          [](Jobs& jobs) { jobs[1].optimizer = jobs[0].optimizer; });
  refused("[fit_many, network 1] has an optimizer that trains another network",
          [](Jobs& jobs) { jobs[1].optimizer->bind(123); });
  refused("[fit_many, network 1] there is no network", [](Jobs& jobs) { jobs[1].network = {}; });
  refused("[fit_many, network 1] there are no data", [](Jobs& jobs) { jobs[1].data = {}; });
  refused("[fit_many, network 1] there are no losses", [](Jobs& jobs) { jobs[1].losses = {}; });
  refused("[fit_many, network 1] there is no optimizer",
          [](Jobs& jobs) { jobs[1].optimizer = {}; });
  refused("[fit_many, network 1] there is no history", [](Jobs& jobs) { jobs[1].history = {}; });
  refused("[fit_many, network 1] batch_size is -1",
          [](Jobs& jobs) { jobs[1].options.batch_size = -1; });
  const std::vector<std::int64_t> far{0, 60};
  refused("[fit_many, network 1] samples has the entry 60",
          [&](Jobs& jobs) { jobs[1].options.samples = far; });
  refused("[fit_many, network 1] validation samples has the entry 60",
          [&](Jobs& jobs) { jobs[1].options.validation_samples = far; });
  refused("[fit_many, network 1] validation_samples", [&](Jobs& jobs) {
    jobs[1].options.validation_samples = far;
    jobs[1].validation = nullptr;
  });
  const Losses of_logits = cross_entropy(true);
  refused("from_logits expects an output layer with the identity activation",
          [&](Jobs& jobs) { jobs[1].losses = &of_logits; });
  auto wider = mlp<float>(5, {}, 3, "tanh", "softmax");
  refused("[fit_many, network 1] X has shape (60, 4); expected (n, 5)",
          [&](Jobs& jobs) { jobs[1].network = &wider; });
}

TEST(ThreadsFitManyMore, RefusesANetworkThatIsBeingTrained) {
  Many many(3);
  {
    const TrainingLock lock = many.jobs[1].network->lock("elsewhere");
    expect_message<BusyError>("[fit_many, network 1]", [&] { many.fit_all(2); });
  }
  EXPECT_TRUE(same_bits(many.theta(0), Many(3).theta(0)));
  EXPECT_NO_THROW(many.fit_all(2));
}

TEST(ThreadsFitManyMore, RefusesAnOptimizerThatTrains) {
  Many many(3);
  {
    const TrainingLock lock = many.jobs[1].optimizer->lock("elsewhere");
    expect_message<BusyError>("[fit_many, network 1] the optimizer is in use",
                              [&] { many.fit_all(2); });
    EXPECT_TRUE(many.jobs[0].optimizer->is_free_for(~std::uint64_t{0}));
  }
  EXPECT_TRUE(same_bits(many.theta(0), Many(3).theta(0)));
  EXPECT_NO_THROW(many.fit_all(2));
}

TEST(ThreadsFitManyMore, RunsOnTheCallersThreadWhereCodeAsksForThat) {
  std::set<std::thread::id> seen;
  const auto note = [&] { seen.insert(std::this_thread::get_id()); };
  Many many(20);
  std::deque<Network<float>> networks;
  for (FitJob<float>& job : many.jobs) {
    Graph<float> graph;
    const NodeId x = graph.add(std::make_shared<Calling<float>>(note), {input(graph, 4, "x").id});
    const NodeId y = dense(Expression<float>{&graph, x}, {.units = 3, .activation = "softmax"}).id;
    job.network = &networks.emplace_back(std::move(graph), y);
  }
  many.fit_all(4);
  EXPECT_EQ(seen, std::set{std::this_thread::get_id()});
}

TEST(ThreadsFitManyMore, OfNoNetworkDoesNothing) { EXPECT_NO_THROW(fit_many<float>({}, 2)); }

}  // namespace
}  // namespace nnbind::test
