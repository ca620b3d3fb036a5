// The memory of one run: the activations and deltas of each node, for a number of rows.
#pragma once

#include <vector>

#include "nnbind/network.hpp"
#include "nnbind/state_vectors.hpp"
#include "team.hpp"

namespace nnbind {

/// What a workspace is for: predictions; a single training step; or many steps, which are worth
/// packed copies of large parameters.
enum class Purpose : unsigned char { inference, step, fit };

/// Rows that a member computes at a time where no batch says how many: enough to fill the register
/// tiles many times over, few enough for their activations to stay in the cache.
inline constexpr Index rows_at_a_time = 96;

/// How a workspace is laid out.
struct Layout {
  Index capacity = 0;  ///< rows of the largest batch
  Purpose purpose = Purpose::inference;
  std::vector<bool> pre_activations = {};  ///< of each output: whether the loss takes those
  int members = 1;                         ///< of the team that will train in it
  bool fetches = false;             ///< whether a step of a fit fetches the next one's inputs
  bool input_gradients = false;     ///< whether ∂L/∂X is wanted
  bool parameter_gradients = true;  ///< whether ∂L/∂θ is wanted
};

/// Whether a fit of such a capacity keeps a block of parameters in panels.
template <class T>
bool is_worth_packing(BlockShape parameters, Index capacity);

/// How a run of such a capacity keeps the parameters of each node.
template <class T>
ThetaLayout parameter_layout(const Graph<T>& graph, Index capacity, Purpose purpose);

/// How the passes go: as in a training step or as at inference, which is the default.
template <class T>
struct Mode {
  bool training = false;
  const DropoutKey* dropout = nullptr;
  T* new_state = nullptr;  ///< the network's, where running statistics are to move
  bool polls = false;      ///< between two parts of a pass, where those are long
  bool operator==(const Mode&) const = default;
};

/// How a piece of work is shared out: rows of the batch; columns of the node; or the first member
/// does all, as of what does not grow with the batch.
enum class Sharing : unsigned char { rows, columns, alone };

/// What a run keeps of one node.
template <class T>
struct Slot {
  Matrix<T> output;
  Matrix<T> gradient;  ///< ∂L/∂output, then what parameter_gradient needs; in training only
  Matrix<T> saved;
  PackedMatrix<T> packed;        ///< the parameters during a fit, if large: θ is then behind
  std::vector<NodeId> users;     ///< of these parameters: this node and those that share them
  std::vector<bool> accumulate;  ///< for each input: another consumer has written its gradient
  bool wants_gradient = false;   ///< whether there are parameters at it or below it
  bool pre_activation = false;   ///< the output is left to the loss without its activation
  bool is_input = false;
  Index only_output = -1;  ///< which output it is, if no other node reads it
  /// The forward pass over all rows at inference, with the parameters' address only if packed: made
  /// once, since to put one together takes longer than to compute the smallest nodes.
  ForwardPass<T> pass;
  bool barrier_before = false;  ///< in the forward pass
  Sharing sharing = Sharing::rows;
};

/// A block of the gradient of some parameters: passes by the nodes that use those, ready to be run
/// one after the other.
template <class T>
struct ParameterCalls {
  std::vector<Call> calls;
  std::vector<Rows<T>> inputs;  ///< that they point at
  void run() const {
    for (const Call& call : calls) call();
  }
};

/// The memory of runs over up to `capacity` rows, and the passes over the graph in it. It is made
/// once for a batch size; a pass allocates nothing.
template <class T>
class Workspace {
 public:
  /// `state` is the network's.
  Workspace(const Graph<T>& graph, std::vector<NodeId> outputs, const T* state, Layout layout);
  Workspace(const Network<T>& network, Layout layout)
      : Workspace(network.graph(), network.output_ids(), network.state().data(),
                  std::move(layout)) {}
  Workspace(const Workspace&) = delete;  // its passes point into it
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  [[nodiscard]] Index capacity() const { return layout_.capacity; }
  /// Whether it is for so many rows of that graph, which has not been moved since.
  [[nodiscard]] bool serves(const Graph<T>& graph, Index rows) const {
    return graph_ == &graph && layout_.capacity >= rows;
  }

  /// Whether each member has its own list of the rows of an input, of all that are in the batch: to
  /// wait for those that others have listed would be a barrier more.
  [[nodiscard]] bool has_own_lists() const { return layout_.purpose == Purpose::fit; }
  /// The rows of input k, to be filled in: one pointer a row of the batch.
  [[nodiscard]] const T** input_rows(std::size_t k, int rank = 0) {
    return input_rows_[k].data() + list_begin(rank);
  }
  /// Where the layout says so, those of the batch after it, for as many rows.
  [[nodiscard]] const T** next_input_rows(std::size_t k, int rank) {
    return input_rows(k, rank) + layout_.capacity;
  }
  [[nodiscard]] MatrixView<T> output(std::size_t k) { return slots_[outputs_[k]].output.view(); }
  /// ∂L/∂(output k), to be filled in between forward and backward.
  [[nodiscard]] MatrixView<T> output_gradient(std::size_t k) {
    return slots_[outputs_[k]].gradient.view();
  }
  /// ∂L/∂(input k), after backward, if the layout has it.
  [[nodiscard]] MatrixView<T> input_gradient(std::size_t k) {
    return slots_[graph_->inputs()[k]].gradient.view();
  }
  /// Whether there are values that no batch changes, as parameters by themselves.
  [[nodiscard]] bool has_fixed() const { return !fixed_nodes_.empty(); }
  /// Inference of those: once, before infer.
  void infer_fixed(const T* theta);
  /// Inference, for some rows. Threads may do so at once, each for rows of its own.
  void infer(const T* theta, Range rows);
  /// The same with the outputs in the rows of `out` from `first` on.
  void infer(const T* theta, Range rows, std::span<const MatrixView<T>> out, Index first);

