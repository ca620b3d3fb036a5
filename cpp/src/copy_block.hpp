// A block from one layout to another.
#pragma once

#include <algorithm>

#include "nnbind/matrix.hpp"
#include "nnbind/operator.hpp"

namespace nnbind {

/// Copies a block of a matrix to the same block of another, either of which may be packed.
template <class T>
void copy_block(Panels<const T> from, Block block, Panels<T> to) {
  constexpr Index some = 16;  // rows at a time: those of a plain matrix may be on a page each
  for (Index first = block.rows.begin; first < block.rows.end; first += some) {
    const Index last = std::min(first + some, block.rows.end);
    for (Index j = block.cols.begin; j < block.cols.end; j += panel_columns<T>) {
      const Index count = std::min(panel_columns<T>, block.cols.end - j);
      for (Index i = first; i < last; ++i) {
        std::copy_n(from.column(j) + i * from.stride, count, to.column(j) + i * to.stride);
      }
    }
  }
}

}  // namespace nnbind
