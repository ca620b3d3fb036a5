#include "batch_run.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/penalty.hpp"

namespace nnbind {

namespace {

/// Rows of a block of θ updated at a time: a multiple of the register tiles' 12 and 6, and about
/// 16 KiB, so that its gradient is still in the first-level cache when the optimizer reads it.
template <class T>
Index rows_of_blocks(Index cols) {
  constexpr Index tile = 12;
  const Index elements = static_cast<Index>(16 * 1024 / sizeof(T));
  return std::max<Index>(1, elements / (cols * tile)) * tile;
}

}  // namespace

template <class T>
BatchRun<T>::BatchRun(Network<T>& network, LossPointer loss, const Regularizer& regularizer,
                      Index capacity, int members)
    : network_(&network),
      loss_(std::move(loss)),
      regularizer_(regularizer),
      penalized_(regularizer.l1 != 0 || regularizer.l2 != 0),
      workspace_(network.graph(), network.output(), capacity, Purpose::training,
                 loss_->takes_pre_activation(network.output_activation())),
      threshold_(loss_->decision_threshold(network.output_activation())),
      target_rows_(static_cast<std::size_t>(capacity)),
      labels_(target_rows_.size()),
      weights_(target_rows_.size()),
      losses_(target_rows_.size()),
      scratch_(static_cast<std::size_t>(members)) {
  Index largest = 0;
  for (const Node<T>& node : network.graph().nodes()) {
    const Regularizer own = node.op->penalty();
    penalized_ |= own.l1 != 0 || own.l2 != 0;
    const Index rows = std::min(node.parameters.rows, rows_of_blocks<T>(node.parameters.cols + 1));
    largest = std::max(largest, rows * (node.parameters.cols + line_elements<T>));
  }
  for (auto& buffer : scratch_) buffer.resize(static_cast<std::size_t>(largest));
  penalties_.resize(network.graph().nodes().size());
}

template <class T>
double BatchRun<T>::scale(Index samples) const {
  return averages() ? 1.0 / static_cast<double>(samples) : 1.0;
}

template <class T>
void BatchRun<T>::load(Range rows, const Batch<T>& batch) {
  const Dataset<T>& data = *batch.data;
  const T** inputs = workspace_.input_rows(0);
  for (Index i = rows.begin; i < rows.end; ++i) {
    const Index sample = batch.order == nullptr ? i : batch.order[i];
    const auto place = static_cast<std::size_t>(i);
    inputs[i] = data.x.row(sample);
    if (data.labels == nullptr) {
      target_rows_[place] = data.targets.row(sample);
    } else {
      labels_[place] = data.labels[sample];
    }
    if (data.weights != nullptr) weights_[place] = data.weights[sample];
  }
}

template <class T>
void BatchRun<T>::forward_backward(const Member& member, const Batch<T>& batch,
                                   const DropoutKey* dropout, bool activate) {
  const Range rows = member.share(batch.count);
  load(rows, batch);
  workspace_.forward(network_->theta().data(), rows, dropout);
  const MatrixView<T> output = workspace_.output().middle_rows(rows.begin, rows.size());
  LossRows<T> part;
  part.predictions = output;
  if (batch.data->labels == nullptr) {
    part.targets = target_rows_.data() + rows.begin;
  } else {
    part.labels = labels_.data() + rows.begin;
  }
  part.weights = batch.data->weights == nullptr ? nullptr : weights_.data() + rows.begin;
  part.scale = static_cast<T>(scale(batch.count));
  part.losses = losses_.data() + rows.begin;
  part.gradient = workspace_.output_gradient().middle_rows(rows.begin, rows.size());
  loss_->evaluate(part, workspace_.pre_activation());
  workspace_.backward(rows, dropout != nullptr);
  if (activate && workspace_.pre_activation()) {
    network_->output_activation().template forward<T>(output, output);
  }
  if (penalized_) add_penalties(member, batch.count);
}

template <class T>
void BatchRun<T>::add_penalties(const Member& member, Index samples) {
  const auto& nodes = network_->graph().nodes();
  const Range mine = member.share(static_cast<Index>(nodes.size()));
  for (auto id = static_cast<NodeId>(mine.begin); id < static_cast<NodeId>(mine.end); ++id) {
    const Node<T>& node = nodes[id];
    penalties_[id] = 0;
    for (const Range rows :
         {Range{0, node.weight_rows}, Range{node.weight_rows, node.parameters.rows}}) {
      if (rows.size() == 0) continue;
      const Block block = describe(id, rows, samples);
      const auto norms = kernels::norms(static_cast<const T*>(theta_of(block).data),
                                        rows.size() * node.parameters.cols);
      penalties_[id] += static_cast<double>(block.l1) * norms.absolute +
                        static_cast<double>(block.l2) / 2 * norms.square;
    }
  }
}

template <class T>
double BatchRun<T>::data_loss(const Batch<T>& batch) const {
  double sum = 0;
  for (Index i = 0; i < batch.count; ++i) {
    sum += static_cast<double>(losses_[static_cast<std::size_t>(i)]);
  }
  return sum * scale(batch.count);
}

template <class T>
double BatchRun<T>::penalty() const {
  double sum = 0;
  for (const double penalty : penalties_) sum += penalty;
  return sum;
}

template <class T>
void BatchRun<T>::add_to(MetricSums& sums, const Batch<T>& batch) {
  const MatrixView<const T> output = workspace_.output();
  for (Index i = 0; i < batch.count; ++i) {
    const auto place = static_cast<std::size_t>(i);
    sums.add(std::span<const T>(output.row(i), static_cast<std::size_t>(output.cols)),
             batch.data->labels == nullptr ? target_rows_[place] : nullptr, labels_[place],
             threshold_);
  }
}

template <class T>
typename BatchRun<T>::Block BatchRun<T>::describe(NodeId id, Range rows, Index samples) const {
  const Node<T>& node = network_->graph().node(id);
  const bool weights = rows.begin < node.weight_rows;
  const double divisor = regularizer_.divide_by_batch_size ? static_cast<double>(samples) : 1.0;
  const double share = weights || regularizer_.bias ? 1 / divisor : 0;
  const Regularizer own = weights ? node.op->penalty() : Regularizer{};
  return {id, rows, weights, static_cast<T>(own.l1 + share * regularizer_.l1),
          static_cast<T>(own.l2 + share * regularizer_.l2)};
}

template <class T>
template <class F>
void BatchRun<T>::for_my_blocks(const Member& member, Index samples, F f) const {
  const auto& nodes = network_->graph().nodes();
  for (NodeId id = 0; id < nodes.size(); ++id) {
    const Index rows = nodes[id].parameters.rows;
    if (rows == 0) continue;
    const Index step = rows_of_blocks<T>(nodes[id].parameters.cols);
    const Range mine = member.share(rows, 12);
    for (Index first = mine.begin; first < mine.end;) {
      // A block holds weights or biases, not both.
      const Index bound = first < nodes[id].weight_rows ? nodes[id].weight_rows : rows;
      const Index last = std::min({first + step, bound, mine.end});
      f(describe(id, {first, last}, samples));
      first = last;
    }
  }
}

template <class T>
MatrixView<T> BatchRun<T>::theta_of(const Block& block) const {
  return network_->parameters(block.node).middle_rows(block.rows.begin, block.rows.size());
}

template <class T>
void BatchRun<T>::gradient_of(const Block& block, Index samples, MatrixView<T> out) const {
  workspace_.parameter_gradient(block.node, samples, block.rows, false, out);
  if (block.l1 != 0 || block.l2 != 0) {
    kernels::add_penalty_gradient<T>(theta_of(block), block.l1, block.l2, out);
  }
}

template <class T>
void BatchRun<T>::store_gradient(const Member& member, const Batch<T>& batch,
                                 std::span<T> gradient) const {
  for_my_blocks(member, batch.count, [&](const Block& block) {
    const MatrixView<T> theta = theta_of(block);
    const Index offset = theta.data - network_->theta().data();
    gradient_of(block, batch.count,
                {gradient.data() + offset, theta.rows, theta.cols, theta.stride});
  });
}

template <class T>
void BatchRun<T>::update(const Member& member, const Batch<T>& batch, Optimizer& optimizer) {
  T* const buffer = scratch_[static_cast<std::size_t>(member.rank())].data();
  for_my_blocks(member, batch.count, [&](const Block& block) {
    const MatrixView<T> theta = theta_of(block);
    constexpr Index line = line_elements<T>;
    const Index stride = (theta.cols + line - 1) / line * line;
    const MatrixView<T> gradient{buffer, theta.rows, theta.cols, stride};
    gradient_of(block, batch.count, gradient);
    optimizer.update(
        UpdateBlock<T>{theta, gradient, theta.data - network_->theta().data(), block.weights});
    workspace_.cache_parameters(block.node, network_->theta().data(), block.rows);
  });
}

template <class T>
void BatchRun<T>::clipped_update(const Member& member, const Batch<T>& batch,
                                 Optimizer& optimizer) {
  const std::span<T> gradient = network_->gradient();
  store_gradient(member, batch, gradient);
  member.barrier();
  if (member.rank() == 0) {
    const double square =
        kernels::norms(static_cast<const T*>(gradient.data()), network_->parameter_count()).square;
    clip_scale_ = std::min(1.0, *optimizer.clip_norm() / std::sqrt(square));
  }
  member.barrier();
  for_my_blocks(member, batch.count, [&](const Block& block) {
    const MatrixView<T> theta = theta_of(block);
    const Index offset = theta.data - network_->theta().data();
    const MatrixView<T> values{gradient.data() + offset, theta.rows, theta.cols, theta.stride};
    for (Index i = 0; i < theta.rows * theta.cols; ++i) {
      values.data[i] *= static_cast<T>(clip_scale_);
    }
    optimizer.update(UpdateBlock<T>{theta, values, offset, block.weights});
    workspace_.cache_parameters(block.node, network_->theta().data(), block.rows);
  });
}

template <class T>
void BatchRun<T>::refresh(const Member& member) {
  const auto& nodes = network_->graph().nodes();
  for (NodeId id = 0; id < nodes.size(); ++id) {
    workspace_.cache_parameters(id, network_->theta().data(),
                                member.share(nodes[id].parameters.rows));
  }
}

template class BatchRun<float>;
template class BatchRun<double>;

}  // namespace nnbind
