// One fit: the state that its epochs share.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <vector>

#include "batch_run.hpp"
#include "evaluate.hpp"
#include "nnbind/trainer.hpp"
#include "team.hpp"

namespace nnbind {

/// A fit from its checked arguments. Batches come either out of `data`, in an order, or from
/// `source`; the other is nullptr.
///
/// A team runs as many epochs together as it can: it is only dissolved where the caller's
/// end_epoch is due, which may do anything, for any time.
template <class T>
class FitRun {
 public:
  FitRun(Network<T>& network, const Dataset<T>* data, BatchSource<T>* source, const Losses& losses,
         Optimizer& optimizer, const FitOptions& options, History& history,
         const Dataset<T>* validation, const FitHooks& hooks);

  void run();

 private:
  using Clock = std::chrono::steady_clock;

  void run_epochs(const Member& member);
  void run_epoch(const Member& member);
  void step(const Member& member, const Batch<T>& batch);
  [[nodiscard]] std::optional<Batch<T>> next_batch(const Member& member, Index number);

  // What the first member does alone.
  void begin_epoch();
  void account(const Batch<T>& batch);
  [[nodiscard]] std::vector<double> output_losses() const;
  void poll();
  void end_epoch();
  void note_best(double monitored);
  void return_to_best();
  [[noreturn]] void throw_divergence();

  void save_theta();
  void make_room(Index samples);

  Network<T>& network_;
  const Dataset<T>* data_;
  BatchSource<T>* source_;
  Losses losses_;
  Optimizer& optimizer_;
  const FitOptions& options_;
  History& history_;
  const FitHooks& hooks_;
  Index batch_size_;
  int members_;
  std::optional<BatchRun<T>> batch_run_;
  bool grown_ = false;     // the batch_run_ is new
  bool in_epoch_ = false;  // θ may be behind it
  std::optional<Evaluator<T>> validation_;

  std::vector<std::int64_t> order_;  // of this epoch
  const std::int64_t* epoch_order_ = nullptr;
  std::optional<Dataset<T>> from_source_;
  DropoutKey dropout_;

  Index epoch_ = 0;
  Clock::time_point epoch_start_;
  Clock::time_point last_hook_;
  Clock::time_point last_poll_;
  Index steps_between_polls_;
  Index steps_since_poll_ = 0;
  Index samples_ = 0;              // of this epoch so far
  std::vector<double> loss_sums_;  // of each output
  double penalty_sum_ = 0;
  std::vector<MetricSums> metric_sums_;
  double last_rate_ = 0;

  AlignedVector<T> best_theta_;
  AlignedVector<T> best_state_;
  AlignedVector<T> step_state_;  // the network's as the last whole step left it
  double best_ = std::numeric_limits<double>::infinity();
  Index epochs_without_improvement_ = 0;
  bool stop_ = false;  // end after this step
  bool diverged_ = false;
  bool finished_ = false;
  bool hook_due_ = false;
  std::exception_ptr interruption_;
};

}  // namespace nnbind