  /// Makes ready this member's part of the passes over the first `batch` rows, if it is not so yet:
  /// before each forward, and before a backward over other rows.
  void prepare(const Member& member, const T* theta, Index batch, const Mode<T>& mode);
  /// This member's part of the forward pass, and of the backward pass. The rows of the output, and
  /// of its gradient, are shared out by member.share(batch).
  void forward(const Member& member);
  void backward(const Member& member);

  /// backward in two parts, for gradients of each sample by itself: first that of the batch, in
  /// which no row sees another; then, by a single member and for any rows of it, the gradients of
  /// what is no batch, as if those rows were all.
  void backward_batch(const Member& member);
  void backward_fixed(Range rows, const T* theta, const Mode<T>& mode);
  /// Whether the second part is needed for the gradient of node `id`'s own parameters.
  [[nodiscard]] bool has_fixed_user(NodeId id) const;
  /// Between forward and backward: makes some rows, from `count` on, copies of the first `count`,
  /// again and again, so that each can go backward with a gradient of its own.
  void repeat(Range rows, Index count);

  /// This member's part of node `id`'s block of parameters.
  [[nodiscard]] Block my_parameters(const Member& member, NodeId id) const;
  /// Node `id`'s block of parameters where it is kept up to date: packed, or in θ.
  [[nodiscard]] Panels<T> parameters(NodeId id, T* theta);
  /// Brings this member's part of the packed parameters up to date with θ.
  void read(const Member& member, const T* theta);
  /// Brings θ up to date with this member's part of the packed parameters. Whether its part of θ is
  /// finite.
  bool write_back(const Member& member, T* theta);
  /// A block of the gradient of node `id`'s own parameters, from some rows of the batch.
  void parameter_gradient(NodeId id, Range rows, Block block, bool training,
                          Panels<T> gradient) const;
  /// The same as calls by some member, which replace those in `made`; or, with a descent, which
  /// can_descend(id) must allow, and its rule, that step by it.
  void make_calls(NodeId id, Range rows, Block block, bool training, Panels<T> gradient,
                  const Descent<T>& descent, int rank, ParameterCalls<T>& made) const;
  /// Whether there is one such pass only, which can take the step of gradient descent itself.
  [[nodiscard]] bool can_descend(NodeId id) const;

 private:
  struct InputList;
  struct Program;
  /// Some rows and columns of a node's values.
  struct Share {
    Range rows;
    Range columns;
    bool mine;  // or there is nothing to do
  };
  /// One piece of work of the backward pass.
  struct Step {
    NodeId node;
    bool output_part = false;  // backward_output; else backward
    Sharing sharing = Sharing::rows;
    bool to_fixed = false;        // backward to the inputs that are no batch; else to the others
    bool barrier_before = false;  // it reads what other members have written
  };

  void make_slot(NodeId id);
  void prepare_pass(NodeId id);
  void plan_forward();
  void plan_backward();
  [[nodiscard]] bool is_split_by_columns(NodeId id) const;
  [[nodiscard]] bool is_fixed(NodeId id) const { return !graph_->nodes()[id].shape.is_batch(); }
  [[nodiscard]] Index list_begin(int rank) const {
    if (!has_own_lists()) return 0;
    return (layout_.fetches ? 2 : 1) * layout_.capacity * rank;
  }
  /// Those of inputs in the list of that member.
  [[nodiscard]] Rows<T> rows_of(NodeId id, Range rows, int rank = 0) const;
  [[nodiscard]] Range all_rows(NodeId id, Index batch) const;
  /// Runs node `id` forward at inference for some rows, after `change` has seen the pass.
  template <class F>
  void forward_rows(NodeId id, const T* theta, Range rows, F&& change);
  /// This member's passes, as prepared.
  [[nodiscard]] const Program& program(const Member& member) const {
    return programs_[static_cast<std::size_t>(member.rank())];
  }
  void make(Program& program, const Member& member);
  void infer_first(const T* theta, std::span<const MatrixView<T>> out, Index row);
  void copy_output(std::size_t k, Range rows, const MatrixView<T>& out, Index first);
  void add_forward(Program& program, NodeId id, const Share& share);
  void add_backward(Program& program, const Step& step, const Member& member);
  void add_pass(Program& program, const Step& step, Range rows, Range columns);
  [[nodiscard]] Share share(Sharing sharing, NodeId id, Index columns, const Program& program,
                            const Member& member) const;
  [[nodiscard]] ParameterPass<T> parameter_pass(NodeId user, Range rows, Block block, bool training,
                                                Panels<T> gradient) const;
  [[nodiscard]] Range columns_of(const Step& step) const;
  [[nodiscard]] Panels<const T> current_parameters(const Node<T>& node, const T* theta);

  const Graph<T>* graph_;
  std::vector<NodeId> outputs_;
  const T* state_;
  Layout layout_;
  std::vector<Slot<T>> slots_;
  std::vector<NodeId> fixed_nodes_;  // that are no batch
  std::vector<NodeId> batch_nodes_;  // the others, but for the inputs
  bool barrier_after_ = false;       // of the forward pass
  std::vector<Step> backward_steps_;
  std::vector<Program> programs_;  // of each member; at inference, of the first row alone
  std::vector<std::vector<const T*>> input_rows_;
  std::vector<std::size_t> input_number_;  // of each input node, among the input nodes
};

}  // namespace nnbind
