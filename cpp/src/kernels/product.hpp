// A whole product cut into register tiles.
#pragma once

#include "kernels/product_tile.hpp"

namespace nnbind::kernels {

template <class T, class A>
using TileFunction = void (*)(const A&, MatrixView<const T>, const T*, Start, T*, Index, Index);

/// The tile functions for R = 1 .. tile_rows at a width of V vectors.
template <class T, class A, int V, bool packed>
inline constexpr auto tile_table = []<std::size_t... R>(std::index_sequence<R...>) {
  return std::array<TileFunction<T, A>, sizeof...(R)>{
      &product_tile<T, int{R} + 1, V, packed, A>...};
}(std::make_index_sequence<tile_rows>{});

/// One panel of columns: its rows are shared out evenly over the fewest tiles, since two tiles of
/// 8 rows keep the FMA units busier than one of 12 and one of 4.
template <class T, class A, int V, bool packed>
void product_panel(const A& a, MatrixView<const T> b, const T* bias, Start start, MatrixView<T> c) {
  const Index tiles = (c.rows + tile_rows - 1) / tile_rows;
  for (Index t = 0, first = 0; t < tiles; ++t) {
    const Index last = c.rows * (t + 1) / tiles;
    tile_table<T, A, V, packed>[static_cast<std::size_t>(last - first - 1)](
        a.from(first), b, bias, start, c.row(first), c.stride, c.cols);
    first = last;
  }
}

/// C = start + A · B over all of C. Where start is Start::bias, the bias is the row below B.
/// B and the bias are read in whole vectors: up to a vector beyond their last column.
template <class T, class A>
void product(const A& a, Panels<const T> b, Start start, MatrixView<T> c) {
  if (c.rows == 0) return;
  const auto panel = [&](Index col, Index width, auto&& compute) {
    const Index cols = std::min(width, c.cols - col);
    const MatrixView<const T> right{b.column(col), b.rows, cols, b.stride};
    compute(right, right.row(b.rows), MatrixView<T>{c.data + col, c.rows, cols, c.stride});
  };
  Index col = 0;
  if (c.rows == 1 && !b.is_packed()) {
    constexpr Index wide = thin_vectors * lanes<T>;
    for (; c.cols - col > wide - lanes<T>; col += wide) {
      panel(col, wide, [&](auto right, const T* bias, auto out) {
        product_tile<T, 1, thin_vectors, false, A>(a, right, bias, start, out.data, out.stride,
                                                   out.cols);
      });
    }
  }
  constexpr Index wide = tile_vectors * lanes<T>;
  for (; c.cols - col > lanes<T>; col += wide) {
    panel(col, wide, [&](auto right, const T* bias, auto out) {
      if (A::packed_b && b.is_packed()) {
        product_panel<T, A, tile_vectors, A::packed_b>(a, right, bias, start, out);
      } else {
        product_panel<T, A, tile_vectors, false>(a, right, bias, start, out);
      }
    });
  }
  if (col < c.cols) {
    panel(col, lanes<T>, [&](auto right, const T* bias, auto out) {
      product_panel<T, A, 1, false>(a, right, bias, start, out);
    });
  }
}

}  // namespace nnbind::kernels
