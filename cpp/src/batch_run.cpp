#include "batch_run.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/penalty.hpp"

namespace nnbind {

namespace {

/// θ is updated in pieces of about 16 KiB, so that a piece's gradient is still in the first-level
/// cache when the optimizer reads it. Their rows are a multiple of the register tiles' 12 and 6 and
/// of the transpose's 16.
constexpr Index tile = 48;
template <class T>
constexpr Index piece_elements = static_cast<Index>(16 * std::size_t{1024} / sizeof(T));

/// Elements from one row of a piece's gradient to the next: whole cache lines.
template <class T>
Index piece_stride(Index cols) {
  return (cols + line_elements<T> - 1) / line_elements<T> * line_elements<T>;
}

template <class T>
Index rows_of_pieces(Index cols) {
  return std::max<Index>(1, piece_elements<T> / (piece_stride<T>(cols) * tile)) * tile;
}

}  // namespace

template <class T>
BatchRun<T>::BatchRun(Network<T>& network, LossPointer loss, const Regularizer& regularizer,
                      Index capacity, int members, Purpose purpose)
    : network_(&network),
      loss_(std::move(loss)),
      regularizer_(regularizer),
      penalized_(regularizer.l1 != 0 || regularizer.l2 != 0),
      workspace_(network.graph(), network.output(), capacity, purpose,
                 loss_->takes_pre_activation(network.output_activation()), members),
      threshold_(loss_->decision_threshold(network.output_activation())),
      target_rows_(static_cast<std::size_t>(capacity)),
      labels_(target_rows_.size()),
      weights_(target_rows_.size()),
      losses_(target_rows_.size()),
      scratch_(static_cast<std::size_t>(members)) {
  Index widest = 0;
  for (const Node<T>& node : network.graph().nodes()) {
    const Regularizer own = node.op->penalty();
    penalized_ |= own.l1 != 0 || own.l2 != 0;
    widest = std::max(widest, node.parameters.cols);
  }
  const Index largest = std::max(piece_elements<T>, tile * piece_stride<T>(widest));
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
  workspace_.forward(member, network_->theta().data(), batch.count, dropout);
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
  workspace_.backward(member, batch.count, dropout != nullptr);
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
      const Piece piece = describe(id, {rows, {0, node.parameters.cols}}, samples);
      if (piece.l1 == 0 && piece.l2 == 0) continue;
      const kernels::Norms norms = kernels::norms<T>(
          workspace_.parameters(id, network_->theta().data()).middle_rows(rows.begin, rows.size()));
      penalties_[id] += static_cast<double>(piece.l1) * norms.absolute +
                        static_cast<double>(piece.l2) / 2 * norms.square;
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
typename BatchRun<T>::Piece BatchRun<T>::describe(NodeId id, Block block, Index samples) const {
  const Node<T>& node = network_->graph().node(id);
  const bool weights = block.rows.begin < node.weight_rows;
  const double divisor = regularizer_.divide_by_batch_size ? static_cast<double>(samples) : 1.0;
  const double share = weights || regularizer_.bias ? 1 / divisor : 0;
  const Regularizer own = weights ? node.op->penalty() : Regularizer{};
  return {id, block, weights, static_cast<T>(own.l1 + share * regularizer_.l1),
          static_cast<T>(own.l2 + share * regularizer_.l2)};
}

template <class T>
template <class F>
void BatchRun<T>::for_my_pieces(const Member& member, Index samples, F f) const {
  const auto& nodes = network_->graph().nodes();
  for (NodeId id = 0; id < nodes.size(); ++id) {
    if (nodes[id].parameters.size() == 0) continue;
    const auto [rows, cols] = workspace_.my_parameters(member, id);
    if (cols.size() == 0) continue;
    const Index width = workspace_.is_packed(id) ? panel_columns<T> : cols.size();
    const Index height = rows_of_pieces<T>(width);
    for (Index left = cols.begin; left < cols.end; left += width) {
      const Range some_cols{left, std::min(left + width, cols.end)};
      for (Index first = rows.begin; first < rows.end;) {
        // A piece holds weights or biases, not both.
        const Index bound = first < nodes[id].weight_rows ? nodes[id].weight_rows : rows.end;
        const Index last = std::min({first + height, bound, rows.end});
        f(describe(id, {{first, last}, some_cols}, samples));
        first = last;
      }
    }
  }
}

template <class T>
MatrixView<T> BatchRun<T>::parameters_of(const Piece& piece) {
  const auto [rows, cols] = piece.block;
  return workspace_.parameters(piece.node, network_->theta().data())
      .view(cols.begin, cols.size())
      .middle_rows(rows.begin, rows.size());
}

template <class T>
Index BatchRun<T>::offset_of(const Piece& piece) const {
  const Node<T>& node = network_->graph().node(piece.node);
  return node.offset + piece.block.rows.begin * node.parameters.cols + piece.block.cols.begin;
}

template <class T>
void BatchRun<T>::gradient_of(const Piece& piece, Index samples, MatrixView<T> out) {
  workspace_.parameter_gradient(piece.node, samples, piece.block, false, out);
  if (piece.l1 != 0 || piece.l2 != 0) {
    kernels::add_penalty_gradient<T>(parameters_of(piece), piece.l1, piece.l2, out);
  }
}

template <class T>
MatrixView<T> BatchRun<T>::stored_gradient(const Piece& piece, std::span<T> gradient) const {
  return {gradient.data() + offset_of(piece), piece.block.rows.size(), piece.block.cols.size(),
          network_->graph().node(piece.node).parameters.cols};
}

template <class T>
void BatchRun<T>::store_gradient(const Member& member, const Batch<T>& batch,
                                 std::span<T> gradient) {
  for_my_pieces(member, batch.count, [&](const Piece& piece) {
    gradient_of(piece, batch.count, stored_gradient(piece, gradient));
  });
}

template <class T>
void BatchRun<T>::update(const Member& member, const Batch<T>& batch, Optimizer& optimizer) {
  T* const buffer = scratch_[static_cast<std::size_t>(member.rank())].data();
  for_my_pieces(member, batch.count, [&](const Piece& piece) {
    const auto [rows, cols] = piece.block;
    const MatrixView<T> gradient{buffer, rows.size(), cols.size(), piece_stride<T>(cols.size())};
    gradient_of(piece, batch.count, gradient);
    step(piece, gradient, optimizer);
  });
}

template <class T>
void BatchRun<T>::step(const Piece& piece, MatrixView<T> gradient, Optimizer& optimizer) {
  const Index stride = network_->graph().node(piece.node).parameters.cols;
  optimizer.update(
      UpdateBlock<T>{parameters_of(piece), gradient, offset_of(piece), stride, piece.weights});
  workspace_.cache_parameters(piece.node, network_->theta().data(), piece.block);
}

template <class T>
void BatchRun<T>::clipped_update(const Member& member, const Batch<T>& batch,
                                 Optimizer& optimizer) {
  const std::span<T> gradient = network_->gradient();
  store_gradient(member, batch, gradient);
  member.barrier();
  if (member.rank() == 0) {
    const Index size = network_->parameter_count();
    const double square =
        kernels::norms<T>(Panels<T>::plain({gradient.data(), 1, size, size})).square;
    clip_scale_ = std::min(1.0, *optimizer.clip_norm() / std::sqrt(square));
  }
  member.barrier();
  for_my_pieces(member, batch.count, [&](const Piece& piece) {
    const MatrixView<T> part = stored_gradient(piece, gradient);
    for (Index i = 0; i < part.rows; ++i) {
      for (Index j = 0; j < part.cols; ++j) part(i, j) *= static_cast<T>(clip_scale_);
    }
    step(piece, part, optimizer);
  });
}

template <class T>
void BatchRun<T>::read_theta(const Member& member) {
  workspace_.read(member, network_->theta().data());
}

template <class T>
void BatchRun<T>::write_theta(const Member& member) {
  workspace_.write_back(member, network_->theta().data());
}

template class BatchRun<float>;
template class BatchRun<double>;

}  // namespace nnbind
