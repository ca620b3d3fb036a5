// What the first member of a fit's team does alone: the order of an epoch, its account, its end.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "fit_run.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

namespace {

constexpr double poll_interval = 0.05;  // seconds

bool averages(const Losses& losses, std::size_t k) {
  return losses.terms[k].loss->reduction() == Reduction::mean;
}

void append(std::vector<std::vector<double>>& lists, const std::vector<double>& values) {
  for (std::size_t k = 0; k < lists.size(); ++k) lists[k].push_back(values[k]);
}

/// Room for one more, so that adding it cannot fail.
void make_room_for_one(std::vector<double>& list) {
  if (list.size() == list.capacity()) list.reserve(std::max<std::size_t>(8, 2 * list.size()));
}

/// The same for a whole epoch, which must be in all lists or in none.
void make_room_for_one(History& history) {
  for (auto* list : {&history.loss, &history.val_loss, &history.learning_rate, &history.seconds}) {
    make_room_for_one(*list);
  }
  for (auto* lists : {&history.metrics, &history.val_metrics}) {
    for (std::vector<double>& list : *lists) make_room_for_one(list);
  }
}

}  // namespace

template <class T>
void FitRun<T>::begin_epoch() {
  epoch_start_ = Clock::now();
  samples_ = 0;
  next_batch_ = 0;
  std::ranges::fill(loss_sums_, 0);
  penalty_sum_ = 0;
  for (MetricSums& sums : metric_sums_) sums.clear();
  dropout_.step = network_.steps_trained;
  std::ranges::copy(network_.state(), step_state_.begin());
  if (source_ != nullptr) return source_->begin_epoch();
  epoch_order_ = order_.data();
  if (!options_.sample_order.empty()) {
    const bool same = options_.sample_order.size() == order_.size();
    epoch_order_ = options_.sample_order.data() + (same ? 0 : state_.epoch * samples());
  } else if (options_.shuffle) {
    epoch_order(dropout_.seed, network_.epochs_trained, order_);
  } else {
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
  }
  if (options_.samples.empty()) return;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    order_[i] = options_.samples[static_cast<std::size_t>(epoch_order_[i])];
  }
  epoch_order_ = order_.data();
}

template <class T>
void FitRun<T>::account(const Batch<T>& batch) {
  const auto count = static_cast<double>(batch.count);
  double value = batch_run_->penalty();
  penalty_sum_ += value * count;
  for (std::size_t k = 0; k < loss_sums_.size(); ++k) {
    const double loss = batch_run_->output_loss(batch, k);
    loss_sums_[k] += averages(losses_, k) ? loss * count : loss;
    value += losses_.terms[k].weight * loss;
  }
  samples_ += batch.count;
  if (!options_.metrics.empty()) batch_run_->add_to(metric_sums_, batch);
  if (!std::isfinite(value)) diverged_ = "the loss";
}

template <class T>
void FitRun<T>::poll() {
  if (!hooks_.poll || seconds_since(last_poll_) < poll_interval) return;
  last_poll_ = Clock::now();
  hooks_.poll();
}

// Of each output, over the epoch's samples.
template <class T>
std::vector<double> FitRun<T>::output_losses() const {
  std::vector<double> losses = loss_sums_;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    if (averages(losses_, k)) losses[k] /= static_cast<double>(samples_);
  }
  return losses;
}

