#include "workspace.hpp"

#include <algorithm>
#include <array>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

/// Inputs that a node may have.
constexpr std::size_t most_inputs = 16;

}  // namespace

template <class T>
Workspace<T>::Workspace(const Graph<T>& graph, NodeId output, Index capacity, Purpose purpose,
                        bool pre_activation)
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
    slot.wants_gradient =
        node.parameters.size() > 0 || std::ranges::any_of(node.inputs, [&](NodeId input) {
          return slots_[input].wants_gradient;
        });
    if (node.op->kind() == "input") {
      input_number_[id] = input_rows_.size();
      input_rows_.emplace_back(static_cast<std::size_t>(capacity));
      continue;
    }
    slot.output = Matrix<T>(capacity, node.width);
    if (purpose == Purpose::inference) continue;
    slot.gradient = Matrix<T>(capacity, node.width);
    slot.saved = Matrix<T>(capacity, node.op->saved_width(node.width));
    const bool hands_gradient_down = std::ranges::any_of(
        node.inputs, [&](NodeId input) { return slots_[input].wants_gradient; });
    if (hands_gradient_down) {
      const BlockShape shape = node.op->cache_shape(node.parameters);
      slot.cache = Matrix<T>(shape.rows, shape.cols);
    }
  }
  // Backward runs down the list: of a node's consumers the last in the list writes its gradient
  // and the earlier ones add to it.
  std::vector<bool> written(slots_.size(), false);
  for (NodeId id = slots_.size(); id-- > 0;) {
    for (const NodeId input : graph.node(id).inputs) {
      slots_[id].accumulate.push_back(written[input]);
      written[input] = true;
    }
  }
}

template <class T>
Rows<T> Workspace<T>::rows_of(NodeId id, Range rows) const {
  const Node<T>& node = graph_->node(id);
  const Rows<T> all = node.inputs.empty()
                          ? Rows<T>{input_rows_[input_number_[id]].data(), capacity_, node.width}
                          : slots_[id].output.rows();
  return all.middle_rows(rows.begin, rows.size());
}

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
void Workspace<T>::forward(const T* theta, Range rows, const DropoutKey* dropout) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    const Node<T>& node = graph_->node(id);
    if (node.inputs.empty()) continue;
    const InputList inputs(*this, node, rows);
    ForwardPass<T> pass;
    pass.inputs = inputs.span();
    pass.parameters = {theta + node.offset, node.parameters.rows, node.parameters.cols,
                       node.parameters.cols};
    pass.output = slots_[id].output.view().middle_rows(rows.begin, rows.size());
    pass.saved = slots_[id].saved.view();
    if (pass.saved.cols == 0) pass.saved.data = nullptr;
    if (pass.saved.data != nullptr) pass.saved = pass.saved.middle_rows(rows.begin, rows.size());
    pass.dropout = dropout;
    pass.node = static_cast<std::uint32_t>(id);
    pass.first_row = rows.begin;
    pass.pre_activation = pre_activation_ && id == output_;
    node.op->forward(pass);
  }
}

template <class T>
void Workspace<T>::backward(Range rows, bool dropout) {
  for (NodeId id = slots_.size(); id-- > 0;) {
    const Node<T>& node = graph_->node(id);
    if (node.inputs.empty()) continue;
    Slot<T>& slot = slots_[id];
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
    pass.cache = slot.cache.view();
    pass.output_gradient = slot.gradient.view().middle_rows(rows.begin, rows.size());
    pass.output_gradient_rows = slot.gradient.rows().middle_rows(rows.begin, rows.size());
    pass.input_gradients = {input_gradients.data(), node.inputs.size()};
    pass.dropout = dropout;
    pass.pre_activation = pre_activation_ && id == output_;
    node.op->backward(pass);
  }
}

template <class T>
void Workspace<T>::parameter_gradient(NodeId id, Index batch, Range rows, bool accumulate,
                                      MatrixView<T> gradient) const {
  const Node<T>& node = graph_->node(id);
  const InputList inputs(*this, node, {0, batch});
  node.op->parameter_gradient(inputs.span(), slots_[id].gradient.view().middle_rows(0, batch), rows,
                              accumulate, gradient);
}

template <class T>
void Workspace<T>::cache_parameters(NodeId id, const T* theta, Range rows) {
  const Node<T>& node = graph_->node(id);
  const MatrixView<T> cache = slots_[id].cache.view();
  if (cache.rows == 0) return;
  node.op->cache_parameters(MatrixView<const T>{theta + node.offset, node.parameters.rows,
                                                node.parameters.cols, node.parameters.cols},
                            rows, cache);
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace nnbind
