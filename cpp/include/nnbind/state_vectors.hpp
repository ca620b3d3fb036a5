// The vectors that an optimizer keeps beside θ, laid out as a fit lays out θ.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nnbind/matrix.hpp"

namespace nnbind {

/// A block of a vector of θ's size, and how it is kept: row by row as in θ, or packed in panels.
struct BlockLayout {
  Index rows = 0;
  Index cols = 0;
  bool packed = false;
  bool operator==(const BlockLayout&) const = default;

  /// Elements of its memory, and the block in it.
  template <class T>
  [[nodiscard]] Index elements() const {
    return packed ? Panels<T>::packed_size(rows, cols) : rows * cols;
  }
  template <class T>
  [[nodiscard]] Panels<T> panels(T* data) const {
    return packed ? Panels<T>::packed(data, rows, cols)
                  : Panels<T>::plain({data, rows, cols, cols});
  }
};

/// The blocks that a vector of θ's size consists of, one behind the other: one of each node.
using ThetaLayout = std::vector<BlockLayout>;

/// Vectors of θ's size, of which each block is memory of its own and lies as the same block of the
/// parameters does: threads that share out a packed block then write no line of each other's, and
/// the update reads and writes all of it in one order.
template <class T>
class StateVectors {
 public:
  /// Brings `count` vectors, which are zeros at first, into a layout. Nothing changes if memory
  /// runs out. Throws OptionError for more than most_state_vectors.
  void arrange(std::size_t count, const ThetaLayout& layout);
  [[nodiscard]] bool empty() const { return blocks_.empty(); }

  /// Block `block` of vector k.
  [[nodiscard]] Panels<T> block(std::size_t k, std::size_t block);
  /// Vector k in the order of θ.
  [[nodiscard]] std::vector<T> in_order(std::size_t k) const;
  void assign(std::size_t k, std::span<const T> values);

 private:
  [[nodiscard]] std::size_t place(std::size_t k, std::size_t block) const {
    return k * layout_.size() + block;
  }
  [[nodiscard]] Index size() const;

  std::size_t count_ = 0;
  ThetaLayout layout_;
  std::vector<AlignedVector<T>> blocks_;
};

}  // namespace nnbind
