#include "workspace.hpp"

#include <algorithm>
#include <array>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

/// Inputs that a node may have.
constexpr std::size_t most_inputs = 16;

/// Columns are shared out in whole panels.
template <class T>
Range my_columns(const Member& member, Index columns) {
  return member.share(columns, panel_columns<T>);
}

template <class T>
void copy_block(Panels<const T> from, Block block, Panels<T> to) {
  for (Index j = block.cols.begin; j < block.cols.end; j += panel_columns<T>) {
    const Index count = std::min(panel_columns<T>, block.cols.end - j);
    for (Index i = block.rows.begin; i < block.rows.end; ++i) {
      std::copy_n(from.column(j) + i * from.stride, count, to.column(j) + i * to.stride);
    }
  }
}

template <class T, class U>
MatrixView<U> plain_parameters(const Node<T>& node, U* theta) {
  return {theta + node.offset, node.parameters.rows, node.parameters.cols, node.parameters.cols};
}

}  // namespace

template <class T>
Workspace<T>::Workspace(const Graph<T>& graph, NodeId output, Index capacity, Purpose purpose,
                        bool pre_activation, int members)
    : graph_(&graph),
      output_(output),
      capacity_(capacity),
      pre_activation_(pre_activation),
      slots_(graph.nodes().size()),
      input_number_(graph.nodes().size()) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    const Node<T>& node = graph.node(id);
    Slot<T>& slot = slots_[id];
    require(node.inputs.size() <= most_inputs, "Graph",
            "node " + quoted(node.name) + " has too many inputs");
    const bool hands_gradient_down = std::ranges::any_of(
        node.inputs, [&](NodeId input) { return slots_[input].wants_gradient; });
    slot.wants_gradient = node.parameters.size() > 0 || hands_gradient_down;
    if (is_input(id)) {
      input_number_[id] = input_rows_.size();
      input_rows_.emplace_back(static_cast<std::size_t>(capacity));
      continue;
    }
    slot.output = Matrix<T>(capacity, node.width);
    if (purpose == Purpose::inference) continue;
    slot.gradient = Matrix<T>(capacity, node.width);
    slot.saved = Matrix<T>(capacity, node.op->saved_width(node.width));
    if (hands_gradient_down) {
      const BlockShape shape = node.op->cache_shape(node.parameters);
      slot.cache = PackedMatrix<T>(shape.rows, shape.cols);
    }
  }
  if (purpose == Purpose::inference) return;
  if (purpose == Purpose::fit) plan_packing();
  plan_columns(members);
  plan_backward();
}

template <class T>
Rows<T> Workspace<T>::rows_of(NodeId id, Range rows) const {
  const Rows<T> all = is_input(id) ? Rows<T>{input_rows_[input_number_[id]].data(), capacity_,
                                             graph_->node(id).width}
                                   : slots_[id].output.rows();
  return all.middle_rows(rows.begin, rows.size());
}

/// The inputs of a node for some rows, in a small array that lives on the stack.
template <class T>
struct Workspace<T>::InputList {
  InputList(const Workspace& workspace, const Node<T>& node, Range rows)
      : count(node.inputs.size()) {
    for (std::size_t k = 0; k < count; ++k) list[k] = workspace.rows_of(node.inputs[k], rows);
  }
  [[nodiscard]] std::span<const Rows<T>> span() const { return {list.data(), count}; }

  std::array<Rows<T>, most_inputs> list;
  std::size_t count;
};

template <class T>
void Workspace<T>::infer(const T* theta, Range rows) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (!is_input(id)) forward_node(id, theta, rows, {0, graph_->node(id).width}, nullptr);
  }
}

template <class T>
void Workspace<T>::forward(const Member& member, const T* theta, Index batch,
                           const DropoutKey* dropout) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (barrier_before_[id]) member.barrier();
    if (is_input(id)) continue;
    const Index width = graph_->node(id).width;
    if (slots_[id].by_columns) {
      forward_node(id, theta, {0, batch}, my_columns<T>(member, width), dropout);
    } else {
      forward_node(id, theta, member.share(batch), {0, width}, dropout);
    }
  }
  if (barrier_after_) member.barrier();
}

template <class T>
void Workspace<T>::backward(const Member& member, Index batch, bool dropout) {
  for (const Step& step : backward_steps_) {
    if (step.barrier_before) member.barrier();
    const Node<T>& node = graph_->node(step.node);
    const Index width = step.output_part ? node.width : node.input_widths[0];
    if (step.by_columns) {
      backward_step(step, {0, batch}, my_columns<T>(member, width), dropout);
    } else {
      backward_step(step, member.share(batch), {0, width}, dropout);
    }
  }
}

