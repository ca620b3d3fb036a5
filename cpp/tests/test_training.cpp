// Fits that are put away and gone on with: to the bits of one that was never interrupted.
#include "nnbind/training.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <set>
#include <span>

#include "data.hpp"
#include "expect_message.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

/// Its file, which is gone when the test is over.
class TemporaryFile {
 public:
  TemporaryFile()
      : path_(std::filesystem::temp_directory_path() /
              ("nnbind_" + std::to_string(::getpid()) + "_training")) {}
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

template <class T>
Network<T> dropping() {
  return sequential<T>(4,
                       {DenseOptions{.units = 9, .activation = "tanh", .dropout = 0.25},
                        DenseOptions{.units = 3, .activation = "softmax"}},
                       5);
}

template <class T>
Training<T> training_with(const OptimizerPointer& optimizer) {
  Training<T> training;
  training.losses = cross_entropy(false, 0.1);
  training.optimizer = optimizer;
  training.options.epochs = 20;
  training.options.batch_size = 7;
  training.options.seed = 11;
  training.options.metrics = {Metric::accuracy, Metric::mse};
  training.options.regularizer.l2 = 1e-3;
  training.options.early_stopping = EarlyStopping{6, 1e-3, true};
  training.notes = {{"who", std::string("a test")}, {"part", 0.25}};
  return training;
}

std::vector<OptimizerPointer (*)()> optimizers() {
  return {[] { return sgd(reduce_on_plateau(0.1, 0.5, 2, 0.01, 1e-4)); },
          [] { return sgd(step_decay(0.05, 10, 0.9), 0.9, false, 1.0); },
          [] { return sgd(inverse_scaling(0.1, 0.5), 0.9, true); },
          [] { return adam(cosine_decay(0.02, 60, 5, 0.001)); },
          [] { return adamw(exponential_decay(0.02, 10, 0.9)); },
          [] { return rmsprop(constant_rate(0.01)); },
          [] { return adagrad(constant_rate(0.05), 1e-8, 0.7); }};
}

template <class T>
class TrainingOf : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TrainingOf, Types);

template <class T>
void expect_same(const Network<T>& network, const Training<T>& training, const Network<T>& expected,
                 const Training<T>& whole) {
  EXPECT_TRUE(same_bits(network.theta(), expected.theta())) << whole.optimizer->name();
  EXPECT_EQ(training.history.loss, whole.history.loss);
  EXPECT_EQ(training.history.val_loss, whole.history.val_loss);
  EXPECT_EQ(training.history.learning_rate, whole.history.learning_rate);
  EXPECT_EQ(training.history.metrics, whole.history.metrics);
  EXPECT_EQ(training.history.val_metrics, whole.history.val_metrics);
  EXPECT_EQ(training.history.best_epoch, whole.history.best_epoch);
  EXPECT_EQ(training.optimizer->iterations(), whole.optimizer->iterations());
}

// The labels that are held out are those of other samples: their loss is soon at its best, so that
// the fit is stopped early, and its plateaus come soon.
TYPED_TEST(TrainingOf, GoesOnFromAFileToTheSameBits) {
  using T = TypeParam;
  const Problem<T> problem(40, 4, 3), held_out(40, 4, 3, 8);
  const Dataset<T> data = problem.classes();
  const Dataset<T> validation(held_out.x.view(), problem.labels.data());
  const TemporaryFile file;
  for (const auto make : optimizers()) {
    for (const Index epoch : {1, 3, 5}) {
      auto network = dropping<T>();
      Training<T> whole = training_with<T>(make());
      FitHooks hooks;
      hooks.end_epoch = [&](const History& history) {
        if (history.epochs() == epoch) save(network, whole, file.path());
        return false;
      };
      fit(network, data, whole, &validation, hooks);

      Training<T> again;
      const auto loaded = load_network<T>(file.path(), again);
      ASSERT_EQ(again.state.epoch, epoch);
      EXPECT_EQ(std::get<std::string>(again.notes[1].second), "a test");
      fit(*loaded, data, again, &validation);
      expect_same(*loaded, again, network, whole);
    }
  }
}

