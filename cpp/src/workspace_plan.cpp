// How the work of a run is laid out: what is packed, who computes what, and where members must
// wait.
#include <algorithm>

#include "kernels/packet.hpp"
#include "workspace.hpp"

namespace nnbind {

namespace {

/// A piece of work, and what it reads that others may have written.
struct Work {
  Sharing sharing;
  bool reads_columns = false;  // of others, where it is shared out by columns
  bool reads_fixed = false;    // what is no batch
  bool reads_batch = false;    // where the first member does all
};

/// What has been written since the last barrier, by which sharing. A member has to wait where it
/// reads what another may have written.
class Pending {
 public:
  explicit Pending(bool rows) : rows_(rows) {}

  /// Notes a piece of work; whether a barrier must come before it.
  bool add(const Work& work) {
    const bool fixed = work.reads_fixed && alone_;
    bool barrier = false;
    switch (work.sharing) {
      case Sharing::rows:
        barrier = columns_ || fixed;
        break;
      case Sharing::columns:
        barrier = rows_ || (work.reads_columns && columns_) || fixed;
        break;
      case Sharing::alone:
        barrier = work.reads_batch && (rows_ || columns_);
        break;
    }
    if (barrier) rows_ = columns_ = alone_ = false;
    rows_ |= work.sharing == Sharing::rows;
    columns_ |= work.sharing == Sharing::columns;
    alone_ |= work.sharing == Sharing::alone;
    return barrier;
  }
  [[nodiscard]] bool rows() const { return rows_; }
  [[nodiscard]] bool columns() const { return columns_; }

