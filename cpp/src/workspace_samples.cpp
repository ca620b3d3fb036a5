// The passes behind gradients of each sample by itself.
//
// What is no batch, as a parameter that is a node, has one gradient for the whole batch, in one
// place. So the rows of a batch go backward together as far as they stay apart, and the rest is
// done for one row after the other.
#include <algorithm>

#include "workspace.hpp"

namespace nnbind {

template <class T>
bool Workspace<T>::has_fixed_user(NodeId id) const {
  return std::ranges::any_of(slots_[id].users, [&](NodeId user) { return is_fixed(user); });
}

template <class T>
void Workspace<T>::repeat(Range rows, Index count) {
  const Index first = std::max(rows.begin, count);
  for (std::vector<const T*>& list : input_rows_) {
    for (Index i = first; i < rows.end; ++i) {
      list[static_cast<std::size_t>(i)] = list[static_cast<std::size_t>(i % count)];
    }
  }
  const auto copy = [&](MatrixView<T> values) {
    for (Index i = first; i < rows.end && values.cols > 0; ++i) {
      std::copy_n(values.row(i % count), values.cols, values.row(i));
    }
  };
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (is_fixed(id) || slots_[id].is_input) continue;
    copy(slots_[id].output.view());
    copy(slots_[id].saved.view());
  }
}

#define NNBIND_INSTANTIATE(T)                               \
  template bool Workspace<T>::has_fixed_user(NodeId) const; \
  template void Workspace<T>::repeat(Range, Index);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