// Where a fit ended with its best epoch the network has that θ. It goes on from there, from memory
// or from a file.
TEST(Training, KeepsTheBestThetaOnlyWhereTheNetworkHasAnother) {
  const Problem<double> problem(40, 4, 3), held_out(40, 4, 3, 8);
  const Dataset<double> data = problem.classes();
  const Dataset<double> validation(held_out.x.view(), problem.labels.data());
  const auto begin = [](Index epochs) {
    Training<double> training = training_with<double>(sgd(constant_rate(0.3), 0.9));
    training.options.early_stopping.reset();
    training.options.epochs = epochs;
    return training;
  };
  constexpr Index most = 12;
  std::vector<std::vector<double>> thetas;
  auto watched = dropping<double>();
  Training<double> whole = begin(most);
  FitHooks hooks;
  hooks.end_epoch = [&](const History&) {
    thetas.push_back(theta_of(watched));
    return false;
  };
  fit(watched, data, whole, &validation, hooks);
  std::set<bool> seen;
  const TemporaryFile file;
  for (Index epochs = 1; epochs <= most; ++epochs) {
    auto network = dropping<double>();
    Training<double> training = begin(epochs);
    fit(network, data, training, &validation);
    const Index best = training.history.best_epoch;
    const auto expect_best = [&](const Training<double>& kept) {
      EXPECT_EQ(kept.state.theta_is_best, best == epochs - 1) << epochs;
      seen.insert(kept.state.theta_is_best);
      const std::vector<double> none;
      const auto& expected =
          kept.state.theta_is_best ? none : thetas[static_cast<std::size_t>(best)];
      EXPECT_TRUE(std::ranges::equal(kept.state.best_theta, expected)) << epochs;
    };
    expect_best(training);
    save(network, training, file.path());
    Training<double> loaded;
    const auto again = load_network<double>(file.path(), loaded);
    expect_best(loaded);
    loaded.options.epochs = most;
    fit(*again, data, loaded, &validation);
    expect_same(*again, loaded, watched, whole);
    training.options.epochs = most;
    fit(network, data, training, &validation);
    expect_same(network, training, watched, whole);
  }
  EXPECT_EQ(seen.size(), 2U) << "one of the cases did not occur";
}

TEST(Training, ThatGoesOnAndDivergesIsBackWhereItWentOn) {
  class Exploding final : public Schedule {
   public:
    [[nodiscard]] double rate(std::int64_t step) const override { return step < 12 ? 0.05 : 1e300; }
    [[nodiscard]] SchedulePointer clone() const override {
      return std::make_shared<Exploding>(*this);
    }
  };
  const Problem<double> problem(40, 4, 3);
  auto network = dropping<double>();
  Training<double> training = training_with<double>(sgd(std::make_shared<Exploding>()));
  training.options.early_stopping.reset();
  training.options.epochs = 2;  // of 6 steps
  fit(network, problem.classes(), training);
  ASSERT_TRUE(training.state.theta_is_best);
  const auto theta = theta_of(network);
  training.options.epochs = 3;
  EXPECT_THROW(fit(network, problem.classes(), training), DivergenceError);
  EXPECT_EQ(theta_of(network), theta);
}

TEST(Training, OfAFileIsNotReadWithTheNetworkAlone) {
  const Problem<float> problem(40, 4, 3);
  const TemporaryFile file;
  auto network = dropping<float>();
  Training<float> training = training_with<float>(adam(constant_rate(0.01)));
  training.options.epochs = 2;
  training.options.early_stopping.reset();
  fit(network, problem.classes(), training);
  save(network, training, file.path());
  EXPECT_TRUE(same_bits(load_network<float>(file.path())->theta(), network.theta()));
  save(network, file.path());
  expect_message<FileError>("the file has a network and no training",
                            [&] { load_network<float>(file.path(), training); });
}

