// One mini-batch at a time: forward, loss, backward, update.
#pragma once

#include <optional>
#include <vector>

#include "nnbind/dataset.hpp"
#include "nnbind/metric.hpp"
#include "nnbind/optimizer.hpp"
#include "nnbind/regularizer.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

/// Some samples of a dataset: order[0 .. count), or the first `count` where order is nullptr.
template <class T>
struct Batch {
  const Dataset<T>* data = nullptr;
  const std::int64_t* order = nullptr;
  Index count = 0;
};

/// The memory of training steps over batches of up to `capacity` samples, and the parts of a step,
/// which the members of a team run together. Between
///
///     forward_backward | data_loss, update or store_gradient | ...
///
/// there is a barrier at each bar. Rows of the batch are shared out in the first part, rows of θ in
/// the second. Two barriers a step, and more where layers are split by columns (workspace_plan.cpp)
/// or the gradient is clipped.
template <class T>
class BatchRun {
 public:
  BatchRun(Network<T>& network, LossPointer loss, const Regularizer& regularizer, Index capacity,
           int members, Purpose purpose);

  /// Forward, loss and backward for this member's rows, and its part of R(θ). `activate` makes
  /// predictions of pre-activations afterwards, for metrics.
  void forward_backward(const Member& member, const Batch<T>& batch, const DropoutKey* dropout,
                        bool activate);

  /// The reduced loss of the batch, and R(θ) as it stands beside it.
  [[nodiscard]] double data_loss(const Batch<T>& batch) const;
  [[nodiscard]] double penalty() const;
  /// Whether the reduced loss of a batch is a mean over its samples.
  [[nodiscard]] bool averages() const { return loss_->reduction() == Reduction::mean; }
  /// Adds the batch to the metrics.
  void add_to(MetricSums& sums, const Batch<T>& batch);

  /// This member's part of ∂L/∂θ, R included.
  void store_gradient(const Member& member, const Batch<T>& batch, std::span<T> gradient);
  /// This member's part of a step. The gradient of a block is used as soon as it is computed.
  void update(const Member& member, const Batch<T>& batch, Optimizer& optimizer);
  /// The same with the gradient scaled down to the optimizer's clip_norm. The norm needs the whole
  /// gradient, which is stored in the network's: two more barriers.
  void clipped_update(const Member& member, const Batch<T>& batch, Optimizer& optimizer);
  /// This member's part of bringing its own copies of the parameters up to date with θ, and of
  /// bringing θ up to date with them.
  void read_theta(const Member& member);
  void write_theta(const Member& member);

 private:
  /// A block of a node's parameters, and what R does to it.
  struct Piece {
    NodeId node;
    Block block;
    bool weights;
    T l1;
    T l2;
  };
  void load(Range rows, const Batch<T>& batch);
  void add_penalties(const Member& member, Index samples);
  template <class F>
  void for_my_pieces(const Member& member, Index samples, F f) const;
  [[nodiscard]] Piece describe(NodeId id, Block block, Index samples) const;
  [[nodiscard]] MatrixView<T> parameters_of(const Piece& piece);
  [[nodiscard]] MatrixView<T> stored_gradient(const Piece& piece, std::span<T> gradient) const;
  [[nodiscard]] Index offset_of(const Piece& piece) const;
  void gradient_of(const Piece& piece, Index samples, MatrixView<T> out);
  void step(const Piece& piece, MatrixView<T> gradient, Optimizer& optimizer);
  [[nodiscard]] double scale(Index samples) const;

  Network<T>* network_;
  LossPointer loss_;
  Regularizer regularizer_;
  bool penalized_;
  Workspace<T> workspace_;
  double threshold_;
  std::vector<const T*> target_rows_;
  std::vector<std::int64_t> labels_;
  std::vector<T> weights_;
  AlignedVector<T> losses_;
  double clip_scale_ = 1;
  std::vector<double> penalties_;          // of each node's block of θ
  std::vector<AlignedVector<T>> scratch_;  // a piece of gradient for each member
};

}  // namespace nnbind
