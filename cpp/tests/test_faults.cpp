// Memory that runs out, at any allocation: an error comes out, nothing is half done, all goes on.
// The buffers of matrices come from operator new too (matrix.cpp), so none is left out; libgomp's
// own few allocations are its affair.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "allocations.hpp"
#include "data.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

using Bits = std::pair<std::vector<float>, std::vector<float>>;  // θ and state

Bits bits_of(const Network<float>& network) {
  return {theta_of(network), {network.state().begin(), network.state().end()}};
}

/// Whether `work` came to its end although an allocation was to fail: it has no so many.
template <class F>
bool survives(const Failure& failure, F&& work) {
  const FailingAllocation failing(failure);
  try {
    work();
  } catch (const std::bad_alloc&) {
    return false;
  }
  EXPECT_FALSE(failing.happened()) << "an allocation failed, and nobody was told";
  return true;
}

/// Lets the allocations of work(made) fail, those of `least` bytes or more, one after the other, in
/// each of `ways`; check(made, ended) sees what is left of what make() made for it.
template <class Make, class Work, class Check>
void fail_at_each(Make make, Work work, Check check, std::size_t least = 0,
                  const std::vector<Which>& ways = {Which::only, Which::and_all_after}) {
  {
    auto made = make();
    work(made);  // tables that are made once are not to count as leaks
  }
  for (const Which which : ways) {
    bool ended = false;
    for (std::uint64_t n = 1; !ended; ++n) {
      SCOPED_TRACE(n);
      const std::int64_t live = live_allocations();
      {
        auto made = make();
        ended = survives({n, which, least}, [&] { work(made); });
        check(made, ended);
      }
      EXPECT_EQ(live_allocations(), live) << "there is a leak";
      if (::testing::Test::HasFailure()) return;
    }
  }
}

/// A network with dropout and running statistics. A wide one is worth two threads, which then split
/// it by columns.
constexpr Index narrow_units = 9, wide_units = 300;
Network<float> network_of(Index width) {
  Graph<float> graph;
  const auto x = input(graph, 8, "x");
  const auto h = batch_norm(dense(x, {.units = width, .activation = "gelu", .dropout = 0.2}));
  const auto g = dense(dropout(h, 0.1), {.units = width, .activation = "tanh"});
  const auto y = dense(g, {.units = 3, .activation = "softmax", .l2 = 0.01});
  const NodeId output = y.id;
  return Network<float>(std::move(graph), output);
}

constexpr Index sample_count = 30;
constexpr Index samples_a_batch = 12;
constexpr Index steps_an_epoch = 3;  // the last is shorter

/// Batches of a dataset, each as large as those of a fit from memory.
class Batches final : public BatchSource<float> {
 public:
  explicit Batches(const Dataset<float>& data) : data_(data) {}
  void begin_epoch() override { first_ = 0; }
  std::optional<Dataset<float>> next() override {
    if (first_ == data_.size()) return std::nullopt;
    const Index count = std::min(samples_a_batch, data_.size() - first_);
    first_ += count;
    return data_.part(first_ - count, count);
  }

 private:
  Dataset<float> data_;
  Index first_ = 0;
};

struct Kind {
  const char* name;
  int threads;
  std::function<OptimizerPointer()> optimizer;
  bool validates;
  bool from_source;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

OptimizerPointer descent() { return sgd(constant_rate(0.05)); }
OptimizerPointer clipped() { return sgd(constant_rate(0.05), 0.9, true, 0.1); }
OptimizerPointer adaptive() { return adam(constant_rate(0.01)); }

/// A fit, and what its network is after each number of steps.
class Fitting {
 public:
  explicit Fitting(const Kind& kind)
      : kind_(kind), start_(network_of(kind.threads > 1 ? wide_units : narrow_units)) {
    set_num_threads(kind.threads);
    options_.epochs = kind.threads > 1 ? 1 : 2;  // a sanitizer makes wide networks slow
    options_.batch_size = samples_a_batch;
    options_.shuffle = false;
    options_.metrics = {Metric::accuracy, Metric::r2};
    if (kind.validates) options_.early_stopping = EarlyStopping{5, 0, false};
    const Index steps = options_.epochs * steps_an_epoch;
    for (Index count = 0; count <= steps; ++count) after_.push_back(after(count));
  }
  ~Fitting() { reset_num_threads(); }
  Fitting(const Fitting&) = delete;
  Fitting& operator=(const Fitting&) = delete;

