#include "fit_run.hpp"

#include <algorithm>
#include <numeric>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

constexpr Index guessed_batch = 32;  // of an iterator that has not said

/// A step's, from which on it is polled within: it takes a millisecond or more.
constexpr double many_flops = 1e8;

Index largest_batch(Index batch_size, Index samples) {
  return batch_size == 0 ? samples : std::min(batch_size, samples);
}

template <class T>
Index samples_of(const Dataset<T>& data, const FitOptions& options) {
  return options.samples.empty() ? data.size() : static_cast<Index>(options.samples.size());
}

/// Whether somebody else's code runs within an epoch. It may look at the network, or change it: so
/// θ is kept where all see it.
template <class T>
bool somebody_looks(const Network<T>& network, const BatchSource<T>* source, const Losses& losses) {
  return source != nullptr || network.runs_alone() || losses.run_alone();
}

template <class T>
std::size_t input_bytes(const Dataset<T>& data) {
  std::size_t bytes = 0;
  for (const MatrixView<const T>& x : data.inputs) {
    bytes += sizeof(T) * static_cast<std::size_t>(x.rows * x.cols);
  }
  return bytes;
}

}  // namespace

void epoch_order(std::uint64_t seed, std::uint64_t epoch, std::span<std::int64_t> order) {
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Random(seed, epoch).shuffle(order);
}

template <class T>
FitRun<T>::FitRun(Network<T>& network, const Dataset<T>* data, BatchSource<T>* source,
                  const Losses& losses, Optimizer& optimizer, const FitOptions& options,
                  FitState<T>& state, History& history, const Dataset<T>* validation,
                  const FitHooks& hooks, int most_members)
    : network_(network),
      data_(data),
      source_(source),
      losses_(losses),
      optimizer_(optimizer),
      options_(options),
      state_(state),
      history_(history),
      hooks_(hooks),
      purpose_(somebody_looks(network, source, losses) ? Purpose::step : Purpose::fit),
      batch_size_(data != nullptr ? largest_batch(options.batch_size, samples_of(*data, options))
                                  : std::max<Index>(options.batch_size, guessed_batch)),
      steps_{step_flops(network, batch_size_),
             std::min(most_members, training_members(network, losses, batch_size_, true))},
      pace_(findings().of(steps_)),
      team_(pace_.begins_on_team(Clock::now()) && !crowd().is_here() ? steps_.members : 1),
      fetches_(data != nullptr && input_bytes(*data) > second_level_cache),
      steps_are_long_(steps_.flops >= many_flops),
      steps_between_polls_(parts_between_polls(steps_.flops)),
      loss_sums_(losses.terms.size()),
      metric_sums_(empty_sums(network)),
      step_state_(network.state().begin(), network.state().end()) {
  if (data != nullptr) make_room(batch_size_);
  if (state_.epoch == 0) begin_fit();
  if (validation != nullptr) {
    validation_.emplace(network, *validation, losses, options.metrics, steps_.members,
                        options.validation_samples);
    history_.val_metrics.resize(history_.metric_names.size());
  }
  if (data_ != nullptr) order_.resize(static_cast<std::size_t>(samples_of(*data, options)));
  dropout_.seed = options.seed.value_or(network.seed());
  last_hook_ = last_poll_ = Clock::now();
  finished_ = state_.stopped || state_.epoch >= options.epochs;
}

template <class T>
void FitRun<T>::begin_fit() {
  state_ = {};
  state_.best_state.assign(network_.state().begin(), network_.state().end());
  history_ = {};
  history_.started = true;
  history_.metric_names = metric_names(network_, options_.metrics);
  history_.metrics.resize(history_.metric_names.size());
}

// The network's own θ may be behind the packed parameters of a step. There are none before the
// first batch of a source, nor where there was no room for a larger one.
template <class T>
void FitRun<T>::save_theta() {
  if (!batch_run_) return;
  TeamState nobody_else(1);
  batch_run_->write_theta(Member(nobody_else, 0));
}

template <class T>
void FitRun<T>::make_room(Index samples) {
  save_theta();
  optimizer_.arrange<T>(parameter_layout(network_.graph(), samples, purpose_));
  batch_run_.emplace(network_, losses_, options_.regularizer, samples, team_, purpose_,
                     optimizer_.clip_norm().has_value(), fetches_);
  batch_size_ = samples;
}

