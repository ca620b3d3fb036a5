// What the passes of a workspace are made from.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "workspace.hpp"

namespace nnbind {

/// A list of at most most_inputs elements, on the stack. Only those in use are ever written: in the
/// smallest networks it would take longer to clear the others than to compute.
template <class U>
class StackList {
 public:
  void add(const U& value) { std::construct_at(data() + count_++, value); }
  [[nodiscard]] std::span<const U> span() const {
    return {std::launder(reinterpret_cast<const U*>(&storage_)), count_};
  }

 private:
  static_assert(std::is_trivially_destructible_v<U>);
  U* data() { return reinterpret_cast<U*>(&storage_); }
  alignas(U) std::array<std::byte, most_inputs * sizeof(U)> storage_;
  std::size_t count_ = 0;
};

/// The last `count` elements.
template <class U>
std::span<const U> tail(const std::vector<U>& list, std::size_t count) {
  return std::span<const U>(list).last(count);
}

/// Columns are shared out in whole panels.
template <class T>
Range my_columns(const Member& member, Index columns) {
  return member.share(columns, panel_columns<T>);
}

template <class T>
Range all_columns(const Node<T>& node) {
  return {0, node.shape.cols};
}

/// The inputs of a node for some rows.
template <class T>
struct Workspace<T>::InputList {
  InputList(const Workspace& workspace, const Node<T>& node, Range rows) {
    for (const NodeId input : node.inputs) list.add(workspace.rows_of(input, rows));
  }
  [[nodiscard]] std::span<const Rows<T>> span() const { return list.span(); }

  StackList<Rows<T>> list;
};

/// The passes of one member over one batch, made ready once: in the smallest networks that takes
/// longer than to compute them.
template <class T>
struct Workspace<T>::Program {
  struct Forward {
    Call run;  // none: another member's
    bool barrier_before;
  };
  struct Backward {
    Call run;
    bool barrier_before;
    bool to_fixed;
  };
  // What it was made for.
  int rank = 0;
  const T* theta = nullptr;
  Index batch = -1;
  int members = 0;
  Mode<T> mode;

  /// For the forward passes, and so many gradients in the backward passes. The lists must not move:
  /// there are passes that point at them.
  void make_room(const std::vector<Node<T>>& nodes, std::size_t count = 0) {
    std::size_t edges = 0;
    for (const Node<T>& node : nodes) edges += node.inputs.size();
    forward.clear();
    backward.clear();
    inputs.clear();
    gradients.clear();
    forward.reserve(nodes.size());
    inputs.reserve(edges + count);
    gradients.reserve(count);
  }

  std::vector<Forward> forward;
  std::vector<Backward> backward;
  std::vector<Rows<T>> inputs;              // that the passes point at
  std::vector<InputGradient<T>> gradients;  // likewise
};

}  // namespace nnbind