  struct Run {
    Network<float> network;
    OptimizerPointer optimizer;
    History history;
  };
  [[nodiscard]] Run make() const { return {start_, kind_.optimizer(), {}}; }

  void fit_all(Run& run) const { fit_epochs(run, options_, problem_.classes()); }

  void fit_many_at_once(std::vector<Run>& runs, int threads) const {
    const Dataset<float> data = problem_.classes();
    const Dataset<float> held_out = data.part(5, 20);
    const Losses losses = cross_entropy();
    std::vector<FitJob<float>> jobs;
    for (Run& run : runs) {
      jobs.push_back({&run.network, &data, &losses, run.optimizer.get(), &run.history, options_,
                      kind_.validates ? &held_out : nullptr});
    }
    fit_many<float>(jobs, threads);
  }

  /// The network is as of its last whole step, the history whole, and both can be gone on with.
  void check(Run& run, bool ended) const {
    const std::uint64_t made = run.network.steps_trained;
    if (ended) {
      EXPECT_EQ(made, static_cast<std::uint64_t>(options_.epochs * steps_an_epoch));
      EXPECT_EQ(run.history.epochs(), options_.epochs);
    }
    EXPECT_EQ(bits_of(run.network), after_.at(made)) << made;
    check_history(run.history, static_cast<std::size_t>(run.network.epochs_trained));
    EXPECT_LE(made - run.network.epochs_trained * steps_an_epoch,
              static_cast<std::uint64_t>(steps_an_epoch));
    FitOptions options = options_;
    options.epochs = 1;
    run.history = {};
    fit_epochs(run, options, problem_.classes());
    EXPECT_EQ(run.history.epochs(), 1);
    EXPECT_TRUE(std::isfinite(run.history.loss[0]));
  }

 private:
  /// After so many steps of an undisturbed fit.
  [[nodiscard]] Bits after(Index count) const {
    Run run = make();
    FitOptions options = options_;
    options.epochs = count / steps_an_epoch;
    if (options.epochs > 0) fit_epochs(run, options, problem_.classes());
    const Index rest = count % steps_an_epoch;
    options.epochs = 1;
    if (rest > 0) fit_epochs(run, options, problem_.classes().part(0, rest * samples_a_batch));
    EXPECT_EQ(run.network.steps_trained, static_cast<std::uint64_t>(count));
    return bits_of(run.network);
  }

  void fit_epochs(Run& run, const FitOptions& options, const Dataset<float>& data) const {
    const Dataset<float> held_out = problem_.classes().part(5, 20);
    const Dataset<float>* validation = kind_.validates ? &held_out : nullptr;
    if (kind_.from_source) {
      Batches source(data);
      fit(run.network, source, cross_entropy(), *run.optimizer, options, run.history, validation);
    } else {
      fit(run.network, data, cross_entropy(), *run.optimizer, options, run.history, validation);
    }
  }

  void check_history(const History& history, std::size_t whole) const {
    for (const auto* list : {&history.loss, &history.learning_rate, &history.seconds}) {
      EXPECT_EQ(list->size(), whole);
    }
    EXPECT_EQ(history.val_loss.size(), kind_.validates ? whole : 0);
    for (const auto& list : history.metrics) EXPECT_EQ(list.size(), whole);
    for (const auto& list : history.val_metrics) EXPECT_EQ(list.size(), whole);
  }

