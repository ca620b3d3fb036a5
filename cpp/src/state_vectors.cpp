#include "nnbind/state_vectors.hpp"

#include <utility>

#include "copy_block.hpp"
#include "nnbind/descent.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

namespace {

/// Calls f(k, where it begins in θ) for each block of a layout.
template <class F>
void each_block(const ThetaLayout& layout, F&& f) {
  Index offset = 0;
  for (std::size_t k = 0; k < layout.size(); offset += layout[k].rows * layout[k].cols, ++k) {
    f(k, offset);
  }
}

/// A block in the order of θ.
template <class T>
Panels<T> plain(T* data, const BlockLayout& block) {
  return Panels<T>::plain({data, block.rows, block.cols, block.cols});
}

Block whole(const BlockLayout& block) { return {{0, block.rows}, {0, block.cols}}; }

}  // namespace

template <class T>
void StateVectors<T>::arrange(std::size_t count, const ThetaLayout& layout) {
  if (count_ == count && layout_ == layout) return;
  require(count <= most_state_vectors, "Optimizer",
          "has " + std::to_string(count) + " state vectors; expected at most " +
              std::to_string(most_state_vectors));
  StateVectors made;
  made.count_ = count;
  made.layout_ = layout;
  for (std::size_t k = 0; k < count; ++k) {
    for (const BlockLayout& block : layout) {
      made.blocks_.emplace_back(static_cast<std::size_t>(block.elements<T>()));
    }
  }
  for (std::size_t k = 0; k < count && !empty(); ++k) made.assign(k, in_order(k));
  *this = std::move(made);
}

template <class T>
Panels<T> StateVectors<T>::block(std::size_t k, std::size_t block) {
  return layout_[block].panels(blocks_[place(k, block)].data());
}

template <class T>
std::vector<T> StateVectors<T>::in_order(std::size_t k) const {
  std::vector<T> values(static_cast<std::size_t>(size()));
  each_block(layout_, [&](std::size_t b, Index offset) {
    const BlockLayout& block = layout_[b];
    copy_block<T>(block.panels(blocks_[place(k, b)].data()), whole(block),
                  plain(values.data() + offset, block));
  });
  return values;
}

template <class T>
void StateVectors<T>::assign(std::size_t k, std::span<const T> values) {
  each_block(layout_, [&](std::size_t b, Index offset) {
    copy_block<T>(plain(values.data() + offset, layout_[b]), whole(layout_[b]), block(k, b));
  });
}

template <class T>
Index StateVectors<T>::size() const {
  Index size = 0;
  for (const BlockLayout& block : layout_) size += block.rows * block.cols;
  return size;
}

template class StateVectors<float>;
template class StateVectors<double>;

}  // namespace nnbind
