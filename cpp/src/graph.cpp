#include "nnbind/graph.hpp"

#include <algorithm>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

/// Values come from outside: there is nothing to compute and nobody to hand a gradient to.
template <class T>
class Input final : public Operator<T> {
 public:
  explicit Input(Index columns) : columns_(columns) {
    require(columns >= 1, "Input",
            "width is " + std::to_string(columns) + "; expected an integer >= 1");
  }
  [[nodiscard]] std::string_view kind() const override { return "input"; }
  [[nodiscard]] Index width(std::span<const Index> /*input_widths*/) const override {
    return columns_;
  }
  void forward(const ForwardPass<T>& /*pass*/) const override {}
  void backward(const BackwardPass<T>& /*pass*/) const override {}

 private:
  Index columns_;
};

}  // namespace

template <class T>
NodeId Graph<T>::input(Index width, std::string name) {
  inputs_.push_back(add(std::make_shared<Input<T>>(width), {}, std::move(name)));
  return inputs_.back();
}

template <class T>
NodeId Graph<T>::add(std::shared_ptr<const Operator<T>> op, std::vector<NodeId> inputs,
                     std::string name) {
  Node<T> node;
  for (const NodeId id : inputs) {
    require(id < nodes_.size(), "Graph",
            "there is no node " + std::to_string(id) + "; the graph has " +
                std::to_string(nodes_.size()));
    node.input_widths.push_back(nodes_[id].width);
    node.layer_index = std::max(node.layer_index, nodes_[id].layer_index + 1);
  }
  node.name = unique_name(std::move(name), op->kind());
  node.width = op->width(node.input_widths);
  node.parameters = op->parameters(node.input_widths);
  node.weight_rows = op->weight_rows(node.input_widths);
  node.offset = parameter_count_;
  node.inputs = std::move(inputs);
  node.op = std::move(op);
  parameter_count_ += node.parameters.size();
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

template <class T>
std::string Graph<T>::unique_name(std::string name, std::string_view kind) const {
  const auto taken = [&](const std::string& candidate) {
    return std::ranges::any_of(nodes_, [&](const auto& node) { return node.name == candidate; });
  };
  if (!name.empty()) {
    require(!taken(name), "Graph", "two nodes are named " + quoted(name));
    return name;
  }
  name = kind;
  for (int count = 1; taken(name); ++count) name = std::string(kind) + "_" + std::to_string(count);
  return name;
}

template class Graph<float>;
template class Graph<double>;

}  // namespace nnbind
