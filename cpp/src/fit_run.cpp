#include "fit_run.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

constexpr double poll_interval = 0.05;  // seconds
constexpr Index guessed_batch = 32;     // of an iterator that has not said

Index largest_batch(Index batch_size, Index samples) {
  return batch_size == 0 ? samples : std::min(batch_size, samples);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void epoch_order(std::uint64_t seed, std::uint64_t epoch, std::span<std::int64_t> order) {
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Random(seed, epoch).shuffle(order);
}

template <class T>
FitRun<T>::FitRun(Network<T>& network, const Dataset<T>* data, BatchSource<T>* source,
                  const LossPointer& loss, Optimizer& optimizer, const FitOptions& options,
                  History& history, const Dataset<T>* validation, const FitHooks& hooks)
    : network_(network),
      data_(data),
      source_(source),
      loss_(loss),
      optimizer_(optimizer),
      options_(options),
      history_(history),
      hooks_(hooks),
      batch_size_(data != nullptr ? largest_batch(options.batch_size, data->size())
                                  : std::max<Index>(options.batch_size, guessed_batch)),
      members_(threads_for(6 * network.multiply_adds() * static_cast<double>(batch_size_))),
      steps_between_polls_(1 + static_cast<Index>(2e6 / (6 * network.multiply_adds() *
                                                         static_cast<double>(batch_size_)))),
      metric_sums_(network.outputs()),
      best_theta_(network.theta().begin(), network.theta().end()) {
  make_room(batch_size_);
  history_ = {};
  history_.started = true;
  history_.metric_kinds = options.metrics;
  history_.metrics.resize(options.metrics.size());
  if (validation != nullptr) {
    validation_.emplace(network, *validation, loss, options.metrics, members_);
    history_.val_metrics.resize(options.metrics.size());
  }
  if (data_ != nullptr) order_.resize(static_cast<std::size_t>(data_->size()));
  dropout_.seed = options.seed;
  last_hook_ = last_poll_ = Clock::now();
  finished_ = options.epochs == 0;
}

template <class T>
void FitRun<T>::make_room(Index samples) {
  if (batch_run_) {  // what the old one holds must not be lost
    TeamState nobody_else(1);
    batch_run_->write_theta(Member(nobody_else, 0));
  }
  batch_run_.emplace(network_, loss_, options_.regularizer, samples, members_, Purpose::fit);
  batch_size_ = samples;
}

template <class T>
void FitRun<T>::run() {
  while (!finished_) {
    run_team(members_, [this](const Member& member) { run_epochs(member); });
    if (diverged_) throw_divergence();
    if (interruption_) std::rethrow_exception(interruption_);
    if (hook_due_) {
      hook_due_ = false;
      last_hook_ = Clock::now();
      if (hooks_.end_epoch(history_)) finished_ = true;
    }
  }
  if (options_.early_stopping && options_.early_stopping->restore_best) {
    std::ranges::copy(best_theta_, network_.theta().begin());
  }
}

template <class T>
void FitRun<T>::run_epochs(const Member& member) {
  batch_run_->read_theta(member);
  do {  // alone() has the barrier that read_theta needs
    if (!member.alone([this] { begin_epoch(); })) return;
    run_epoch(member);
    batch_run_->write_theta(member);
    if (stop_ || member.failed()) return;
    member.barrier();
    if (validation_) {
      validation_->run(member);
      member.barrier();
    }
    if (!member.alone([this] { end_epoch(); })) return;
  } while (!finished_ && !hook_due_);
}

template <class T>
void FitRun<T>::run_epoch(const Member& member) {
  for (Index number = 0; !stop_; ++number) {
    const std::optional<Batch<T>> batch = next_batch(member, number);
    if (!batch) return;
    step(member, *batch);
  }
}

template <class T>
std::optional<Batch<T>> FitRun<T>::next_batch(const Member& member, Index number) {
  if (data_ != nullptr) {
    const Index first = number * batch_size_;
    if (first >= data_->size()) return std::nullopt;
    return Batch<T>{data_, epoch_order_ + first, std::min(batch_size_, data_->size() - first)};
  }
  const bool fetched = member.alone([this] {
    from_source_ = source_->next();
    grown_ = from_source_ && from_source_->size() > batch_size_;
    if (grown_) make_room(from_source_->size());
  });
  if (!fetched || !from_source_) return std::nullopt;
  if (grown_) {
    batch_run_->read_theta(member);
    member.barrier();
  }
  return Batch<T>{&*from_source_, nullptr, from_source_->size()};
}

// Two barriers a step, and more where layers are split by columns (workspace_plan.cpp) or the
// gradient is clipped: rows of the batch are shared out before the first, rows of θ after it.
template <class T>
void FitRun<T>::step(const Member& member, const Batch<T>& batch) {
  if (member.rank() == 0) {
    last_rate_ = optimizer_.learning_rate();
    optimizer_.begin_step();
  }
  batch_run_->forward_backward(member, batch, &dropout_, !options_.metrics.empty());
  member.barrier();
  if (member.rank() == 0) {
    account(batch);
    optimizer_.end_step();
    dropout_.step = ++network_.steps_trained;
  }
  if (optimizer_.clip_norm()) {
    batch_run_->clipped_update(member, batch, optimizer_);
  } else {
    batch_run_->update(member, batch, optimizer_);
  }
  member.barrier();
}

template <class T>
void FitRun<T>::begin_epoch() {
  epoch_start_ = Clock::now();
  samples_ = 0;
  loss_sum_ = 0;
  penalty_sum_ = 0;
  metric_sums_.clear();
  dropout_.step = network_.steps_trained;
  if (source_ != nullptr) return source_->begin_epoch();
  const std::size_t samples = order_.size();
  if (!options_.sample_order.empty()) {
    const bool same = options_.sample_order.size() == samples;
    epoch_order_ =
        options_.sample_order.data() + (same ? 0 : static_cast<std::size_t>(epoch_) * samples);
    return;
  }
  if (options_.shuffle) {
    epoch_order(options_.seed, network_.epochs_trained, order_);
  } else {
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
  }
  epoch_order_ = order_.data();
}

template <class T>
void FitRun<T>::account(const Batch<T>& batch) {
  const double data_loss = batch_run_->data_loss(batch);
  const double penalty = batch_run_->penalty();
  const auto count = static_cast<double>(batch.count);
  samples_ += batch.count;
  loss_sum_ += batch_run_->averages() ? data_loss * count : data_loss;
  penalty_sum_ += penalty * count;
  if (!options_.metrics.empty()) batch_run_->add_to(metric_sums_, batch);
  if (!std::isfinite(data_loss + penalty)) {
    diverged_ = true;
    stop_ = true;
  }
  if (++steps_since_poll_ >= steps_between_polls_) poll();
}

template <class T>
void FitRun<T>::poll() {
  steps_since_poll_ = 0;
  if (!hooks_.poll || seconds_since(last_poll_) < poll_interval) return;
  last_poll_ = Clock::now();
  try {
    hooks_.poll();
  } catch (...) {
    interruption_ = std::current_exception();
    stop_ = true;
  }
}

template <class T>
void FitRun<T>::end_epoch() {
  require(samples_ > 0, "Network.fit",
          "the iterator gave no batch in epoch " + std::to_string(epoch_) +
              "; pass a list, or an object whose iter() begins anew");
  const auto samples = static_cast<double>(samples_);
  history_.loss.push_back((batch_run_->averages() ? loss_sum_ / samples : loss_sum_) +
                          penalty_sum_ / samples);
  history_.learning_rate.push_back(last_rate_);
  for (std::size_t k = 0; k < options_.metrics.size(); ++k) {
    history_.metrics[k].push_back(metric_sums_.value(options_.metrics[k]));
  }
  double monitored = history_.loss.back();
  if (validation_) {
    const Evaluation evaluation = validation_->result();
    monitored = evaluation.loss;
    history_.val_loss.push_back(monitored);
    for (std::size_t k = 0; k < options_.metrics.size(); ++k) {
      history_.val_metrics[k].push_back(evaluation.metrics[k]);
    }
  }
  history_.seconds.push_back(seconds_since(epoch_start_));
  ++network_.epochs_trained;
  ++epoch_;
  note_best(monitored);
  optimizer_.schedule().end_epoch(monitored);
  finished_ = finished_ || epoch_ == options_.epochs;
  hook_due_ = hooks_.end_epoch && (finished_ || seconds_since(last_hook_) >= hooks_.interval);
}

template <class T>
void FitRun<T>::note_best(double monitored) {
  const double min_delta = options_.early_stopping ? options_.early_stopping->min_delta : 0;
  if (monitored < best_ - min_delta) {
    best_ = monitored;
    history_.best_epoch = epoch_ - 1;
    std::ranges::copy(network_.theta(), best_theta_.begin());
    epochs_without_improvement_ = 0;
  } else if (++epochs_without_improvement_; options_.early_stopping) {
    finished_ = epochs_without_improvement_ >= options_.early_stopping->patience;
  }
}

template <class T>
void FitRun<T>::throw_divergence() {
  std::ranges::copy(best_theta_, network_.theta().begin());
  optimizer_.reset();  // its momenta are no longer finite either
  const std::string back = history_.best_epoch < 0
                               ? "where the fit began"
                               : "at epoch " + std::to_string(history_.best_epoch) + ", its best";
  throw DivergenceError("[Network.fit] the loss is no longer finite in epoch " +
                        std::to_string(epoch_) + " at learning rate " + number_text(last_rate_) +
                        "; the network is back " + back + ". A smaller learning rate may help");
}

template class FitRun<float>;
template class FitRun<double>;

}  // namespace nnbind
