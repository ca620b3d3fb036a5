// The loss and the metrics of a network on a dataset.
#include "evaluate.hpp"

#include <algorithm>
#include <vector>

#include "batch_run.hpp"
#include "metric_names.hpp"

namespace nnbind {

namespace {

/// Samples evaluated at a time by a member: few enough for their activations to stay in the cache,
/// in chunks that two or four members can share evenly. Losses and metrics are summed chunk by
/// chunk, so that the sums do not depend on the number of members.
Index chunk_size(Index samples) {
  constexpr Index least = 24, sharers = 4;
  const Index chunks = sharers * ceil_div(samples, sharers * rows_at_a_time);
  return std::max(least, ceil_div(samples, chunks));
}

}  // namespace

template <class T>
std::vector<MetricSums> empty_sums(const Network<T>& network) {
  std::vector<MetricSums> sums;
  for (const NodeId id : network.output_ids()) {
    sums.emplace_back(network.graph().node(id).shape.cols);
  }
  return sums;
}

std::vector<double> metric_values(const std::vector<double>& losses,
                                  const std::vector<MetricSums>& sums,
                                  const std::vector<Metric>& metrics) {
  std::vector<double> values;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    if (sums.size() > 1) values.push_back(losses[k]);
    for (const Metric metric : metrics) values.push_back(sums[k].value(metric));
  }
  return values;
}

double weighted_sum(const Losses& losses, const std::vector<double>& values) {
  double sum = 0;
  for (std::size_t k = 0; k < values.size(); ++k) sum += losses.terms[k].weight * values[k];
  return sum;
}

Index parts_between_polls(double flops) {
  return 1 + static_cast<Index>(2e6 / std::max(flops, 1.0));
}

template <class T>
Evaluator<T>::Evaluator(const Network<T>& network, const Dataset<T>& data, Losses losses,
                        std::vector<Metric> metrics, int members,
                        std::span<const std::int64_t> samples)
    : network_(&network),
      data_(data),
      losses_(std::move(losses)),
      metrics_(std::move(metrics)),
      samples_(samples),
      chunk_rows_(chunk_size(size())),
      pre_activations_(pre_activations(network, losses_)),
      workspace_(network, {.capacity = chunk_rows_ * members, .pre_activations = pre_activations_}),
      target_rows_(static_cast<std::size_t>(chunk_rows_ * members)),
      labels_(target_rows_.size()),
      row_weights_(target_rows_.size()),
      row_losses_(target_rows_.size()),
      chunks_(ceil_div(size(), chunk_rows_)),
      chunks_between_polls_(
          parts_between_polls(2 * network.work() * static_cast<double>(chunk_rows_))),
      chunk_losses_(losses_.terms.size(), std::vector<double>(static_cast<std::size_t>(chunks_))) {
  for (const MetricSums& sums : empty_sums(network)) {
    chunk_metrics_.emplace_back(metrics_.empty() ? 0 : static_cast<std::size_t>(chunks_), sums);
  }
}

template <class T>
void Evaluator<T>::run(const Member& member) {
  if (workspace_.has_fixed()) {
    if (member.rank() == 0) workspace_.infer_fixed(network_->theta().data());
    member.barrier();
  }
  const Range mine = member.share(chunks_);
  for (Index chunk = mine.begin; chunk < mine.end; ++chunk) {
    if (chunk % chunks_between_polls_ == 0) member.poll();
    const Index first = chunk * chunk_rows_;
    evaluate_chunk(chunk, first, std::min(chunk_rows_, size() - first),
                   member.rank() * chunk_rows_);
  }
}

template <class T>
void Evaluator<T>::evaluate_chunk(Index chunk, Index first, Index count, Index place) {
  for (std::size_t k = 0; k < data_.inputs.size(); ++k) {
    const T** inputs = workspace_.input_rows(k) + place;
    for (Index i = 0; i < count; ++i) inputs[i] = data_.inputs[k].row(sample(first + i));
  }
  workspace_.infer(network_->theta().data(), {place, place + count});
  for (std::size_t k = 0; k < data_.targets.size(); ++k) {
    evaluate_output(k, chunk, first, count, place);
  }
}

