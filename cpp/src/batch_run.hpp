// One mini-batch at a time: forward, loss, backward, update.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "gradient_norm.hpp"
#include "nnbind/dataset.hpp"
#include "nnbind/metric.hpp"
#include "nnbind/optimizer.hpp"
#include "penalty.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

/// Some samples of a dataset: order[0 .. count), or the first `count` where order is nullptr.
template <class T>
struct Batch {
  const Dataset<T>* data = nullptr;
  const std::int64_t* order = nullptr;
  Index count = 0;
  Index following = 0;  // samples that come after these in the order
};

/// Which losses take the pre-activation of their output: those that can, where no other node needs
/// the output itself, or where both are the same.
template <class T>
std::vector<bool> pre_activations(const Network<T>& network, const Losses& losses);

/// Of a training step's work: the backward pass takes twice as many as the forward pass.
template <class T>
double step_flops(const Network<T>& network, Index batch_size) {
  return 6 * network.work() * static_cast<double>(batch_size);
}

/// How many threads a training step deserves, by itself or as one of a fit's.
template <class T>
int training_members(const Network<T>& network, const Losses& losses, Index batch_size,
                     bool in_fit = false) {
  if (losses.run_alone()) return 1;
  return network.threads(step_flops(network, batch_size), in_fit);
}

/// The memory of training steps over batches of up to `capacity` samples, and the parts of a step,
/// which the members of a team run together. Between
///
///     forward_backward | data_loss, update or store_gradient | ...
///
/// there is a barrier at each bar. The first part may throw; the second changes θ and may not, so
/// that there are only whole steps. Rows of the batch are shared out in the first part, rows of θ
/// in the second. Two barriers a step, and more where layers are split by columns
/// (workspace_plan.cpp) or the gradient is clipped.
template <class T>
class BatchRun {
 public:
  /// `clips`: whether updates are by an optimizer that clips the gradient, which then has memory
  /// for all of it.
  BatchRun(Network<T>& network, const Losses& losses, const Regularizer& regularizer,
           Index capacity, int members, Purpose purpose, bool clips = false, bool fetches = false);

  /// Forward, losses and backward for this member's rows, and its part of R(θ). `activate` makes
  /// predictions of pre-activations afterwards, for metrics.
  void forward_backward(const Member& member, const Batch<T>& batch, const Mode<T>& mode,
                        bool activate);

  /// The reduced loss of the batch: of output k before its weight, and of all. And R(θ) as it
  /// stands beside it.
  [[nodiscard]] double output_loss(const Batch<T>& batch, std::size_t k) const;
  [[nodiscard]] double data_loss(const Batch<T>& batch) const;
  [[nodiscard]] double penalty() const { return penalty_.value(); }
  /// Adds the batch to the metrics of each output.
  void add_to(std::vector<MetricSums>& sums, const Batch<T>& batch);

  /// Before the bar at which an update follows: makes ready what that needs, which may throw. Once
  /// made, it serves all batches of that size, in steps of the one optimizer.
  void prepare_update(const Member& member, const Batch<T>& batch, Optimizer& optimizer);
  /// Before the same bar, by the first member: begins the optimizer's step.
  void begin_step(Optimizer& optimizer);
  /// This member's part of ∂L/∂θ, R included.
  void store_gradient(const Member& member, const Batch<T>& batch, std::span<T> gradient);
  /// This member's part of a step, once prepared, and what others have not begun by then. The
  /// gradient of a block is used as soon as it is computed; or, to be clipped, after a barrier:
  /// its norm needs all of it.
  void update(const Member& member, const Batch<T>& batch, Optimizer& optimizer);
  /// This member's part of bringing its own copies of the parameters up to date with θ, and of
  /// bringing θ up to date with them: that also tells whether its part of θ is finite.
  void read_theta(const Member& member);
  bool write_theta(const Member& member);

 private:
  /// A block of a node's parameters, which one member updates.
  struct Piece {
    NodeId node;
    Block block;
    Panels<T> theta;        // where it is kept up to date
    Index offset;           // where it begins in a gradient of θ's order
    Index stride;           // from one of its rows to the next in that
    bool can_descend;       // whether its calls can be told of θ: see Descent
    Panels<T> gradient;     // where it is put until it is used: as θ lies
    bool descends = false;  // whether the calls take the step themselves
    std::optional<BlockPenalty<T>> penalty = {};
    ParameterCalls<T> calls = {};              // that compute it
    std::vector<UpdateBlock<T>> updates = {};  // by it, where the calls do not take the step
  };
  /// The pieces of a member, with calls for training steps on batches of so many samples.
  struct Share {
    std::vector<Piece> pieces;
    std::size_t own = 0;        // of them, only for that member; the others are free for all
    AlignedVector<T> gradient;  // of one own piece after the other, or of all, and of each free one
    Index samples = -1;
    int rank = -1;                                         // of the member whose calls they are
    alignas(cache_line) std::atomic<std::size_t> next{0};  // piece that nobody has begun
  };
  /// What a loss is handed of a member's rows, from `first` on, of a batch of so many samples.
  struct alignas(cache_line) Evaluation {
    Index samples = -1;
    int members = 0;
    Index first = 0;
    LossRows<T> rows;
  };
  /// One output, its loss, and its part of the batch.
  struct Output {
    LossPointer loss;
    double weight = 1;
    Activation activation;
    bool pre_activation = false;
    DecisionThreshold threshold;
    std::vector<const T*> target_rows;
    std::vector<std::int64_t> labels;
    AlignedVector<T> losses;
    std::vector<Evaluation> evaluations;  // of each member
  };
  void make_outputs(const Losses& losses, Index capacity);
  void load(const Member& member, Range rows, const Batch<T>& batch);
  void evaluate(std::size_t k, const Member& member, const Batch<T>& batch);
  void prepare(std::size_t k, const Member& member, Index samples);
  void make_pieces();
  [[nodiscard]] std::vector<Piece> pieces_of(const Member& member);
  [[nodiscard]] Piece make_piece(NodeId id, Block block);
  /// Calls f(share) for this member's share; where OpenMP has given the team fewer members than
  /// there are shares, for those of the missing too.
  template <class F>
  void each_share(const Member& member, F&& f) {
    for (int k = member.rank(); k < members_; k += member.size()) {
      f(shares_[static_cast<std::size_t>(k)]);
    }
  }
  void prepare(Piece& piece, Index samples, int rank, Optimizer& optimizer);
  void compute(const Piece& piece, Index samples);
  void update(const Piece& piece, Index samples, Optimizer& optimizer);
  void clipped_update(const Member& member, const Batch<T>& batch, Optimizer& optimizer);
  [[nodiscard]] bool is_far(const Optimizer& optimizer) const;
  static Panels<T> state_of(const Piece& piece, std::size_t k, Optimizer& optimizer);

  Network<T>* network_;
  int members_;            // of a whole team
  bool training_ = false;  // how the last forward pass went
  Workspace<T> workspace_;
  std::vector<Output> outputs_;
  std::vector<T> weights_;
  Penalty<T> penalty_;
  std::optional<GradientNorm<T>> norm_;  // if it clips
  DescentRule<T> rule_;                  // of the step, if the optimizer descends
  std::vector<Share> shares_;            // of each member
};

}  // namespace nnbind