template <class T>
void FitRun<T>::end_epoch() {
  require(samples_ > 0, hooks_.where,
          "the iterator gave no batch in epoch " + std::to_string(state_.epoch) +
              "; pass a list, or an object whose iter() begins anew");
  const Evaluation validation = validation_ ? validation_->result(metric_sums_) : Evaluation{};
  // The loss says nothing of what the last step has made of θ.
  if (!theta_is_finite_) {
    diverged_ = "theta";
  } else if (!std::isfinite(validation.loss)) {
    diverged_ = "the validation loss";
  }
  if (diverged_ != nullptr) return;
  record_epoch(validation);
  const double monitored = validation_ ? validation.loss : history_.loss.back();
  ++network_.epochs_trained;
  ++state_.epoch;
  state_.samples = samples_;
  state_.steps = network_.steps_trained;
  note_best(monitored);
  optimizer_.schedule().end_epoch(monitored);
  finished_ = state_.stopped || state_.epoch == options_.epochs;
  hook_due_ = hooks_.end_epoch && (finished_ || seconds_since(last_hook_) >= hooks_.interval);
  // Else it is kept: the next epoch changes it, and the hook may.
  state_.theta_is_best = improved_ && finished_ && !hook_due_;
}

template <class T>
void FitRun<T>::record_epoch(const Evaluation& validation) {
  const std::vector<double> losses = output_losses();
  const std::vector<double> metrics = metric_values(losses, metric_sums_, options_.metrics);
  make_room_for_one(history_);
  history_.loss.push_back(weighted_sum(losses_, losses) +
                          penalty_sum_ / static_cast<double>(samples_));
  history_.learning_rate.push_back(last_rate_);
  append(history_.metrics, metrics);
  if (validation_) {
    history_.val_loss.push_back(validation.loss);
    append(history_.val_metrics, validation.metrics);
  }
  history_.seconds.push_back(seconds_since(epoch_start_));
}

template <class T>
void FitRun<T>::note_best(double monitored) {
  const double min_delta = options_.early_stopping ? options_.early_stopping->min_delta : 0;
  improved_ = monitored < state_.best - min_delta;
  if (improved_) {
    state_.best = monitored;
    history_.best_epoch = state_.epoch - 1;
    std::ranges::copy(network_.state(), state_.best_state.begin());
    state_.epochs_without_improvement = 0;
  } else if (++state_.epochs_without_improvement; options_.early_stopping) {
    state_.stopped = state_.epochs_without_improvement >= options_.early_stopping->patience;
  }
}

// By all members, between two barriers: of the largest networks it takes the time of a tenth of a
// step.
template <class T>
void FitRun<T>::keep_best_theta(const Member& member) {
  const std::span<const T> theta = std::as_const(network_).theta();
  const Range mine = member.share(std::ssize(theta), line_elements<T>);
  std::copy(theta.begin() + mine.begin, theta.begin() + mine.end,
            state_.best_theta.begin() + mine.begin);
}

// Whether the network was elsewhere: after another epoch, or where a callback had taken it.
template <class T>
bool FitRun<T>::return_to_best() {
  const std::span<T> theta = network_.theta(), state = network_.state();
  const bool is_there = history_.best_epoch == state_.epoch - 1 &&
                        std::ranges::equal(state_.best_theta, theta) &&
                        std::ranges::equal(state_.best_state, state);
  std::ranges::copy(state_.best_theta, theta.begin());
  std::ranges::copy(state_.best_state, state.begin());
  return !is_there;
}

template <class T>
void FitRun<T>::throw_divergence() {
  return_to_best();
  optimizer_.forget();  // its momenta are no longer finite either
  const std::string back = history_.best_epoch < 0
                               ? "where the fit began"
                               : "at epoch " + std::to_string(history_.best_epoch) + ", its best";
  throw DivergenceError("[" + hooks_.where + "] " + std::string(diverged_) +
                        " is no longer finite in epoch " + std::to_string(state_.epoch) +
                        " at learning rate " + number_text(last_rate_) + "; the network is back " +
                        back + ". A smaller learning rate may help");
}

#define NNBIND_INSTANTIATE(T)                              \
  template void FitRun<T>::begin_epoch();                  \
  template void FitRun<T>::account(const Batch<T>&);       \
  template void FitRun<T>::poll();                         \
  template void FitRun<T>::end_epoch();                    \
  template void FitRun<T>::keep_best_theta(const Member&); \
  template bool FitRun<T>::return_to_best();               \
  template void FitRun<T>::throw_divergence();
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
