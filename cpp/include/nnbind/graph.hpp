// The computation graph: operators and the edges between them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nnbind/operator.hpp"

namespace nnbind {

/// The number of a node, in the order in which nodes were added.
using NodeId = std::size_t;

/// An operator in its place.
template <class T>
struct Node {
  std::string name;
  std::shared_ptr<const Operator<T>> op;
  std::vector<NodeId> inputs;
  std::vector<Index> input_widths;
  Index width = 0;        ///< columns of its output
  Index layer_index = 0;  ///< edges on the longest path from an input
  BlockShape parameters;  ///< its block of θ
  Index weight_rows = 0;  ///< rows of that block that are weights; the others are biases
  Index offset = 0;       ///< where the block begins in θ
};

/// A directed acyclic graph, as a list to which nodes are only ever added. A node may name only
/// nodes that exist: no cycle can be written, and the order of the list is a topological order.
/// So a forward pass is a loop up the list and a backward pass a loop down it.
template <class T>
class Graph {
 public:
  /// A source of `width` columns. Its name is made up ("input", ...) where it is empty.
  NodeId input(Index width, std::string name = "");

  /// An operator over nodes that exist. Throws ShapeError or OptionError if it does not fit them,
  /// and OptionError if the name is taken.
  NodeId add(std::shared_ptr<const Operator<T>> op, std::vector<NodeId> inputs,
             std::string name = "");

  [[nodiscard]] const std::vector<Node<T>>& nodes() const { return nodes_; }
  [[nodiscard]] const Node<T>& node(NodeId id) const { return nodes_[id]; }
  /// The input nodes, in order.
  [[nodiscard]] const std::vector<NodeId>& inputs() const { return inputs_; }
  /// The size of θ.
  [[nodiscard]] Index parameter_count() const { return parameter_count_; }

 private:
  std::string unique_name(std::string name, std::string_view kind) const;

  std::vector<Node<T>> nodes_;
  std::vector<NodeId> inputs_;
  Index parameter_count_ = 0;
};

}  // namespace nnbind
