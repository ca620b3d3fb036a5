// The loss and the metrics of a network on a dataset.
#include "evaluate.hpp"

#include <algorithm>
#include <vector>

namespace nnbind {

namespace {

/// Samples evaluated at a time by a member. Their losses and metrics are summed chunk by chunk, so
/// that the sums do not depend on the number of members.
constexpr Index chunk_rows = 96;

}  // namespace

template <class T>
Evaluator<T>::Evaluator(const Network<T>& network, const Dataset<T>& data, LossPointer loss,
                        std::vector<Metric> metrics, int members)
    : network_(&network),
      data_(data),
      loss_(std::move(loss)),
      metrics_(std::move(metrics)),
      workspace_(network.graph(), network.output(), chunk_rows * members, Purpose::inference,
                 loss_->takes_pre_activation(network.output_activation())),
      target_rows_(static_cast<std::size_t>(chunk_rows * members)),
      losses_(target_rows_.size()),
      chunk_losses_(static_cast<std::size_t>((data.size() + chunk_rows - 1) / chunk_rows)),
      chunk_metrics_(metrics_.empty() ? 0 : chunk_losses_.size(), MetricSums(network.outputs())) {}

template <class T>
void Evaluator<T>::run(const Member& member) {
  const Range mine = member.share(static_cast<Index>(chunk_losses_.size()));
  for (Index chunk = mine.begin; chunk < mine.end; ++chunk) {
    const Index first = chunk * chunk_rows;
    evaluate_chunk(chunk, data_.part(first, std::min(chunk_rows, data_.size() - first)),
                   member.rank() * chunk_rows);
  }
}

template <class T>
void Evaluator<T>::evaluate_chunk(Index chunk, const Dataset<T>& part, Index place) {
  const Index count = part.size();
  const T** inputs = workspace_.input_rows(0) + place;
  for (Index i = 0; i < count; ++i) inputs[i] = part.x.row(i);
  const T** targets = target_rows_.data() + place;
  for (Index i = 0; part.labels == nullptr && i < count; ++i) targets[i] = part.targets.row(i);
  workspace_.infer(network_->theta().data(), {place, place + count});

  LossRows<T> rows;
  rows.predictions = workspace_.output().middle_rows(place, count);
  rows.targets = targets;
  rows.labels = part.labels;
  rows.weights = part.weights;
  rows.losses = losses_.data() + place;
  loss_->evaluate(rows, workspace_.pre_activation());
  double sum = 0;
  for (Index i = 0; i < count; ++i) sum += static_cast<double>(rows.losses[i]);
  chunk_losses_[static_cast<std::size_t>(chunk)] = sum;
  if (metrics_.empty()) return;

  const Activation& g = network_->output_activation();
  if (workspace_.pre_activation()) g.template forward<T>(rows.predictions, rows.predictions);
  MetricSums& sums = chunk_metrics_[static_cast<std::size_t>(chunk)];
  sums.clear();
  for (Index i = 0; i < count; ++i) {
    sums.add(
        std::span<const T>(rows.predictions.row(i), static_cast<std::size_t>(network_->outputs())),
        part.labels == nullptr ? targets[i] : nullptr, part.labels == nullptr ? 0 : part.labels[i],
        loss_->decision_threshold(g));
  }
}

template <class T>
Evaluation Evaluator<T>::result() const {
  Evaluation evaluation;
  for (const double loss : chunk_losses_) evaluation.loss += loss;
  if (loss_->reduction() == Reduction::mean) evaluation.loss /= static_cast<double>(data_.size());
  MetricSums sums(network_->outputs());
  for (const MetricSums& part : chunk_metrics_) sums.add(part);
  for (const Metric metric : metrics_) evaluation.metrics.push_back(sums.value(metric));
  return evaluation;
}

template <class T>
int Evaluator<T>::useful_members(const Network<T>& network, Index samples) {
  return threads_for(2 * network.multiply_adds() * static_cast<double>(samples));
}

template <class T>
Evaluation evaluate(const Network<T>& network, const Dataset<T>& data, const LossPointer& loss,
                    const std::vector<Metric>& metrics) {
  check(data, network, *loss, "Network.evaluate");
  const int members = Evaluator<T>::useful_members(network, data.size());
  Evaluator<T> evaluator(network, data, loss, metrics, members);
  run_team(members, [&](const Member& member) { evaluator.run(member); });
  return evaluator.result();
}

#define NNBIND_INSTANTIATE(T)                                                               \
  template class Evaluator<T>;                                                              \
  template Evaluation evaluate<T>(const Network<T>&, const Dataset<T>&, const LossPointer&, \
                                  const std::vector<Metric>&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