  Kind kind_;
  Problem<float> problem_{sample_count, 8, 3};
  Network<float> start_;
  FitOptions options_;
  std::vector<Bits> after_;  // so many steps
};

class FaultsOfAFit : public ::testing::TestWithParam<Kind> {};

TEST_P(FaultsOfAFit, LeaveTheLastWholeStep) {
  const Fitting fitting(GetParam());
  std::vector<Which> ways{Which::only};
  if (GetParam().threads == 1) ways.push_back(Which::and_all_after);
  fail_at_each([&] { return fitting.make(); }, [&](auto& run) { fitting.fit_all(run); },
               [&](auto& run, bool ended) { fitting.check(run, ended); }, 0, ways);
}

INSTANTIATE_TEST_SUITE_P(Each, FaultsOfAFit,
                         ::testing::Values(Kind{"Descent", 1, descent, false, false},
                                           Kind{"ClippedValidated", 1, clipped, true, false},
                                           Kind{"AdamFromASource", 1, adaptive, true, true},
                                           Kind{"DescentOnTwo", 2, descent, true, false},
                                           Kind{"ClippedOnTwo", 2, clipped, false, false},
                                           Kind{"AdamOnTwoFromASource", 2, adaptive, false, true}),
                         [](const auto& test) { return std::string(test.param.name); });

/// Something that is called with a network and may not change it, or not unless it comes to its
/// end.
struct CallKind {
  const char* name;
  std::function<std::vector<double>(Network<float>&, const Problem<float>&, Optimizer&)> run;
};

void PrintTo(const CallKind& kind, std::ostream* out) { *out << kind.name; }

class FaultsOfACall : public ::testing::TestWithParam<std::tuple<CallKind, int>> {};

TEST_P(FaultsOfACall, LeaveTheNetworkAndTheNextCallAsTheyWere) {
  const CallKind& kind = std::get<0>(GetParam());
  const int threads = std::get<1>(GetParam());
  set_num_threads(threads);
  const Network<float> start = network_of(threads > 1 ? wide_units : narrow_units);
  const Problem<float> problem(sample_count, 8, 3);
  struct Call {
    Network<float> network;
    OptimizerPointer optimizer;
    std::vector<double> answer;
  };
  const auto make = [&] { return Call{start, adaptive(), {}}; };
  const auto run = [&](Call& call) {
    call.answer = kind.run(call.network, problem, *call.optimizer);
  };
  Call right = make();
  run(right);
  fail_at_each(make, run, [&](Call& call, bool ended) {
    if (!ended) {
      EXPECT_EQ(bits_of(call.network), bits_of(start));
      EXPECT_EQ(call.network.steps_trained, 0U);
      run(call);
    }
    EXPECT_EQ(call.answer, right.answer);
    EXPECT_EQ(bits_of(call.network), bits_of(right.network));
  });
  reset_num_threads();
}

std::vector<double> predict(Network<float>& network, const Problem<float>& problem,
                            Optimizer& /*optimizer*/) {
  std::vector<float> out(sample_count * 3);
  network.predict(problem.x.view(), {out.data(), sample_count, 3, 3});
  return {out.begin(), out.end()};
}

std::vector<double> evaluated(Network<float>& network, const Problem<float>& problem,
                              Optimizer& /*optimizer*/) {
  Evaluation evaluation =
      evaluate(network, problem.classes(), cross_entropy(), {Metric::accuracy, Metric::r2});
  evaluation.metrics.push_back(evaluation.loss);
  return evaluation.metrics;
}

std::vector<double> gradient(Network<float>& network, const Problem<float>& problem,
                             Optimizer& /*optimizer*/) {
  std::vector<double> all{loss_and_gradient(network, problem.classes(), cross_entropy())};
  all.insert(all.end(), network.gradient().begin(), network.gradient().end());
  return all;
}

std::vector<double> step(Network<float>& network, const Problem<float>& problem,
                         Optimizer& optimizer) {
  std::vector<double> loss(1);
  loss[0] = train_step(network, problem.classes(), cross_entropy(), optimizer);
  return loss;
}

INSTANTIATE_TEST_SUITE_P(Each, FaultsOfACall,
                         ::testing::Combine(::testing::Values(CallKind{"Predict", predict},
                                                              CallKind{"Evaluate", evaluated},
                                                              CallKind{"LossAndGradient", gradient},
                                                              CallKind{"TrainStep", step}),
                                            ::testing::Values(1, 2)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name +
                                  std::string(std::get<1>(test.param) > 1 ? "OnTwo" : "");
                         });

TEST(Faults, OfManyFitsLeaveEachNetworkAtItsLastWholeStep) {
  const Fitting fitting({"", 1, adaptive, true, false});
  fail_at_each([&] { return std::vector{fitting.make(), fitting.make()}; },
               [&](auto& runs) { fitting.fit_many_at_once(runs, 2); },
               [&](auto& runs, bool ended) {
                 for (auto& run : runs) fitting.check(run, ended);
               });
}

/// A file that a test may write, in a directory of its own: tests run side by side.
class Place {
 public:
  Place()
      : directory_(std::filesystem::path(::testing::TempDir()) /
                   ("nnbind_faults_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  ~Place() { std::filesystem::remove_all(directory_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] std::string path() const { return directory_ / "net"; }
  [[nodiscard]] std::string contents() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] bool has_one_file() const {
    const std::filesystem::directory_iterator files(directory_);
    return std::distance(begin(files), end(files)) == 1;
  }

 private:
  std::filesystem::path directory_;
};

/// A network and the fit that it has had.
struct Trained {
  Network<float> network = network_of(narrow_units);
  Training<float> training;
  Trained() {
    const Problem<float> problem(sample_count, 8, 3);
    training.losses = cross_entropy();
    training.optimizer = adaptive();
    training.options.epochs = 2;
    training.options.metrics = {Metric::accuracy};
    training.options.early_stopping = EarlyStopping{};
    training.options.early_stopping->restore_best = false;
    training.notes = {{"x", std::string("a note")}};
    fit(network, problem.classes(), training);
  }
};

// The JSON library allocates where it destroys a value, and what fails there ends the program. The
// core takes whole texts apart itself; but small pieces come and go as it reads and writes. So what
// fails is larger than those, as texts and the numbers of the network are, and one at a time.
constexpr std::size_t larger_than_json = 256;

TEST(Faults, OfASaveLeaveTheOldFile) {
  const Place place;
  const Trained trained;
  const std::string old = save_bytes(network_of(narrow_units + 1));
  const std::string fresh = save_bytes(trained.network, trained.training);
  fail_at_each([&] { return save(network_of(narrow_units + 1), place.path()), 0; },
               [&](int) { save(trained.network, trained.training, place.path()); },
               [&](int, bool ended) {
                 EXPECT_TRUE(place.has_one_file());
                 EXPECT_TRUE(place.contents() == (ended ? fresh : old));
               },
               larger_than_json, {Which::only});
}

TEST(Faults, OfALoadAreAnErrorAndNothingElse) {
  const Place place;
  const Trained trained;
  save(trained.network, trained.training, place.path());
  struct Loaded {
    std::unique_ptr<Network<float>> network;
    Training<float> training;
  };
  fail_at_each(
      [] { return Loaded(); },
      [&](Loaded& loaded) { loaded.network = load_network<float>(place.path(), loaded.training); },
      [&](Loaded& loaded, bool ended) {
        EXPECT_EQ(loaded.network != nullptr, ended);
        if (!ended) return;
        EXPECT_EQ(bits_of(*loaded.network), bits_of(trained.network));
        EXPECT_EQ(loaded.training.history.loss, trained.training.history.loss);
      },
      larger_than_json, {Which::only});
}

}  // namespace
}  // namespace nnbind::test
