// The computation graph: operators and the edges between them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "nnbind/operator.hpp"

namespace nnbind {

/// The number of a node, in the order in which nodes were added.
using NodeId = std::size_t;

/// An operator in its place.
template <class T>
struct Node {
  std::string name;
  OperatorPointer<T> op;
  std::vector<NodeId> inputs;
  std::vector<Shape> input_shapes;
  Shape shape;            ///< of its output
  Index layer_index = 0;  ///< edges on the longest path from an input
  NodeId owner = 0;       ///< itself, or the earlier node whose parameters it shares
  BlockShape parameters;  ///< its block of θ
  Index weight_rows = 0;  ///< rows of that block that are weights; the others are biases
  Index offset = 0;       ///< where the block begins in θ
  BlockShape state;       ///< its block of the state
  Index state_offset = 0;

  /// Its block of a vector in the order of θ, and of one in that of the state.
  template <class U>
  [[nodiscard]] MatrixView<U> parameters_in(U* theta) const {
    return {theta + offset, parameters.rows, parameters.cols, parameters.cols};
  }
  template <class U>
  [[nodiscard]] MatrixView<U> state_in(U* all) const {
    return {all + state_offset, state.rows, state.cols, state.cols};
  }
  /// How many of those rows of its block of θ are weights: they come first.
  [[nodiscard]] Index weights_among(Range rows) const {
    return std::clamp<Index>(weight_rows - rows.begin, 0, rows.size());
  }
};

/// The shape of an operator's output. Throws ShapeError that names the inputs and their shapes, as
/// in `[add] "x" (n, 2), "h" (n, 3): expected equal columns`.
template <class T>
Shape infer_shape(const Operator<T>& op, std::span<const std::string> names,
                  std::span<const Shape> shapes);

/// Bytes that a node's name may have, of which files say more than once.
constexpr std::size_t longest_name = 1024;

/// A directed acyclic graph, as a list to which nodes are only ever added. A node may name only
/// nodes that exist: no cycle can be written, and the order of the list is a topological order.
/// So a forward pass is a loop up the list and a backward pass a loop down it. One that was moved
/// from is empty.
template <class T>
class Graph {
 public:
  /// A source of `width` columns. Its name is made up ("input", ...) where it is empty. Throws
  /// OptionError unless width >= 1 and the name is new, and ShapeError if it is too wide.
  NodeId input(Index width, std::string name = "");

  /// An operator over nodes that exist. With `shared`, a node of the same operator, it has that
  /// node's parameters and state instead of its own: their gradients add up.
  /// Throws ShapeError or OptionError if it does not fit them, ShapeError if a size that it says of
  /// itself is below 0 or too large, and OptionError if the name is taken or too long, the operator
  /// a null pointer, or the inputs more than most_inputs.
  NodeId add(OperatorPointer<T> op, std::vector<NodeId> inputs, std::string name = "",
             std::optional<NodeId> shared = std::nullopt);

  [[nodiscard]] const std::vector<Node<T>>& nodes() const { return nodes_; }
  /// Throws OptionError if there is no such node.
  [[nodiscard]] const Node<T>& node(NodeId id) const;
  /// The input nodes, in order.
  [[nodiscard]] const std::vector<NodeId>& inputs() const { return inputs_; }
  /// Those with parameters that are their own and not shared, in the order of θ.
  [[nodiscard]] const std::vector<NodeId>& parameter_nodes() const { return parameter_nodes_; }
  [[nodiscard]] bool is_input(NodeId id) const;
  /// Whether a node reads its value.
  [[nodiscard]] bool is_read(NodeId id) const;
  /// The size of θ.
  [[nodiscard]] Index parameter_count() const { return parameter_count_; }
  /// The size of the state.
  [[nodiscard]] Index state_count() const { return state_count_; }

 private:
  std::string unique_name(std::string name, std::string_view kind);
  void share(Node<T>& node, NodeId with) const;

  std::vector<Node<T>> nodes_;
  std::vector<NodeId> inputs_;
  std::vector<NodeId> parameter_nodes_;
  std::unordered_set<std::string> names_;                 // of all nodes
  std::unordered_map<std::string, int> first_candidate_;  // for a made-up name, by kind
  MovingIndex parameter_count_;
  MovingIndex state_count_;
};

}  // namespace nnbind
