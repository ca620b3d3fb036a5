// The second half of a step: the gradient of θ, piece by piece, and the optimizer's update.
#include <algorithm>

#include "batch_run.hpp"

namespace nnbind {

namespace {

/// θ is updated in pieces of about 64 KiB, so that a piece's gradient is still in the second-level
/// cache when the optimizer reads it. Their rows are a multiple of the register tiles' 12 and 6.
constexpr Index tile = 96;

template <class T>
constexpr Index piece_elements = static_cast<Index>(64 * std::size_t{1024} / sizeof(T));

/// Pieces at the end of each member's share that anybody may compute: with memory of their own for
/// the gradient, which the second-level cache has to hold as well. Two make up for what the shares
/// of a few layers differ by; with four an optimizer that stores gradients is no faster than
/// without.
constexpr std::size_t most_free_pieces = 2;

template <class T>
Index rows_of_pieces(Index cols) {
  return std::max<Index>(1, piece_elements<T> / (cols * tile)) * tile;
}

/// Columns of the pieces side by side: as even as whole panels allow, and so few that those of
/// ∂L/∂T, 512 KiB of a batch, stay in the second-level cache from a piece to the one below it.
template <class T>
Index columns_of_pieces(Index cols, Index samples) {
  const Index panels = ceil_div(cols, panel_columns<T>);
  const Index most = std::max<Index>(8 * piece_elements<T> / (samples * panel_columns<T>), 4);
  const Index pieces = ceil_div(panels, most);
  return ceil_div(panels, pieces) * panel_columns<T>;
}

template <class T>
void multiply(const Panels<T>& values, T factor) {
  values.each_view([factor](Index /*first*/, const MatrixView<T>& all) {
    for (Index i = 0; i < all.rows; ++i) {
      T* const row = all.row(i);
      for (Index j = 0; j < all.cols; ++j) row[j] *= factor;
    }
  });
}

}  // namespace

template <class T>
void BatchRun<T>::make_pieces() {
  TeamState team(members_);
  shares_ = std::vector<Share>(static_cast<std::size_t>(members_));
  for (int rank = 0; rank < members_; ++rank) {
    Share& share = shares_[static_cast<std::size_t>(rank)];
    share.pieces = pieces_of(Member(team, rank));
    Index largest = 0;
    for (Piece& piece : share.pieces) {
      const auto [rows, cols] = piece.block;
      const BlockLayout layout{rows.size(), cols.size(), piece.theta.is_packed()};
      piece.gradient = layout.panels<T>(nullptr);
      largest = std::max(largest, layout.elements<T>());
    }
    const std::size_t free =
        members_ == 1 || norm_ ? 0 : std::min(most_free_pieces, share.pieces.size());
    share.own = share.pieces.size() - free;
    const std::size_t in_turn = norm_ ? 0 : share.own;  // pieces, all in the first place
    const auto room =
        static_cast<std::size_t>((ceil_div(largest, line_elements<T>) + 1) * line_elements<T>);
    share.gradient.resize((1 + share.pieces.size() - in_turn) * room);
    for (std::size_t i = 0; i < share.pieces.size(); ++i) {
      const std::size_t place = i < in_turn ? 0 : 1 + i - in_turn;
      share.pieces[i].gradient.data = share.gradient.data() + place * room;
    }
  }
}

template <class T>
typename BatchRun<T>::Piece BatchRun<T>::make_piece(NodeId id, Block block) {
  const Node<T>& node = network_->graph().nodes()[id];
  const auto [rows, cols] = block;
  const Panels<T> theta = workspace_.parameters(id, network_->theta().data()).block(block);
  const Index stride = node.parameters.cols;
  const Index offset = node.offset + rows.begin * stride + cols.begin;
  return {id, block, theta, offset, stride, workspace_.can_descend(id), {}};
}

template <class T>
std::vector<typename BatchRun<T>::Piece> BatchRun<T>::pieces_of(const Member& member) {
  std::vector<Piece> pieces;
  for (const NodeId id : network_->graph().parameter_nodes()) {
    const auto [rows, cols] = workspace_.my_parameters(member, id);
    if (cols.size() == 0) continue;
    const Index width = columns_of_pieces<T>(cols.size(), workspace_.capacity());
    const Index height = rows_of_pieces<T>(std::min(width, cols.size()));
    for (Index left = cols.begin; left < cols.end; left += width) {
      const Range wide{left, std::min(left + width, cols.end)};
      for (Index first = rows.begin; first < rows.end; first += height) {
        pieces.push_back(make_piece(id, {{first, std::min(first + height, rows.end)}, wide}));
      }
    }
  }
  return pieces;
}

template <class T>
void BatchRun<T>::store_gradient(const Member& member, const Batch<T>& batch,
                                 std::span<T> gradient) {
  each_share(member, [&](const Share& share) {
    for (const Piece& piece : share.pieces) {
      const auto [rows, cols] = piece.block;
      const auto to = Panels<T>::plain(
          {gradient.data() + piece.offset, rows.size(), cols.size(), piece.stride});
      workspace_.parameter_gradient(piece.node, {0, batch.count}, piece.block, training_, to);
      penalty_.add_gradient(piece.node, piece.block, piece.theta, batch.count, to);
    }
  });
}

template <class T>
void BatchRun<T>::prepare_update(const Member& member, const Batch<T>& batch,
                                 Optimizer& optimizer) {
  each_share(member, [&](Share& share) {
    share.next.store(share.own, std::memory_order_relaxed);
    if (share.samples == batch.count && share.rank == member.rank()) return;
    for (Piece& piece : share.pieces) prepare(piece, batch.count, member.rank(), optimizer);
    share.samples = batch.count;
    share.rank = member.rank();
  });
}

template <class T>
void BatchRun<T>::prepare(Piece& piece, Index samples, int rank, Optimizer& optimizer) {
  // Whether it descends, not how: another member may be about to begin the step.
  piece.descends = piece.can_descend && !norm_ && optimizer.descends();
  piece.penalty = penalty_.slopes(piece.node, samples);
  Descent<T> descent;
  if (piece.can_descend) {
    const bool moves = piece.descends || is_far(optimizer);
    if (moves || piece.penalty) descent.theta = piece.theta;
    for (std::size_t k = 0; moves && k < optimizer.state_vectors(); ++k) {
      descent.state[k] = state_of(piece, k, optimizer).data;
    }
    if (piece.descends) descent.rule = &rule_;
    if (piece.penalty) descent.penalty = &*piece.penalty;
  }
  workspace_.make_calls(piece.node, {0, samples}, piece.block, true, piece.gradient, descent, rank,
                        piece.calls);
  piece.updates.clear();
  if (piece.descends) return;
  const Index weights = network_->graph().nodes()[piece.node].weights_among(piece.block.rows);
  piece.theta.each_view([&](Index first, const MatrixView<T>& theta) {
    UpdateBlock<T> block{theta, piece.gradient.view(first, theta.cols), {}, weights};
    for (std::size_t k = 0; k < optimizer.state_vectors(); ++k) {
      block.state[k] = state_of(piece, k, optimizer).view(first, theta.cols);
    }
    piece.updates.push_back(block);
  });
}

/// Whether a member's θ and what the optimizer keeps of it outgrow its second-level cache: then
/// they are worth fetching, unless the update comes after all gradients.
template <class T>
bool BatchRun<T>::is_far(const Optimizer& optimizer) const {
  const std::size_t vectors = 1 + optimizer.state_vectors();
  const auto elements = static_cast<std::size_t>(network_->parameter_count() / members_);
  return !norm_ && vectors * elements * sizeof(T) > second_level_cache;
}

template <class T>
void BatchRun<T>::begin_step(Optimizer& optimizer) {
  optimizer.begin_step();
  if (optimizer.descends()) rule_ = optimizer.descent().template as<T>();
}

// Whoever has done its own pieces goes on with the free ones, those of others too: cores are seldom
// equally fast, or shares equally large.
template <class T>
void BatchRun<T>::update(const Member& member, const Batch<T>& batch, Optimizer& optimizer) {
  if (norm_) return clipped_update(member, batch, optimizer);
  each_share(member, [&](Share& share) {
    for (std::size_t i = 0; i < share.own; ++i) update(share.pieces[i], batch.count, optimizer);
  });
  if (members_ == 1) return;  // to ask for free pieces takes a part of the smallest steps
  for (int k = 0; k < members_; ++k) {
    Share& share = shares_[static_cast<std::size_t>((member.rank() + k) % members_)];
    const auto next = [&] { return share.next.fetch_add(1, std::memory_order_relaxed); };
    for (std::size_t i = next(); i < share.pieces.size(); i = next()) {
      update(share.pieces[i], batch.count, optimizer);
    }
  }
}

template <class T>
void BatchRun<T>::compute(const Piece& piece, Index samples) {
  piece.calls.run();
  if (piece.can_descend) return;
  penalty_.add_gradient(piece.node, piece.block, piece.theta, samples, piece.gradient);
}

template <class T>
void BatchRun<T>::update(const Piece& piece, Index samples, Optimizer& optimizer) {
  compute(piece, samples);
  for (const UpdateBlock<T>& block : piece.updates) optimizer.update(block);
}

/// Of a piece, the optimizer's vector k.
template <class T>
Panels<T> BatchRun<T>::state_of(const Piece& piece, std::size_t k, Optimizer& optimizer) {
  return optimizer.state<T>().block(k, piece.node).block(piece.block);
}

// What a member has computed it also updates, out of its own cache.
template <class T>
void BatchRun<T>::clipped_update(const Member& member, const Batch<T>& batch,
                                 Optimizer& optimizer) {
  each_share(member, [&](const Share& share) {
    for (const Piece& piece : share.pieces) {
      compute(piece, batch.count);
      norm_->add(piece.node, piece.block, piece.gradient);
    }
  });
  member.barrier();
  const auto scale = static_cast<T>(norm_->scale(*optimizer.clip_norm()));
  each_share(member, [&](const Share& share) {
    for (const Piece& piece : share.pieces) {
      if (scale != 1) multiply(piece.gradient, scale);
      for (const UpdateBlock<T>& block : piece.updates) optimizer.update(block);
    }
  });
}

#define NNBIND_INSTANTIATE(T)                                                              \
  template void BatchRun<T>::make_pieces();                                                \
  template void BatchRun<T>::prepare_update(const Member&, const Batch<T>&, Optimizer&);   \
  template void BatchRun<T>::begin_step(Optimizer&);                                       \
  template void BatchRun<T>::store_gradient(const Member&, const Batch<T>&, std::span<T>); \
  template void BatchRun<T>::update(const Member&, const Batch<T>&, Optimizer&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
