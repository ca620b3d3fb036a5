#include "workspace.hpp"

#include <algorithm>

#include "nnbind/error.hpp"
#include "workspace_parts.hpp"

namespace nnbind {

namespace {

template <class T>
Range all_columns(const Node<T>& node) {
  return {0, node.shape.cols};
}

}  // namespace

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
    input_rows_.emplace_back(static_cast<std::size_t>(layout_.capacity));
  }
  for (std::size_t k = 0; k < layout_.pre_activations.size(); ++k) {
    slots_[outputs_[k]].pre_activation = layout_.pre_activations[k];
  }
  for (NodeId id = 0; id < slots_.size(); ++id) make_slot(id);
  if (layout_.purpose == Purpose::inference) return;
  if (layout_.purpose == Purpose::fit) plan_packing();
  plan_forward();
  plan_backward();
}

template <class T>
void Workspace<T>::make_slot(NodeId id) {
  const Node<T>& node = graph_->node(id);
  Slot<T>& slot = slots_[id];
  require(node.inputs.size() <= most_inputs, "Graph",
          "node " + quoted(node.name) + " has " + std::to_string(node.inputs.size()) +
              " inputs; expected at most " + std::to_string(most_inputs));
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
  if (!training) return;
  slot.saved = Matrix<T>(rows, node.op->saved_width(node.shape.cols));
  if (hands_gradient_down && slots_[node.owner].cache.empty()) {
    const BlockShape shape = node.op->cache_shape(node.parameters);
    slots_[node.owner].cache = PackedMatrix<T>(shape.rows, shape.cols);
  }
}

template <class T>
Range Workspace<T>::all_rows(NodeId id, Index batch) const {
  return {0, is_fixed(id) ? graph_->node(id).shape.rows : batch};
}

template <class T>
Rows<T> Workspace<T>::rows_of(NodeId id, Range rows) const {
  if (is_fixed(id)) return slots_[id].output.rows();
  const Rows<T> all = slots_[id].is_input ? Rows<T>{input_rows_[input_number_[id]].data(),
                                                    layout_.capacity, graph_->node(id).shape.cols}
                                          : slots_[id].output.rows();
  return all.middle_rows(rows.begin, rows.size());
}

template <class T>
bool Workspace<T>::has_fixed() const {
  return std::ranges::any_of(graph_->nodes(),
                             [](const Node<T>& node) { return !node.shape.is_batch(); });
}

template <class T>
void Workspace<T>::infer_fixed(const T* theta) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (is_fixed(id)) forward_node(id, theta, all_rows(id, 0), all_columns(graph_->node(id)), {});
  }
}

template <class T>
void Workspace<T>::infer(const T* theta, Range rows) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (slots_[id].is_input || is_fixed(id)) continue;
    forward_node(id, theta, rows, all_columns(graph_->node(id)), {});
  }
}

template <class T>
void Workspace<T>::forward(const Member& member, const T* theta, Index batch, const Mode<T>& mode) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    const Slot<T>& slot = slots_[id];
    if (slot.is_input) continue;
    if (slot.barrier_before) member.barrier();
    const Range columns = all_columns(graph_->node(id));
    if (slot.sharing == Sharing::rows) {
      forward_node(id, theta, member.share(batch), columns, mode);
    } else if (slot.sharing == Sharing::columns) {
      forward_node(id, theta, {0, batch}, my_columns<T>(member, columns.end), mode);
    } else if (member.rank() == 0) {
      forward_node(id, theta, all_rows(id, batch), columns, mode);
    }
  }
  if (barrier_after_) member.barrier();
}

template <class T>
void Workspace<T>::backward(const Member& member, Index batch, const Mode<T>& mode) {
  for (const Step& step : backward_steps_) run_step(step, member, batch, mode);
}

template <class T>
Range Workspace<T>::columns_of(const Step& step) const {
  const Node<T>& node = graph_->node(step.node);
  return {0, step.output_part ? node.shape.cols : node.input_shapes[0].cols};
}

template <class T>
void Workspace<T>::run_step(const Step& step, const Member& member, Index batch,
                            const Mode<T>& mode) {
  if (step.barrier_before) member.barrier();
  const Range columns = columns_of(step);
  if (step.sharing == Sharing::rows) {
    backward_step(step, member.share(batch), columns, mode);
  } else if (step.sharing == Sharing::columns) {
    backward_step(step, {0, batch}, my_columns<T>(member, columns.end), mode);
  } else if (member.rank() == 0) {
    backward_step(step, all_rows(step.node, batch), columns, mode);
  }
}

template <class T>
void Workspace<T>::forward_node(NodeId id, const T* theta, Range rows, Range columns,
                                const Mode<T>& mode) {
  const Node<T>& node = graph_->node(id);
  Slot<T>& slot = slots_[id];
  const InputList inputs(*this, node, rows);
  ForwardPass<T> pass;
  pass.inputs = inputs.span();
  pass.parameters = current_parameters(node, theta);
  pass.state = state_of(node, state_);
  if (mode.new_state != nullptr) pass.new_state = state_of(node, mode.new_state);
  pass.output = slot.output.view().middle_rows(rows.begin, rows.size());
  const MatrixView<T> saved = slot.saved.view();
  if (saved.cols > 0) pass.saved = saved.middle_rows(rows.begin, rows.size());
  pass.columns = columns;
  pass.training = mode.training;
  pass.dropout = mode.dropout;
  pass.node = static_cast<std::uint32_t>(id);
  pass.first_row = rows.begin;
  pass.pre_activation = slot.pre_activation;
  node.op->forward(pass);
}

template <class T>
void Workspace<T>::backward_step(const Step& step, Range rows, Range columns, const Mode<T>& mode) {
  const Node<T>& node = graph_->node(step.node);
  Slot<T>& slot = slots_[step.node];
  const InputList inputs(*this, node, rows);
  StackList<InputGradient<T>> input_gradients;
  for (std::size_t k = 0; k < node.inputs.size(); ++k) {
    Slot<T>& source = slots_[node.inputs[k]];
    const bool fixed = is_fixed(node.inputs[k]);
    if (!source.wants_gradient || fixed != step.to_fixed) {
      input_gradients.add({});
      continue;
    }
    const MatrixView<T> all = source.gradient.view();
    input_gradients.add(
        {fixed ? all : all.middle_rows(rows.begin, rows.size()), slot.accumulate[k]});
  }
  BackwardPass<T> pass;
  pass.inputs = inputs.span();
  pass.state = state_of(node, state_);
  pass.output = slot.output.view().middle_rows(rows.begin, rows.size());
  pass.saved = slot.saved.view().middle_rows(rows.begin, rows.size());
  pass.cache = slots_[node.owner].cache.panels();
  pass.output_gradient = slot.gradient.view().middle_rows(rows.begin, rows.size());
  pass.output_gradient_rows = slot.gradient.rows().middle_rows(rows.begin, rows.size());
  pass.input_gradients = input_gradients.span();
  pass.columns = columns;
  pass.training = mode.training;
  pass.dropout = mode.dropout != nullptr;
  if (step.output_part) {
    node.op->backward_output(pass);
  } else {
    node.op->backward(pass);
  }
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace nnbind