 private:
  bool rows_;
  bool columns_ = false;
  bool alone_ = false;
};

}  // namespace

// Small parameters stay in the first-level cache, in whatever order. Large ones are read in the
// order of the products: a panel of columns, row by row. Packed so, they are one stream of memory,
// where rows of θ would be a cache line or two each, on a page of their own in the largest
// networks. Those of at most a vector's columns are in order as they are.
template <class T>
bool is_worth_packing(BlockShape parameters, Index capacity) {
  // Fewer than 8 rows hardly reuse a panel: for them only parameters that outgrow the first-level
  // cache, which two threads would otherwise fetch from each other.
  const Index least_parameters = capacity >= 8 ? 4096 : 32768;
  return parameters.cols > kernels::lanes<T> && parameters.size() >= least_parameters;
}

template <class T>
ThetaLayout parameter_layout(const Graph<T>& graph, Index capacity, Purpose purpose) {
  ThetaLayout layout(graph.nodes().size());
  for (const NodeId id : graph.parameter_nodes()) {
    const Node<T>& node = graph.nodes()[id];
    layout[id] = {node.parameters.rows, node.parameters.cols,
                  purpose == Purpose::fit && node.op->reads_panels() &&
                      is_worth_packing<T>(node.parameters, capacity)};
  }
  return layout;
}

// Where a node has half as many parameters again as activations, each member keeps some panels of
// its weights for itself, from the forward pass to the update: weights that another core has just
// written would come from its cache at a tenth of the speed of one's own. What then travels is
// activations.
template <class T>
bool Workspace<T>::is_split_by_columns(NodeId id) const {
  const Node<T>& node = graph_->nodes()[id];
  Index traffic = 2 * node.shape.cols;
  for (const NodeId input : node.inputs) {
    if (!slots_[input].is_input) traffic += graph_->nodes()[input].shape.cols;
  }
  return layout_.members > 1 && !slots_[node.owner].packed.empty() && node.op->splits_columns() &&
         node.shape.cols >= layout_.members * line_elements<T> &&
         2 * node.parameters.size() > 3 * layout_.capacity * traffic;
}

template <class T>
void Workspace<T>::plan_forward() {
  // Rows of the inputs that are not in a list of one's own are listed by whom they belong to.
  Pending pending(!has_own_lists());
  for (NodeId id = 0; id < slots_.size(); ++id) {
    Slot<T>& slot = slots_[id];
    const Node<T>& node = graph_->nodes()[id];
    if (slot.is_input) continue;
    if (is_fixed(id)) {
      slot.sharing = Sharing::alone;
    } else if (node.op->needs_whole_columns() || is_split_by_columns(id)) {
      slot.sharing = Sharing::columns;
    }
    const bool reads_fixed =
        std::ranges::any_of(node.inputs, [&](NodeId input) { return is_fixed(input); });
    slot.barrier_before =
        pending.add({.sharing = slot.sharing, .reads_columns = true, .reads_fixed = reads_fixed});
  }
  barrier_after_ = pending.columns();
}

// The steps of a batch come first, then those of what is no batch, by the first member alone: the
// former never wait for the latter. Each list runs down the graph, so of a node's consumers the
// last one writes its gradient (the loss, where it is an output) and the others add to it.
template <class T>
void Workspace<T>::plan_backward() {
  std::vector<bool> written(slots_.size(), false);
  for (const NodeId output : outputs_) written[output] = true;
  Pending pending(true);  // the losses have written rows
  const auto add = [&](Step step, bool reads_columns) {
    step.barrier_before =
        pending.add({.sharing = step.sharing, .reads_columns = reads_columns, .reads_batch = true});
    backward_steps_.push_back(step);
  };
  const auto note_inputs = [&](NodeId id, bool fixed) {
    bool wanted = false;
    const std::vector<NodeId>& inputs = graph_->nodes()[id].inputs;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      if (is_fixed(inputs[k]) != fixed || !slots_[inputs[k]].wants_gradient) continue;
      slots_[id].accumulate[k] = written[inputs[k]];
      written[inputs[k]] = true;
      wanted = true;
    }
    return wanted;
  };
  for (NodeId id = slots_.size(); id-- > 0;) {
    const Node<T>& node = graph_->nodes()[id];
    Slot<T>& slot = slots_[id];
    slot.accumulate.resize(node.inputs.size());
    if (slot.is_input || is_fixed(id) || !slot.wants_gradient) continue;
    if (!slot.pre_activation && node.op->changes_output_gradient()) {
      // By rows, too, where that is how its gradient has just been written: one barrier less.
      const bool rows = slot.sharing == Sharing::columns && !node.op->needs_whole_columns() &&
                        pending.rows() && !pending.columns();
      add({.node = id, .output_part = true, .sharing = rows ? Sharing::rows : slot.sharing}, false);
    }
    if (!note_inputs(id, false)) continue;
    // Columns of the only input are those of its node, and stay with the same member.
    const bool whole = node.op->needs_whole_columns();
    const bool columns = whole || (node.inputs.size() == 1 && node.op->splits_columns() &&
                                   slots_[node.inputs[0]].sharing == Sharing::columns);
    add({.node = id, .sharing = columns ? Sharing::columns : Sharing::rows}, !whole);
  }
  for (NodeId id = slots_.size(); id-- > 0;) {
    const Node<T>& node = graph_->nodes()[id];
    if (slots_[id].is_input || !slots_[id].wants_gradient) continue;
    if (is_fixed(id) && node.op->changes_output_gradient()) {
      add({.node = id, .output_part = true, .sharing = Sharing::alone, .to_fixed = true}, false);
    }
    if (note_inputs(id, true)) {
      add({.node = id, .sharing = Sharing::alone, .to_fixed = true}, false);
    }
  }
}

#define NNBIND_INSTANTIATE(T)                                                \
  template bool is_worth_packing<T>(BlockShape, Index);                      \
  template ThetaLayout parameter_layout<T>(const Graph<T>&, Index, Purpose); \
  template void Workspace<T>::plan_forward();                                \
  template bool Workspace<T>::is_split_by_columns(NodeId) const;             \
  template void Workspace<T>::plan_backward();
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
