#include "batch_run.hpp"

#include <algorithm>

#include "sum.hpp"

namespace nnbind {

template <class T>
std::vector<bool> pre_activations(const Network<T>& network, const Losses& losses) {
  std::vector<bool> taken;
  for (std::size_t k = 0; k < losses.terms.size(); ++k) {
    const Activation g = network.output_activation(k);
    const bool is_free =
        g.kind() == Activation::Kind::identity || !network.graph().is_read(network.output_ids()[k]);
    taken.push_back(losses.terms[k].loss->takes_pre_activation(g) && is_free);
  }
  return taken;
}

template <class T>
BatchRun<T>::BatchRun(Network<T>& network, const Losses& losses, const Regularizer& regularizer,
                      Index capacity, int members, Purpose purpose, bool clips, bool fetches)
    : network_(&network),
      members_(members),
      workspace_(network, {.capacity = capacity,
                           .purpose = purpose,
                           .pre_activations = pre_activations(network, losses),
                           .members = members,
                           .fetches = fetches}),
      weights_(static_cast<std::size_t>(capacity)),
      penalty_(network.graph(), regularizer) {
  make_outputs(losses, capacity);
  if (clips) norm_.emplace(network.graph());
  make_pieces();
}

template <class T>
void BatchRun<T>::make_outputs(const Losses& losses, Index capacity) {
  const std::vector<bool> taken = pre_activations(*network_, losses);
  const auto rows = static_cast<std::size_t>(capacity);
  for (std::size_t k = 0; k < losses.terms.size(); ++k) {
    const auto& [loss, weight] = losses.terms[k];
    const Activation activation = network_->output_activation(k);
    outputs_.push_back({loss, weight, activation, taken[k], loss->decision_threshold(activation),
                        std::vector<const T*>(rows), std::vector<std::int64_t>(rows),
                        AlignedVector<T>(rows),
                        std::vector<Evaluation>(static_cast<std::size_t>(members_))});
  }
}

template <class T>
void BatchRun<T>::load(const Member& member, Range rows, const Batch<T>& batch) {
  const Dataset<T>& data = *batch.data;
  const auto fill = [order = batch.order](auto* list, Range some, auto&& of_sample) {
    for (Index i = some.begin; i < some.end; ++i) {
      list[i] = of_sample(order == nullptr ? i : order[i]);
      asm("");  // no vectors: to set those up would take longer than a small batch
    }
  };
  const Range listed = workspace_.has_own_lists() ? Range{0, batch.count} : rows;
  for (std::size_t k = 0; k < data.inputs.size(); ++k) {
    const MatrixView<const T>& x = data.inputs[k];
    fill(workspace_.input_rows(k, member.rank()), listed,
         [&](Index sample) { return x.row(sample); });
    if (batch.following > 0) {
      const T** const list = workspace_.next_input_rows(k, member.rank());
      const std::int64_t* const next = batch.order + batch.count;
      for (Index i = 0; i < batch.count; ++i) {
        list[i] = x.row(next[std::min(i, batch.following - 1)]);
      }
    }
  }
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    const Targets<T>& targets = data.targets[k];
    if (targets.labels == nullptr) {
      fill(outputs_[k].target_rows.data(), rows,
           [&](Index sample) { return targets.values.row(sample); });
    } else {
      fill(outputs_[k].labels.data(), rows, [&](Index sample) { return targets.labels[sample]; });
    }
  }
  if (data.weights != nullptr) {
    fill(weights_.data(), rows, [&](Index sample) { return data.weights[sample]; });
  }
}

template <class T>
void BatchRun<T>::forward_backward(const Member& member, const Batch<T>& batch, const Mode<T>& mode,
                                   bool activate) {
  const Range rows = member.share(batch.count);
  load(member, rows, batch);
  workspace_.prepare(member, network_->theta().data(), batch.count, mode);
  workspace_.forward(member);
  for (std::size_t k = 0; k < outputs_.size(); ++k) evaluate(k, member, batch);
  workspace_.backward(member);
  for (std::size_t k = 0; activate && k < outputs_.size(); ++k) {
    if (!outputs_[k].pre_activation) continue;
    const MatrixView<T> output = workspace_.output(k).middle_rows(rows);
    outputs_[k].activation.template forward<T>(output, output);
  }
  if (member.rank() == 0) training_ = mode.training;
  if (penalty_.is_zero()) return;
  each_share(member, [&](const Share& share) {
    for (const Piece& piece : share.pieces) {
      penalty_.add(piece.node, piece.block, piece.theta, batch.count);
    }
  });
}

template <class T>
void BatchRun<T>::evaluate(std::size_t k, const Member& member, const Batch<T>& batch) {
  Output& output = outputs_[k];
  Evaluation& own = output.evaluations[static_cast<std::size_t>(member.rank())];
  if (own.samples != batch.count || own.members != member.size()) prepare(k, member, batch.count);
  const bool labels = batch.data->targets[k].labels != nullptr;
  LossRows<T>& rows = own.rows;
  rows.targets = labels ? nullptr : output.target_rows.data() + own.first;
  rows.labels = labels ? output.labels.data() + own.first : nullptr;
  rows.weights = batch.data->weights == nullptr ? nullptr : weights_.data() + own.first;
  output.loss->evaluate(rows, output.pre_activation);
}

template <class T>
void BatchRun<T>::prepare(std::size_t k, const Member& member, Index samples) {
  Output& output = outputs_[k];
  const Range rows = member.share(samples);
  output.evaluations[static_cast<std::size_t>(member.rank())] = {
      .samples = samples,
      .members = member.size(),
      .first = rows.begin,
      .rows = {.predictions = workspace_.output(k).middle_rows(rows),
               .scale = static_cast<T>(output.weight * output.loss->scale(samples)),
               .losses = output.losses.data() + rows.begin,
               .gradient = workspace_.output_gradient(k).middle_rows(rows)}};
}

template <class T>
double BatchRun<T>::output_loss(const Batch<T>& batch, std::size_t k) const {
  const std::span<const T> losses(outputs_[k].losses.data(), static_cast<std::size_t>(batch.count));
  return sum(losses) * outputs_[k].loss->scale(batch.count);
}

template <class T>
double BatchRun<T>::data_loss(const Batch<T>& batch) const {
  double sum = 0;
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    sum += outputs_[k].weight * output_loss(batch, k);
  }
  return sum;
}

template <class T>
void BatchRun<T>::add_to(std::vector<MetricSums>& sums, const Batch<T>& batch) {
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    const Output& output = outputs_[k];
    const MatrixView<const T> rows = workspace_.output(k);
    const bool values = batch.data->targets[k].labels == nullptr;
    for (Index i = 0; i < batch.count; ++i) {
      const auto place = static_cast<std::size_t>(i);
      sums[k].add(std::span<const T>(rows.row(i), static_cast<std::size_t>(rows.cols)),
                  values ? output.target_rows[place] : nullptr, output.labels[place],
                  output.threshold);
    }
  }
}

template <class T>
void BatchRun<T>::read_theta(const Member& member) {
  workspace_.read(member, network_->theta().data());
}

template <class T>
bool BatchRun<T>::write_theta(const Member& member) {
  return workspace_.write_back(member, network_->theta().data());
}

#define NNBIND_INSTANTIATE(T)                                                      \
  template std::vector<bool> pre_activations<T>(const Network<T>&, const Losses&); \
  template class BatchRun<T>;
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
