#include "workspace.hpp"

#include <algorithm>

#include "denormals.hpp"
#include "nnbind/error.hpp"
#include "workspace_parts.hpp"

namespace nnbind {

template <class T>
Workspace<T>::Workspace(const Graph<T>& graph, std::vector<NodeId> outputs, const T* state,
                        Layout layout)
    : graph_(&graph),
      outputs_(std::move(outputs)),
      state_(state),
      layout_(std::move(layout)),
      slots_(graph.nodes().size()),
      input_number_(graph.nodes().size()) {
  for (std::size_t k = 0; k < graph.inputs().size(); ++k) {
    slots_[graph.inputs()[k]].is_input = true;
    input_number_[graph.inputs()[k]] = k;
    input_rows_.emplace_back(
        static_cast<std::size_t>(std::max(list_begin(layout_.members), layout_.capacity)));
  }
  for (std::size_t k = 0; k < layout_.pre_activations.size(); ++k) {
    slots_[outputs_[k]].pre_activation = layout_.pre_activations[k];
  }
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    if (!graph.is_read(outputs_[k])) slots_[outputs_[k]].only_output = static_cast<Index>(k);
  }
  for (NodeId id = 0; id < slots_.size(); ++id) {
    make_slot(id);
    if (!slots_[id].is_input) (is_fixed(id) ? fixed_nodes_ : batch_nodes_).push_back(id);
  }
  const ThetaLayout blocks = parameter_layout(graph, layout_.capacity, layout_.purpose);
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (blocks[id].packed) slots_[id].packed = PackedMatrix<T>(blocks[id].rows, blocks[id].cols);
    prepare_pass(id);
  }
  programs_.resize(static_cast<std::size_t>(layout_.members));
  if (layout_.purpose == Purpose::inference) {
    programs_[0].make_room(graph.nodes());  // by the first prediction, whatever its rows
    return;
  }
  plan_forward();
  plan_backward();
}

template <class T>
void Workspace<T>::make_slot(NodeId id) {
  const Node<T>& node = graph_->nodes()[id];
  Slot<T>& slot = slots_[id];
  const bool training = layout_.purpose != Purpose::inference;
  const bool hands_gradient_down =
      std::ranges::any_of(node.inputs, [&](NodeId input) { return slots_[input].wants_gradient; });
  slot.wants_gradient = (node.parameters.size() > 0 && layout_.parameter_gradients) ||
                        hands_gradient_down || (slot.is_input && layout_.input_gradients);
  slots_[node.owner].users.push_back(id);
  const Index rows = is_fixed(id) ? node.shape.rows : layout_.capacity;
  if (training && (!slot.is_input || layout_.input_gradients)) {
    slot.gradient = Matrix<T>(rows, node.shape.cols);
  }
  if (slot.is_input) return;
  slot.output = Matrix<T>(rows, node.shape.cols);
  if (training) slot.saved = Matrix<T>(rows, node.op->saved_width(node.shape.cols));
}

template <class T>
void Workspace<T>::prepare_pass(NodeId id) {
  const Node<T>& node = graph_->nodes()[id];
  Slot<T>& slot = slots_[id];
  ForwardPass<T>& pass = slot.pass;
  PackedMatrix<T>& packed = slots_[node.owner].packed;
  const auto [rows, cols] = node.parameters;
  pass.parameters = packed.empty() ? Panels<const T>::plain({nullptr, rows, cols, cols})
                                   : Panels<const T>(packed.panels());
  pass.state = node.state_in(state_);
  pass.output = slot.output.view();
  if (slot.saved.view().cols > 0) pass.saved = slot.saved.view();
  pass.columns = all_columns(node);
  pass.node = static_cast<std::uint32_t>(id);
  pass.pre_activation = slot.pre_activation;
  pass.padded = true;
}

template <class T>
Workspace<T>::~Workspace() = default;

template <class T>
Range Workspace<T>::all_rows(NodeId id, Index batch) const {
  return {0, is_fixed(id) ? graph_->nodes()[id].shape.rows : batch};
}

template <class T>
Rows<T> Workspace<T>::rows_of(NodeId id, Range rows, int rank) const {
  const Slot<T>& slot = slots_[id];
  if (is_fixed(id)) return slot.output.rows();
  if (!slot.is_input) return slot.output.rows().middle_rows(rows);
  const T* const* const all = input_rows_[input_number_[id]].data() + list_begin(rank);
  return {.row = all + rows.begin,
          .count = rows.size(),
          .cols = graph_->nodes()[id].shape.cols,
          .ahead = layout_.fetches ? layout_.capacity : 0};
}

template <class T>
void Workspace<T>::infer_fixed(const T* theta) {
  if (fixed_nodes_.empty()) return;
  const DenormalMode flush(true);  // as where batches are
  for (const NodeId id : fixed_nodes_) forward_rows(id, theta, all_rows(id, 0), [](auto&) {});
}

template <class T>
void Workspace<T>::infer(const T* theta, Range rows) {
  for (const NodeId id : batch_nodes_) forward_rows(id, theta, rows, [](auto&) {});
}

template <class T>
void Workspace<T>::infer(const T* theta, Range rows, std::span<const MatrixView<T>> out,
                         Index first) {
  const bool is_first_row = rows.begin == 0 && rows.end == 1;
  if (is_first_row && layout_.purpose == Purpose::inference) return infer_first(theta, out, first);
  for (const NodeId id : batch_nodes_) {
    forward_rows(id, theta, rows, [&](ForwardPass<T>& pass) {
      if (slots_[id].only_output < 0) return;
      const MatrixView<T>& to = out[static_cast<std::size_t>(slots_[id].only_output)];
      pass.output.data = to.row(first);
      pass.output.stride = to.stride;
      pass.padded = false;
    });
  }
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    if (slots_[outputs_[k]].only_output < 0) copy_output(k, rows, out[k], first);
  }
}

template <class T>
void Workspace<T>::copy_output(std::size_t k, Range rows, const MatrixView<T>& out, Index first) {
  const MatrixView<T> from = slots_[outputs_[k]].output.view();
  for (Index i = 0; i < rows.size(); ++i) {
    std::copy_n(from.row(rows.begin + i), from.cols, out.row(first + i));
  }
}

template <class T>
template <class F>
void Workspace<T>::forward_rows(NodeId id, const T* theta, Range rows, F&& change) {
  const Node<T>& node = graph_->nodes()[id];
  const InputList inputs(*this, node, rows);
  // From here on number by number. A copy of a view in a register of 32 bytes would wait until the
  // stores of its four numbers have reached the cache: some 20 cycles each time.
  const ForwardPass<T>& all = slots_[id].pass;
  ForwardPass<T> pass = all;
  pass.inputs = inputs.span();
  if (all.parameters.data == nullptr) pass.parameters.data = theta + node.offset;
  pass.output.data = all.output.row(rows.begin);
  pass.output.rows = rows.size();
  pass.saved.data = all.saved.row(rows.begin);
  pass.saved.rows = rows.size();
  pass.first_row = rows.begin;
  change(pass);
  node.op->forward(pass);
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace nnbind