template <class T>
void Workspace<T>::forward_node(NodeId id, const T* theta, Range rows, Range columns,
                                const DropoutKey* dropout) {
  const Node<T>& node = graph_->node(id);
  const InputList inputs(*this, node, rows);
  ForwardPass<T> pass;
  pass.inputs = inputs.span();
  pass.parameters = slots_[id].packed.empty()
                        ? Panels<const T>::plain(plain_parameters(node, theta))
                        : slots_[id].packed.panels();
  pass.output = slots_[id].output.view().middle_rows(rows.begin, rows.size());
  const MatrixView<T> saved = slots_[id].saved.view();
  if (saved.cols > 0) pass.saved = saved.middle_rows(rows.begin, rows.size());
  pass.columns = columns;
  pass.dropout = dropout;
  pass.node = static_cast<std::uint32_t>(id);
  pass.first_row = rows.begin;
  pass.pre_activation = pre_activation_ && id == output_;
  node.op->forward(pass);
}

template <class T>
void Workspace<T>::backward_step(const Step& step, Range rows, Range columns, bool dropout) {
  const Node<T>& node = graph_->node(step.node);
  Slot<T>& slot = slots_[step.node];
  const InputList inputs(*this, node, rows);
  std::array<InputGradient<T>, most_inputs> input_gradients;
  for (std::size_t k = 0; k < node.inputs.size(); ++k) {
    Slot<T>& source = slots_[node.inputs[k]];
    if (!source.wants_gradient) continue;
    input_gradients[k] = {source.gradient.view().middle_rows(rows.begin, rows.size()),
                          slot.accumulate[k]};
  }
  BackwardPass<T> pass;
  pass.inputs = inputs.span();
  pass.output = slot.output.view().middle_rows(rows.begin, rows.size());
  pass.saved = slot.saved.view().middle_rows(rows.begin, rows.size());
  pass.cache = slot.cache.panels();
  pass.output_gradient = slot.gradient.view().middle_rows(rows.begin, rows.size());
  pass.output_gradient_rows = slot.gradient.rows().middle_rows(rows.begin, rows.size());
  pass.input_gradients = {input_gradients.data(), node.inputs.size()};
  pass.columns = columns;
  pass.dropout = dropout;
  if (step.output_part) {
    node.op->backward_output(pass);
  } else {
    node.op->backward(pass);
  }
}

template <class T>
Block Workspace<T>::my_parameters(const Member& member, NodeId id) const {
  const BlockShape shape = graph_->node(id).parameters;
  if (slots_[id].by_columns) return {{0, shape.rows}, my_columns<T>(member, shape.cols)};
  constexpr Index rows = 48;  // four register tiles of 12, and three cache lines of the transpose
  return {member.share(shape.rows, rows), {0, shape.cols}};
}

template <class T>
void Workspace<T>::parameter_gradient(NodeId id, Index batch, Block block, bool accumulate,
                                      MatrixView<T> gradient) const {
  const Node<T>& node = graph_->node(id);
  const InputList inputs(*this, node, {0, batch});
  node.op->parameter_gradient(inputs.span(), slots_[id].gradient.view().middle_rows(0, batch),
                              block, accumulate, gradient);
}

template <class T>
Panels<T> Workspace<T>::parameters(NodeId id, T* theta) {
  Slot<T>& slot = slots_[id];
  if (!slot.packed.empty()) return slot.packed.panels();
  return Panels<T>::plain(plain_parameters(graph_->node(id), theta));
}

template <class T>
void Workspace<T>::cache_parameters(NodeId id, T* theta, Block block) {
  Slot<T>& slot = slots_[id];
  if (slot.cache.empty()) return;
  graph_->node(id).op->cache_parameters(parameters(id, theta), block, slot.cache.panels());
}

template <class T>
void Workspace<T>::read(const Member& member, T* theta) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    const Block mine = my_parameters(member, id);
    if (!slots_[id].packed.empty()) {
      copy_block<T>(Panels<T>::plain(plain_parameters(graph_->node(id), theta)), mine,
                    slots_[id].packed.panels());
    }
    cache_parameters(id, theta, mine);
  }
}

template <class T>
void Workspace<T>::write_back(const Member& member, T* theta) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (slots_[id].packed.empty()) continue;
    copy_block<T>(slots_[id].packed.panels(), my_parameters(member, id),
                  Panels<T>::plain(plain_parameters(graph_->node(id), theta)));
  }
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace nnbind