TEST(Training, GoesOnOnlyWithWhatItBeganWith) {
  const Problem<double> problem(40, 4, 3), larger(41, 4, 3);
  const Dataset<double> data = problem.classes();
  auto network = dropping<double>();
  Training<double> training = training_with<double>(adam(constant_rate(0.01)));
  training.options.epochs = 2;
  training.options.early_stopping->min_delta = 10;  // the first epoch is the best
  fit(network, data, training);
  training.options.epochs = 3;
  expect_message<OptionError>("there are 41 samples; the fit began with 40",
                              [&] { fit(network, larger.classes(), training); });
  expect_message<OptionError>("there is a validation set; the fit began without one",
                              [&] { fit(network, data, training, &data); });
  expect_message<OptionError>("the fit had ended and returned to its best epoch",
                              [&] { fit(network, data, training); });
  train_step(network, data, training.losses, *training.optimizer);
  expect_message<OptionError>("the network has made steps since the last whole epoch",
                              [&] { fit(network, data, training); });
  training.optimizer->reset();
  expect_message<OptionError>("the optimizer of the last fit no longer trains this network",
                              [&] { check_whole(network, training, "x"); });
}

TEST(Training, GoesOnWithTheMetricsItBeganWith) {
  auto network = dropping<double>();
  const Problem<double> problem(30, 4, 3);
  Training<double> training = training_with<double>(adam(constant_rate(0.01)));
  training.options.epochs = 2;
  fit(network, problem.classes(), training);
  training.options.epochs = 4;
  const auto theta = theta_of(network);
  for (const std::vector<Metric>& others : {std::vector<Metric>{}, {Metric::mae, Metric::mse}}) {
    training.options.metrics = others;
    expect_message<OptionError>("the fit began with accuracy, mse",
                                [&] { fit(network, problem.classes(), training); });
  }
  EXPECT_EQ(theta_of(network), theta);
  EXPECT_EQ(training.history.epochs(), 2);
}

TEST(Training, IsKeptIfAFileIsRefused) {
  auto network = dropping<double>();
  const Problem<double> problem(30, 4, 3);
  Training<double> training = training_with<double>(adam(constant_rate(0.01)));
  fit(network, problem.classes(), training);
  // One tensor more than there may be, behind all others.
  const std::string bytes = save_bytes(network, training);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const std::string end = std::to_string(bytes.size() - 8 - length);
  std::string header = bytes.substr(8, length);
  header.insert(1,
                R"("zzz":{"dtype":"F64","shape":[0],"data_offsets":[)" + end + "," + end + "]},");
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t longer = header.size();
  std::string more(sizeof longer, '\0');
  std::memcpy(more.data(), &longer, sizeof longer);
  more += header + bytes.substr(8 + length);
  Training<double> mine;
  mine.options.epochs = 77;
  AnyTraining any;
  const auto contents = std::as_bytes(std::span(more));
  const std::string error = R"([load] tensor "zzz")";
  expect_message<FileError>(error, [&] { (void)load_network<double>(contents, mine); });
  EXPECT_EQ(mine.options.epochs, 77);
  EXPECT_EQ(mine.optimizer, nullptr);
  std::get<0>(any).options.epochs = 77;
  expect_message<FileError>(error, [&] { (void)load_any_network(contents, any); });
  EXPECT_EQ(any.index(), 0U);
  EXPECT_EQ(std::get<0>(any).options.epochs, 77);
}

