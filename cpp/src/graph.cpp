#include "nnbind/graph.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "nnbind/error.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

/// Values come from outside: there is nothing to compute and nobody to hand a gradient to.
template <class T>
class Input final : public Operator<T> {
 public:
  explicit Input(Index columns) : columns_(columns) { require_count("Input", "width", columns, 1); }
  [[nodiscard]] std::string_view kind() const override { return "input"; }
  [[nodiscard]] Shape shape(std::span<const Shape> /*inputs*/) const override {
    return {Shape::batch, columns_};
  }
  void forward(const ForwardPass<T>& /*pass*/) const override {}
  void backward(const BackwardPass<T>& /*pass*/) const override {}

 private:
  Index columns_;
};

/// Bounds that no network in memory reaches, under which products and sums of sizes fit an Index.
constexpr Index most_values = std::numeric_limits<std::int32_t>::max();
constexpr Index most_parameters = Index{1} << 48;  // and as many values of the state

/// Columns of a node, and all values of one with fixed rows.
void require_size(const std::string& name, Shape shape) {
  const auto refuse = [&](const std::string& expected) {
    throw ShapeError("[Graph] " + in_quotes(name) + " has shape " + shape_text(shape) +
                     "; expected " + expected);
  };
  if (shape.cols < 1 || (!shape.is_batch() && shape.rows < 1)) refuse("at least one value");
  if (shape.cols > most_values || (!shape.is_batch() && shape.rows > most_values / shape.cols)) {
    refuse("at most " + std::to_string(most_values) + " values a sample");
  }
}

/// Of a block of θ or of the state that comes after `before` other values.
void require_block(const std::string& name, const char* what, BlockShape block, Index before) {
  const auto refuse = [&](const std::string& why) {
    throw ShapeError("[Graph] " + in_quotes(name) + " has " + what + " of shape " +
                     shape_text(block.rows, block.cols) + "; expected " + why);
  };
  if (block.rows < 0 || block.cols < 0) refuse("no number below 0");
  if (block.cols > 0 && block.rows > (most_parameters - before) / block.cols) {
    refuse("at most 2^48 values in all nodes");
  }
}

void require_between(const std::string& name, const char* what, Index value, Index most) {
  if (value >= 0 && value <= most) return;
  throw ShapeError("[Graph] " + in_quotes(name) + " has " + what + " of " + std::to_string(value) +
                   "; expected 0 to " + std::to_string(most));
}

}  // namespace

std::string shape_text(Shape shape) {
  return "(" + (shape.is_batch() ? "n" : std::to_string(shape.rows)) + ", " +
         std::to_string(shape.cols) + ")";
}

template <class T>
Shape infer_shape(const Operator<T>& op, std::span<const std::string> names,
                  std::span<const Shape> shapes) {
  try {
    return op.shape(shapes);
  } catch (const ShapeError& error) {
    std::string text = "[" + std::string(op.kind()) + "] ";
    for (std::size_t k = 0; k < names.size(); ++k) {
      text += (k == 0 ? "" : ", ") + in_quotes(names[k]) + " " + shape_text(shapes[k]);
    }
    throw ShapeError(text + ": " + error.what());
  }
}

template <class T>
NodeId Graph<T>::input(Index width, std::string name) {
  inputs_.push_back(add(std::make_shared<Input<T>>(width), {}, std::move(name)));
  return inputs_.back();
}

template <class T>
const Node<T>& Graph<T>::node(NodeId id) const {
  if (id < nodes_.size()) return nodes_[id];
  throw OptionError("[Graph] there is no node " + std::to_string(id) + "; the graph has " +
                    std::to_string(nodes_.size()));
}

template <class T>
bool Graph<T>::is_input(NodeId id) const {
  return std::ranges::binary_search(inputs_, id);  // they were added in order
}