template <class T>
void FitRun<T>::run() {
  if (!finished_ && state_.theta_is_best) {
    state_.best_theta.assign(network_.theta().begin(), network_.theta().end());
  }
  while (!finished_) {
    try {
      run_team(team_, [this](const Member& member) { run_epochs(member); }, [this] { poll(); });
    } catch (...) {
      if (in_epoch_) {
        save_theta();
        std::ranges::copy(step_state_, network_.state().begin());
      }
      throw;
    }
    if (diverged_ != nullptr) throw_divergence();
    if (regroup_) regroup();
    if (hook_due_) {
      hook_due_ = false;
      last_hook_ = Clock::now();
      if (hooks_.end_epoch(history_)) finished_ = true;
    }
  }
  if (pace_.finding().compared != Clock::time_point()) findings().keep(steps_, pace_.finding());
  if (options_.early_stopping && options_.early_stopping->restore_best) {
    if (!state_.theta_is_best) state_.returned = return_to_best();
    state_.theta_is_best = true;
  }
  if (state_.theta_is_best) state_.best_theta = {};
}

template <class T>
void FitRun<T>::run_epochs(const Member& member) {
  if (steps_.members > 1 && !steps_are_long_) {
    const Clock::duration apart = member.size() > 1 ? member.round_trip() : Clock::duration{};
    if (member.rank() == 0) pace_.begin(Clock::now(), member.size() > 1, apart);
  }
  if (batch_run_) batch_run_->read_theta(member);
  do {
    member.alone([this] {  // with the barrier that read_theta needs
      if (!resumes_) begin_epoch();
      resumes_ = false;
      in_epoch_ = true;
    });
    run_epoch(member);
    if (batch_run_ && !batch_run_->write_theta(member)) theta_is_finite_ = false;
    if (member.rank() == 0) in_epoch_ = false;
    if (diverged_ != nullptr || regroup_) return;
    member.barrier();
    if (validation_) {
      validation_->run(member);
      member.barrier();
    }
    member.alone([this] { end_epoch(); });
    if (diverged_ != nullptr) return;
    if (improved_ && !state_.theta_is_best) keep_best_theta(member);
  } while (!finished_ && !hook_due_);
}

template <class T>
void FitRun<T>::run_epoch(const Member& member) {
  for (Index number = next_batch_; diverged_ == nullptr && !regroup_; ++number) {
    const std::optional<Batch<T>> batch = next_batch(member, number);
    if (!batch) return;
    step(member, *batch);
  }
}

template <class T>
std::optional<Batch<T>> FitRun<T>::next_batch(const Member& member, Index number) {
  if (data_ != nullptr) {
    const Index first = number * batch_size_;
    if (first >= samples()) return std::nullopt;
    const Index count = std::min(batch_size_, samples() - first);
    const Index following = fetches_ ? samples() - first - count : 0;
    return Batch<T>{data_, epoch_order_ + first, count, following};
  }
  member.alone([this, number] {
    from_source_ = source_->next();
    if (from_source_) {
      check(*from_source_, network_, losses_, hooks_.where + ", batch " + std::to_string(number));
    }
    grown_ = from_source_ && (!batch_run_ || from_source_->size() > batch_size_);
    // Never for fewer than were guessed: what is done otherwise for the smallest capacities would
    // depend on which batches a fit has seen, and a resumed one has not seen all.
    if (grown_) make_room(std::max(from_source_->size(), guessed_batch));
  });
  if (!from_source_) return std::nullopt;
  if (grown_) {
    batch_run_->read_theta(member);
    member.barrier();
  }
  return Batch<T>{&*from_source_, nullptr, from_source_->size()};
}

template <class T>
void FitRun<T>::step(const Member& member, const Batch<T>& batch) {
  if (member.rank() == 0 && ++steps_since_poll_ >= steps_between_polls_) {
    steps_since_poll_ = 0;
    member.poll();
  }
  batch_run_->forward_backward(member, batch,
                               {true, &dropout_, network_.state().data(), steps_are_long_},
                               !options_.metrics.empty());
  batch_run_->prepare_update(member, batch, optimizer_);
  if (member.rank() == 0) {
    last_rate_ = optimizer_.learning_rate();
    batch_run_->begin_step(optimizer_);
  }
  member.barrier();
  if (member.rank() == 0) {
    account(batch);
    ++next_batch_;
    if (steps_.members > 1) {
      const auto now = Clock::now();
      member.report(now);
      const bool team_is_faster = steps_are_long_ || pace_.wants_team(now);
      regroup_ = (team_is_faster && !crowd().is_here(now)) != (team_ > 1);
    }
    std::ranges::copy(network_.state(), step_state_.begin());
    optimizer_.end_step();
    dropout_.step = ++network_.steps_trained;
  }
  batch_run_->update(member, batch, optimizer_);
  member.barrier();
}

template <class T>
void FitRun<T>::regroup() {
  regroup_ = false;
  resumes_ = true;
  team_ = team_ > 1 ? 1 : steps_.members;
  make_room(batch_size_);
}

template class FitRun<float>;
template class FitRun<double>;

}  // namespace nnbind
