// The second half of a step: the gradient of θ, piece by piece, and the optimizer's update.
#include <algorithm>
#include <cmath>

#include "batch_run.hpp"
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
void BatchRun<T>::make_pieces(int members) {
  TeamState team(members);
  for (int rank = 0; rank < members; ++rank) pieces_.push_back(pieces_of(Member(team, rank)));
  Index widest = 0;
  for (const Node<T>& node : network_->graph().nodes()) {
    widest = std::max(widest, node.parameters.cols);
  }
  const Index largest = std::max(piece_elements<T>, tile * piece_stride<T>(widest));
  scratch_.resize(static_cast<std::size_t>(members));
  for (auto& buffer : scratch_) buffer.resize(static_cast<std::size_t>(largest));
}

template <class T>
typename BatchRun<T>::Piece BatchRun<T>::make_piece(NodeId id, Block block) {
  const Node<T>& node = network_->graph().node(id);
  const auto [rows, cols] = block;
  const MatrixView<T> theta = workspace_.parameters(id, network_->theta().data())
                                  .view(cols.begin, cols.size())
                                  .middle_rows(rows.begin, rows.size());
  const Index stride = node.parameters.cols;
  const Index offset = node.offset + rows.begin * stride + cols.begin;
  const Index weight_rows = std::clamp<Index>(node.weight_rows - rows.begin, 0, rows.size());
  return {id, block, weight_rows, theta, offset, stride};
}

template <class T>
std::vector<typename BatchRun<T>::Piece> BatchRun<T>::pieces_of(const Member& member) {
  std::vector<Piece> pieces;
  const auto& nodes = network_->graph().nodes();
  for (NodeId id = 0; id < nodes.size(); ++id) {
    if (nodes[id].parameters.size() == 0 || nodes[id].owner != id) continue;
    const auto [rows, cols] = workspace_.my_parameters(member, id);
    if (cols.size() == 0) continue;
    const Index width = workspace_.is_packed(id) ? panel_columns<T> : cols.size();
    const Index height = rows_of_pieces<T>(width);
    for (Index left = cols.begin; left < cols.end; left += width) {
      const Range some_cols{left, std::min(left + width, cols.end)};
      for (Index first = rows.begin; first < rows.end; first += height) {
        const Index last = std::min(first + height, rows.end);
        pieces.push_back(make_piece(id, {{first, last}, some_cols}));
      }
    }
  }
  return pieces;
}

template <class T>
void BatchRun<T>::gradient_of(const Piece& piece, Index samples, MatrixView<T> out) {
  workspace_.parameter_gradient(piece.node, {0, samples}, piece.block, training_, out);
  if (!penalized_) return;
  for (const bool weights : {true, false}) {
    const Regularizer r = penalty_of(regularizer_, network_->graph().node(piece.node).op->penalty(),
                                     weights, samples);
    if (r.l1 == 0 && r.l2 == 0) continue;
    const Range rows = weights ? Range{0, piece.weight_rows} : Range{piece.weight_rows, out.rows};
    kernels::add_penalty_gradient<T>(piece.theta.middle_rows(rows.begin, rows.size()),
                                     static_cast<T>(r.l1), static_cast<T>(r.l2),
                                     out.middle_rows(rows.begin, rows.size()));
  }
}

template <class T>
MatrixView<T> BatchRun<T>::stored_gradient(const Piece& piece, std::span<T> gradient) const {
  return {gradient.data() + piece.offset, piece.block.rows.size(), piece.block.cols.size(),
          piece.stride};
}

template <class T>
void BatchRun<T>::store_gradient(const Member& member, const Batch<T>& batch,
                                 std::span<T> gradient) {
  for (const Piece& piece : pieces(member)) {
    gradient_of(piece, batch.count, stored_gradient(piece, gradient));
  }
}

template <class T>
void BatchRun<T>::update(const Member& member, const Batch<T>& batch, Optimizer& optimizer) {
  T* const buffer = scratch_[static_cast<std::size_t>(member.rank())].data();
  for (const Piece& piece : pieces(member)) {
    const auto [rows, cols] = piece.block;
    const Index stride =
        workspace_.is_packed(piece.node) ? piece_stride<T>(cols.size()) : cols.size();
    const MatrixView<T> gradient{buffer, rows.size(), cols.size(), stride};
    gradient_of(piece, batch.count, gradient);
    step(piece, gradient, optimizer);
  }
}

template <class T>
void BatchRun<T>::step(const Piece& piece, MatrixView<T> gradient, Optimizer& optimizer) {
  optimizer.update(
      UpdateBlock<T>{piece.theta, gradient, piece.offset, piece.stride, piece.weight_rows});
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
  for (const Piece& piece : pieces(member)) {
    const MatrixView<T> part = stored_gradient(piece, gradient);
    for (Index i = 0; i < part.rows; ++i) {
      for (Index j = 0; j < part.cols; ++j) part(i, j) *= static_cast<T>(clip_scale_);
    }
    step(piece, part, optimizer);
  }
}

#define NNBIND_INSTANTIATE(T)                                                              \
  template void BatchRun<T>::make_pieces(int);                                             \
  template void BatchRun<T>::store_gradient(const Member&, const Batch<T>&, std::span<T>); \
  template void BatchRun<T>::update(const Member&, const Batch<T>&, Optimizer&);           \
  template void BatchRun<T>::clipped_update(const Member&, const Batch<T>&, Optimizer&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