template <class T>
void Evaluator<T>::evaluate_output(std::size_t k, Index chunk, Index first, Index count,
                                   Index place) {
  const Targets<T>& y = data_.targets[k];
  const Loss& loss = *losses_.terms[k].loss;
  const T** targets = target_rows_.data() + place;
  std::int64_t* labels = labels_.data() + place;
  for (Index i = 0; i < count; ++i) {
    const Index which = sample(first + i);
    if (y.labels == nullptr) {
      targets[i] = y.values.row(which);
    } else {
      labels[i] = y.labels[which];
    }
    if (data_.weights != nullptr)
      row_weights_[static_cast<std::size_t>(place + i)] = data_.weights[which];
  }

  LossRows<T> rows;
  rows.predictions = workspace_.output(k).middle_rows(place, count);
  rows.targets = targets;
  rows.labels = y.labels == nullptr ? nullptr : labels;
  rows.weights = data_.weights == nullptr ? nullptr : row_weights_.data() + place;
  rows.losses = row_losses_.data() + place;
  loss.evaluate(rows, pre_activations_[k]);
  double sum = 0;
  for (Index i = 0; i < count; ++i) sum += static_cast<double>(rows.losses[i]);
  chunk_losses_[k][static_cast<std::size_t>(chunk)] = sum;
  if (metrics_.empty()) return;

  const Activation g = network_->output_activation(k);
  if (pre_activations_[k]) g.template forward<T>(rows.predictions, rows.predictions);
  MetricSums& sums = chunk_metrics_[k][static_cast<std::size_t>(chunk)];
  sums.clear();
  for (Index i = 0; i < count; ++i) {
    sums.add(std::span<const T>(rows.predictions.row(i),
                                static_cast<std::size_t>(rows.predictions.cols)),
             y.labels == nullptr ? targets[i] : nullptr, y.labels == nullptr ? 0 : rows.labels[i],
             loss.decision_threshold(g));
  }
}

template <class T>
Evaluation Evaluator<T>::result(std::span<MetricSums> beside) const {
  std::vector<double> values;
  std::vector<MetricSums> sums = empty_sums(*network_);
  for (std::size_t k = 0; k < chunk_losses_.size(); ++k) {
    double value = 0;
    for (const double loss : chunk_losses_[k]) value += loss;
    const bool averages = losses_.terms[k].loss->reduction() == Reduction::mean;
    values.push_back(averages ? value / static_cast<double>(size()) : value);
    for (const MetricSums& part : chunk_metrics_[k]) sums[k].add(part);
    if (!beside.empty()) sums[k].share_threshold(beside[k]);
  }
  return {weighted_sum(losses_, values), metric_values(values, sums, metrics_)};
}

template <class T>
int Evaluator<T>::useful_members(const Network<T>& network, const Losses& losses, Index samples) {
  if (losses.run_alone()) return 1;
  return network.threads(2 * network.work() * static_cast<double>(samples));
}

template <class T>
Evaluation evaluate(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                    const std::vector<Metric>& metrics) {
  check(data, network, losses, "Network.evaluate");
  check_metric_names(network, metrics, false, "Network.evaluate");
  const int members = Evaluator<T>::useful_members(network, losses, data.size());
  Evaluator<T> evaluator(network, data, losses, metrics, members);
  run_team(members, [&](const Member& member) { evaluator.run(member); });
  return evaluator.result();
}

#define NNBIND_INSTANTIATE(T)                                                          \
  template class Evaluator<T>;                                                         \
  template std::vector<MetricSums> empty_sums<T>(const Network<T>&);                   \
  template Evaluation evaluate<T>(const Network<T>&, const Dataset<T>&, const Losses&, \
                                  const std::vector<Metric>&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