TEST(Training, ThatHasNotBegunIsNotSaved) {
  const auto network = dropping<double>();
  const Training<double> training = training_with<double>(adam(constant_rate(0.01)));
  const TemporaryFile file;
  expect_message<OptionError>("no epoch of the fit has been completed",
                              [&] { save(network, training, file.path()); });
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

TEST(Recipes, MakeTheLossAgain) {
  for (const LossPointer& loss :
       {squared_error(Reduction::sum), mean_squared_error(), absolute_error(), huber(0.5), hinge(),
        perceptron_criterion(), poisson(true), binary_cross_entropy(true),
        cross_entropy(true, 0.25, Reduction::sum)}) {
    const Recipe recipe = loss->recipe().value();
    const LossPointer again = make_loss(recipe);
    EXPECT_EQ(again->name(), loss->name());
    EXPECT_EQ(again->reduction(), loss->reduction());
    ASSERT_EQ(again->recipe()->options.size(), recipe.options.size());
    EXPECT_EQ(std::get<std::string>(again->recipe()->options.back().second),
              std::get<std::string>(recipe.options.back().second));
  }
  expect_message<OptionError>("[loss] unknown loss \"own\"", [] { make_loss({"own", {}}); });
  expect_message<OptionError>("[x] is no attribute of this loss", [] {
    make_loss({"mse", {{"reduction", std::string("sum")}, {"x", 1.0}}});
  });
}

TEST(Recipes, MakeTheScheduleAgain) {
  for (const SchedulePointer& schedule :
       {constant_rate(0.1), step_decay(0.1, 3, 0.5), exponential_decay(0.1, 3, 0.5),
        cosine_decay(0.1, 20, 4, 0.01), inverse_scaling(0.1, 0.75),
        reduce_on_plateau(0.1, 0.5, 3, 0.01, 0.001)}) {
    const SchedulePointer again = make_schedule(schedule->recipe().value());
    for (std::int64_t t = 0; t < 30; ++t) EXPECT_EQ(again->rate(t), schedule->rate(t));
  }
}

TEST(Schedule, GoesOnFromItsState) {
  const SchedulePointer schedule = reduce_on_plateau(0.1, 0.5, 3, 0, 0.001);
  for (const double loss : {1.0, 2.0, 2.0, 2.0, 2.0}) schedule->end_epoch(loss);
  const SchedulePointer again = make_schedule(schedule->recipe().value());
  again->set_state(schedule->state());
  for (const double loss : {2.0, 2.0, 2.0, 0.5, 2.0}) {
    schedule->end_epoch(loss);
    again->end_epoch(loss);
    EXPECT_EQ(again->rate(0), schedule->rate(0));
  }
}

TEST(Schedule, RefusesAStateThatIsNone) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const SchedulePointer plateau = reduce_on_plateau(0.1, 0.5, 3, 0, 0.001);
  using Numbers = std::vector<double>;
  for (const Numbers& numbers : {Numbers{},
                                 {0.1, 1},
                                 {nan, 1, 0},
                                 {0.2, 1, 0},
                                 {0.0001, 1, 0},
                                 {0.1, nan, 0},
                                 {0.1, 1, -1},
                                 {0.1, 1, 3},
                                 {0.1, 1, 0.5},
                                 {0.1, 1, nan}}) {
    EXPECT_THROW(plateau->set_state(numbers), OptionError);
  }
  EXPECT_THROW(constant_rate(0.1)->set_state(Numbers{1}), OptionError);
}

TEST(Optimizer, RefusesIterationsThatAreNone) {
  const OptimizerPointer optimizer = sgd(constant_rate(0.1));
  EXPECT_THROW(optimizer->set_iterations(-1), OptionError);
  EXPECT_THROW(optimizer->set_iterations(std::numeric_limits<std::int64_t>::max()), OptionError);
}

TEST(Training, WithoutAnOptimizerIsRefused) {
  const Problem<double> problem(40, 4, 3);
  auto network = dropping<double>();
  Training<double> training = training_with<double>(nullptr);
  expect_message<OptionError>("[Network.fit] there is no optimizer",
                              [&] { fit(network, problem.classes(), training); });
  training.state.epoch = 1;
  expect_message<OptionError>("[x] there is no optimizer",
                              [&] { check_whole(network, training, "x"); });
}

TEST(Training, KeepsTheSeedThatItTookFromTheNetwork) {
  const Problem<double> problem(40, 4, 3);
  auto network = dropping<double>();
  Training<double> training = training_with<double>(adam(constant_rate(0.01)));
  training.options.epochs = 2;
  training.options.seed.reset();
  fit(network, problem.classes(), training, nullptr, {});
  EXPECT_EQ(training.options.seed, network.seed());
  Training<double> again;
  const std::string bytes = save_bytes(network, training);
  (void)load_network<double>(std::as_bytes(std::span(bytes)), again);
  EXPECT_EQ(again.options.seed, network.seed());
}

}  // namespace
}  // namespace nnbind::test
