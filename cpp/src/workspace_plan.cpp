// How the work of a run is laid out: what is packed, who computes what, and where members must
// wait.
#include <algorithm>

#include "workspace.hpp"

namespace nnbind {

// Small parameters stay in the first-level cache, in whatever order. Large ones are read in the
// order of the products: a panel of columns, row by row. Packed so, they are one stream of memory,
// where rows of θ would be a cache line or two each, on a page of their own in the largest
// networks.
template <class T>
void Workspace<T>::plan_packing() {
  constexpr Index least_parameters = 4096;
  constexpr Index least_batch = 8;  // fewer rows do not reuse a panel
  for (NodeId id = 0; id < slots_.size(); ++id) {
    const Node<T>& node = graph_->node(id);
    if (node.op->reads_panels() && node.parameters.size() >= least_parameters &&
        capacity_ >= least_batch) {
      slots_[id].packed = PackedMatrix<T>(node.parameters.rows, node.parameters.cols);
    }
  }
}

// Where a node has more parameters than activations, each member keeps some panels of its weights
// for itself, from the forward pass to the update: weights that another core has just written would
// come from its cache at a tenth of the speed of one's own. What then travels is activations.
template <class T>
void Workspace<T>::plan_columns(int members) {
  bool columns_before = false;  // whether something since the last barrier was split by columns
  barrier_before_.resize(slots_.size());
  for (NodeId id = 0; id < slots_.size(); ++id) {
    const Node<T>& node = graph_->node(id);
    if (is_input(id)) continue;
    Index traffic = 2 * node.width;
    for (const NodeId input : node.inputs) {
      if (!is_input(input)) traffic += graph_->node(input).width;
    }
    slots_[id].by_columns = members > 1 && !slots_[id].packed.empty() &&
                            node.op->splits_columns() && node.width >= members * line_elements<T> &&
                            node.parameters.size() > capacity_ * traffic;
    // The rows of the inputs, too, were pointed at by the member that each row belongs to.
    barrier_before_[id] = columns_before || slots_[id].by_columns;
    columns_before = slots_[id].by_columns;
  }
  barrier_after_ = columns_before;
}

template <class T>
void Workspace<T>::plan_backward() {
  // Backward runs down the list: of a node's consumers the last in the list writes its gradient
  // and the earlier ones add to it.
  std::vector<bool> written(slots_.size(), false);
  bool by_columns = false;  // how the last piece of work was shared out
  const auto add = [&](NodeId node, bool output_part, bool columns, bool reads_all) {
    const bool barrier = columns != by_columns || (columns && reads_all);
    backward_steps_.push_back({node, output_part, columns, barrier});
    by_columns = columns;
  };
  for (NodeId id = slots_.size(); id-- > 0;) {
    const Node<T>& node = graph_->node(id);
    if (is_input(id)) continue;
    for (const NodeId input : node.inputs) {
      slots_[id].accumulate.push_back(written[input]);
      written[input] = true;
    }
    if (!(pre_activation_ && id == output_)) add(id, true, slots_[id].by_columns, false);
    const bool hands_gradient_down = std::ranges::any_of(
        node.inputs, [&](NodeId input) { return slots_[input].wants_gradient; });
    // The columns of the only input are those of its node, and stay with the same member.
    const bool columns =
        node.inputs.size() == 1 && node.op->splits_columns() && slots_[node.inputs[0]].by_columns;
    if (hands_gradient_down) add(id, false, columns, true);
  }
}

#define NNBIND_INSTANTIATE(T)                    \
  template void Workspace<T>::plan_packing();    \
  template void Workspace<T>::plan_columns(int); \
  template void Workspace<T>::plan_backward();
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
