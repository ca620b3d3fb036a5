#include "nnbind/state_vectors.hpp"

#include <utility>

#include "copy_block.hpp"

namespace nnbind {

namespace {

template <class T>
Index panels_size(const BlockLayout& block) {
  constexpr Index width = panel_columns<T>;
  return (block.cols + width - 1) / width * block.rows * width;
}

/// Calls f(k, where it begins in θ) for each block of a layout.
template <class F>
void each_block(const ThetaLayout& layout, F&& f) {
  Index offset = 0;
  for (std::size_t k = 0; k < layout.size(); offset += layout[k].rows * layout[k].cols, ++k) {
    f(k, offset);
  }
}

/// The same block of a vector in the order of θ.
template <class T>
Panels<T> plain(T* vector, Index offset, const BlockLayout& block) {
  return Panels<T>::plain({vector + offset, block.rows, block.cols, block.cols});
}

}  // namespace

template <class T>
void StateVectors<T>::arrange(std::size_t count, const ThetaLayout& layout) {
  if (count_ == count && layout_ == layout) return;
  StateVectors made;
  made.count_ = count;
  made.layout_ = layout;
  for (std::size_t k = 0; k < count; ++k) {
    for (const BlockLayout& block : layout) {
      const Index size = block.packed ? panels_size<T>(block) : block.rows * block.cols;
      made.blocks_.emplace_back(static_cast<std::size_t>(size));
    }
  }
  for (std::size_t k = 0; k < count && !empty(); ++k) made.assign(k, in_order(k));
  *this = std::move(made);
}

template <class T>
Panels<T> StateVectors<T>::block(std::size_t k, std::size_t block) {
  const auto [rows, cols, packed] = layout_[block];
  T* const data = values_of(k, block).data();
  if (!packed) return plain(data, 0, layout_[block]);
  return {data, rows, cols, panel_columns<T>, rows * panel_columns<T>};
}

template <class T>
std::vector<T> StateVectors<T>::in_order(std::size_t k) const {
  std::vector<T> values(static_cast<std::size_t>(size()));
  auto& self = const_cast<StateVectors&>(*this);  // NOLINT: read alone
  each_block(layout_, [&](std::size_t b, Index offset) {
    copy_block<T>(self.block(k, b), {{0, layout_[b].rows}, {0, layout_[b].cols}},
                  plain(values.data(), offset, layout_[b]));
  });
  return values;
}

template <class T>
void StateVectors<T>::assign(std::size_t k, std::span<const T> values) {
  each_block(layout_, [&](std::size_t b, Index offset) {
    copy_block<T>(plain(values.data(), offset, layout_[b]),
                  {{0, layout_[b].rows}, {0, layout_[b].cols}}, block(k, b));
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