template <class T>
bool Graph<T>::is_read(NodeId id) const {
  return std::ranges::any_of(nodes_, [&](const Node<T>& node) {
    return std::ranges::find(node.inputs, id) != node.inputs.end();
  });
}

template <class T>
NodeId Graph<T>::add(OperatorPointer<T> op, std::vector<NodeId> inputs, std::string name,
                     std::optional<NodeId> shared) {
  require(op != nullptr, "Graph", "there is no operator; expected one to add");
  Node<T> node;
  std::vector<std::string> names;
  for (const NodeId id : inputs) {
    const Node<T>& input = this->node(id);
    names.push_back(input.name);
    node.input_shapes.push_back(input.shape);
    const bool from_input = input.layer_index > 0 || is_input(id);
    if (from_input) node.layer_index = std::max(node.layer_index, input.layer_index + 1);
  }
  node.name = unique_name(std::move(name), op->kind());
  require(inputs.size() <= most_inputs, "Graph",
          in_quotes(node.name) + " has " + std::to_string(inputs.size()) +
              " inputs; expected at most " + std::to_string(most_inputs));
  node.shape = infer_shape(*op, names, node.input_shapes);
  require_size(node.name, node.shape);
  node.parameters = op->parameters(node.input_shapes);
  node.weight_rows = op->weight_rows(node.input_shapes);
  node.state = op->state(node.input_shapes);
  require_block(node.name, "parameters", node.parameters, shared ? 0 : Index{parameter_count_});
  require_block(node.name, "a state", node.state, shared ? 0 : Index{state_count_});
  require_between(node.name, "weight_rows", node.weight_rows, node.parameters.rows);
  require_between(node.name, "a saved_width", op->saved_width(node.shape.cols), most_parameters);
  node.inputs = std::move(inputs);
  node.op = std::move(op);
  if (shared) {
    share(node, *shared);
  } else {
    node.owner = nodes_.size();
    node.offset = parameter_count_;
    node.state_offset = state_count_;
    if (node.parameters.size() > 0) parameter_nodes_.push_back(node.owner);
    parameter_count_ = parameter_count_ + node.parameters.size();
    state_count_ = state_count_ + node.state.size();
  }
  names_.insert(node.name);
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

template <class T>
void Graph<T>::share(Node<T>& node, NodeId with) const {
  const NodeId owner = this->node(with).owner;
  const Node<T>& other = nodes_[owner];
  require(other.op == node.op, "Graph",
          in_quotes(node.name) + " cannot share the parameters of " + in_quotes(other.name) +
              ", which is of another operator");
  if (other.parameters.rows != node.parameters.rows ||
      other.parameters.cols != node.parameters.cols || other.state.size() != node.state.size()) {
    throw ShapeError("[" + std::string(node.op->kind()) + "] " + in_quotes(node.name) +
                     " shares the parameters of " + in_quotes(other.name) + ", whose input is " +
                     shape_text(other.input_shapes[0]) + "; its own is " +
                     shape_text(node.input_shapes[0]));
  }
  node.owner = owner;
  node.offset = other.offset;
  node.state_offset = other.state_offset;
}

template <class T>
std::string Graph<T>::unique_name(std::string name, std::string_view kind) {
  if (!name.empty()) {
    require(name.size() <= longest_name, "Graph",
            "the name of a node has " + std::to_string(name.size()) + " bytes; expected at most " +
                std::to_string(longest_name));
    require(!names_.contains(name), "Graph", "two nodes are named " + in_quotes(name));
    return name;
  }
  const std::string stem(kind);
  // Nodes stay: what was taken once need not be tried again.
  for (int& count = first_candidate_[stem];; ++count) {
    name = count == 0 ? stem : stem + "_" + std::to_string(count);
    if (!names_.contains(name)) return name;
  }
}

#define NNBIND_INSTANTIATE(T)                                                     \
  template class Graph<T>;                                                        \
  template Shape infer_shape<T>(const Operator<T>&, std::span<const std::string>, \
                                std::span<const Shape>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
