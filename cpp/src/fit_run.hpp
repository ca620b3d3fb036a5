// One fit: the state that its epochs share.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>
#include <optional>
#include <vector>

#include "batch_run.hpp"
#include "evaluate.hpp"
#include "nnbind/training.hpp"
#include "pace.hpp"
#include "team.hpp"

namespace nnbind {

/// A fit from its checked arguments, which goes on from `state` unless that is new. Batches come
/// either out of `data`, in an order, or from `source`; the other is nullptr. Its team has
/// `most_members` at most.
///
/// A team runs as many epochs together as it can: it is only dissolved where the caller's
/// end_epoch is due, which may do anything, for any time; and where the first member had better go
/// on alone for a while: as its members mostly wait for one that somebody else's work keeps from
/// running (crowd.hpp), or as their cores are too far apart for small steps (pace.hpp).
template <class T>
class FitRun {
 public:
  FitRun(Network<T>& network, const Dataset<T>* data, BatchSource<T>* source, const Losses& losses,
         Optimizer& optimizer, const FitOptions& options, FitState<T>& state, History& history,
         const Dataset<T>* validation, const FitHooks& hooks,
         int most_members = std::numeric_limits<int>::max());

  void run();

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  /// Samples of an epoch; for batches out of `data`.
  [[nodiscard]] Index samples() const { return static_cast<Index>(order_.size()); }
  void run_epochs(const Member& member);
  void regroup();
  void run_epoch(const Member& member);
  void step(const Member& member, const Batch<T>& batch);
  [[nodiscard]] std::optional<Batch<T>> next_batch(const Member& member, Index number);

  void begin_fit();

  // What the first member does alone.
  void begin_epoch();
  void account(const Batch<T>& batch);
  [[nodiscard]] std::vector<double> output_losses() const;
  void poll();
  void end_epoch();
  void record_epoch(const Evaluation& validation);
  void note_best(double monitored);
  void keep_best_theta(const Member& member);
  bool return_to_best();
  [[noreturn]] void throw_divergence();

  void save_theta();
  void make_room(Index samples);

  Network<T>& network_;
  const Dataset<T>* data_;
  BatchSource<T>* source_;
  Losses losses_;
  Optimizer& optimizer_;
  const FitOptions& options_;
  FitState<T>& state_;
  History& history_;
  const FitHooks& hooks_;
  const Purpose purpose_;
  Index batch_size_;
  const Findings::Steps steps_;  // and the team that their work deserves
  Pace pace_;
  int team_;  // members of the present one: as many as in steps_, or 1 where that is faster
  const bool fetches_;  // the inputs of the next batch
  std::optional<BatchRun<T>> batch_run_;
  bool grown_ = false;     // the batch_run_ is new
  bool in_epoch_ = false;  // θ may be behind it
  std::optional<Evaluator<T>> validation_;

  std::vector<std::int64_t> order_;  // of this epoch
  const std::int64_t* epoch_order_ = nullptr;
  std::optional<Dataset<T>> from_source_;
  DropoutKey dropout_;  // whose seed is that of the shuffles too

  Clock::time_point epoch_start_;
  Clock::time_point last_hook_;
  Clock::time_point last_poll_;
  bool steps_are_long_;  // and polled within
  Index steps_between_polls_;
  Index steps_since_poll_ = 0;
  Index samples_ = 0;              // of this epoch so far
  std::vector<double> loss_sums_;  // of each output
  double penalty_sum_ = 0;
  std::vector<MetricSums> metric_sums_;
  double last_rate_ = 0;

  AlignedVector<T> step_state_;  // the network's as the last whole step left it
  bool resumes_ = false;         // within an epoch

  std::atomic<bool> theta_is_finite_ = true;  // false by whoever finds that its part is not

  // All members read these. The first one writes them in a step before its last barrier, or while
  // the others wait for the end of an epoch.
  Index next_batch_ = 0;            // of this epoch
  bool regroup_ = false;            // go on after this step with a team of another size
  const char* diverged_ = nullptr;  // what is no longer finite: end after this step
  bool improved_ = false;           // in the last epoch
  bool finished_ = false;
  bool hook_due_ = false;
};

}  // namespace nnbind
