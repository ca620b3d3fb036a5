// A whole product cut into register tiles.
#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include "kernels/product_tile.hpp"

namespace nnbind::kernels {

template <class T, class A>
using TileFunction = void (*)(const A&, const Panels<const T>&, Start, T*, Index, Index,
                              const TileDescent<T>&, const T*);

/// The most rows of a tile of V vectors.
template <class A, int V>
inline constexpr int most_rows = V == 1 ? A::narrow_rows : tile_rows;

/// The tile functions for R = 1 .. most_rows at a width of V vectors.
template <class T, class A, int V, bool packed, End end>
inline constexpr auto tile_table = []<std::size_t... R>(std::index_sequence<R...>) {
  return std::array<TileFunction<T, A>, sizeof...(R)>{
      &product_tile<T, int{R} + 1, V, packed, end, A>...};
}(std::make_index_sequence<most_rows<A, V>>{});

/// The fewest parts of at most `most` that make up a total, as even as can be.
struct EvenShares {
  Index count;
  EvenShares(Index total, Index most) : count(ceil_div(total, most)) {
    if (count > 1) {  // a division takes as long as a small tile
      least_ = total / count;
      larger_ = total % count;
    } else {
      least_ = total;
    }
  }
  [[nodiscard]] Index size(Index part) const { return least_ + (part < larger_ ? 1 : 0); }

 private:
  Index least_ = 0;
  Index larger_ = 0;  // parts that are larger by 1
};

/// What is read after a panel, and fetched by its tiles meanwhile: rows that lie as B's do, one for
/// each of a tile's steps, from `rows` on by the first tile and `step` further on by each after it.
template <class T>
struct Ahead {
  const T* rows = nullptr;
  Index step = 0;
  Index parts = 0;  // tiles that fetch; 0: all, and as many rows together as B has
};

/// One panel of columns: its rows are shared out evenly over the fewest tiles, since two tiles of
/// 8 rows keep the FMA units busier than one of 12 and one of 4.
template <class T, class A, int V, bool packed, End end>
void product_panel(const A& a, const Panels<const T>& b, Start start, const MatrixView<T>& c,
                   TileDescent<T> descent, const Ahead<T>& ahead) {
  const EvenShares tiles(c.rows, most_rows<A, V>);
  const T* next = ahead.rows;
  Index step = ahead.step;
  if (V > 1 && ahead.parts == 0) step = b.rows / tiles.count * b.stride;
  for (Index t = 0, first = 0; t < tiles.count; ++t) {
    const Index rows = tiles.size(t);
    tile_table<T, A, V, packed, end>[static_cast<std::size_t>(rows - 1)](
        a.from(first), b, start, c.row(first), c.stride, c.cols, descent, next);
    if (descent.theta != nullptr) descent.move_down(rows);
    if (t + 1 == ahead.parts) {
      next = b.data;
      step = 0;
    }
    next += step;
    first += rows;
  }
}

/// The most vectors of a tile of a single row.
template <bool packed>
inline constexpr int most_row_vectors = packed ? packed_row_vectors : row_vectors;

/// The tile functions of a single row for V = 1 .. most_row_vectors.
template <class T, class A, bool packed>
inline constexpr auto row_table = []<std::size_t... V>(std::index_sequence<V...>) {
  return std::array<TileFunction<T, A>, sizeof...(V)>{
      &product_tile<T, 1, int{V} + 1, packed, End::store, A>...};
}(std::make_index_sequence<most_row_vectors<packed>>{});

/// Calls f(whether B is packed): a constant, which the left factor may know.
template <class A, class T, class F>
void with_packing(const Panels<const T>& b, F&& f) {
  if constexpr (A::packing != Packing::either) {
    f(std::bool_constant<A::packing == Packing::always>());
  } else if (b.is_packed()) {
    f(std::true_type());
  } else {
    f(std::false_type());
  }
}

/// Columns of C from the first of a panel on, at most as many as that has.
template <class T>
MatrixView<T> columns_of(const MatrixView<T>& c, Index first, Index count) {
  return c.middle_columns(first, count);
}
template <class T>
MatrixView<T> columns_of(const Panels<T>& c, Index first, Index count) {
  return c.view(first, count);
}

/// C of any number of rows, by panels of its columns.
template <class T, End end, class A, class C>
void product_of_panels(const A& a, const Panels<const T>& b, Start start, const C& c,
                       const Descent<T>& descent, const Ahead<T>& ahead) {
  const bool has_theta = descent.theta.data != nullptr;
  const auto panel = [&](Index col, Index width, auto&& compute) {
    const Index cols = std::min(width, c.cols - col);
    compute(Panels<const T>{b.column(col), b.rows, cols, b.stride, b.step},
            columns_of(c, col, cols), has_theta ? TileDescent<T>(descent, col) : TileDescent<T>());
  };
  constexpr Index wide = tile_vectors * lanes<T>;
  Index col = 0;
  if constexpr (A::chains == 1) {  // with two there is at most a vector
    for (; c.cols - col > lanes<T>; col += wide) {
      panel(col, wide, [&](const auto& right, const auto& out, const auto& step) {
        with_packing<A>(b, [&](auto packed) {
          const bool is_last = col + wide >= c.cols;
          product_panel<T, A, tile_vectors, packed, end>(
              a.of_panel(col / wide, ceil_div(c.cols, wide)), right, start, out, step,
              is_last ? ahead : Ahead<T>{b.column(col + wide)});
        });
      });
    }
  }
  if (col < c.cols) {
    panel(col, lanes<T>, [&](const auto& right, const auto& out, const auto& step) {
      product_panel<T, A, 1, false, end>(a, right, start, out, step, {});
    });
  }
}

/// C of a single row: its vectors, or whole panels of them, are shared out evenly over the fewest
/// tiles.
template <class T, bool packed, class A>
void product_row(const A& a, const Panels<const T>& b, Start start, const MatrixView<T>& c) {
  constexpr Index width = packed ? panel_columns<T> : lanes<T>;
  constexpr Index most = most_row_vectors<packed> * lanes<T> / width;
  if constexpr (most == 0) {  // where a vector is but one number
    product_of_panels<T, End::store>(a, b, start, c, {}, {});
  } else {
    const EvenShares tiles(ceil_div(c.cols, width), most);
    for (Index t = 0, col = 0; t < tiles.count; ++t) {
      const Index cols = std::min(tiles.size(t) * width, c.cols - col);
      const Index vectors = packed ? ceil_div(cols, lanes<T>) : tiles.size(t);
      row_table<T, A, packed>[static_cast<std::size_t>(vectors - 1)](
          a, {b.column(col), b.rows, cols, b.stride, b.step}, start, c.data + col, c.stride, cols,
          {}, b.data);
      col += cols;
    }
  }
}

/// C = start + A · B over all of C, a MatrixView or Panels. Where start is Start::bias, the bias is
/// the row below B. With a descent of C's shape that has a rule, that step by start + A · B as the
/// gradient, and C is only read. B and the bias are read in whole vectors: up to a vector beyond
/// their last column.
template <class T, class A, class C>
void product(const A& a, const Panels<const T>& b, Start start, const C& c,
             const Descent<T>& descent = {}, Ahead<T> ahead = {}) {
  if (ahead.rows == nullptr) ahead.rows = b.data;
  if (c.rows == 0) return;
  if constexpr (std::is_same_v<A, Across<T>>) {
    if (c.rows == 1) {
      return with_packing<A>(b, [&](auto packed) { product_row<T, packed>(a, b, start, c); });
    }
  }
  if constexpr (A::is_gradient && many_registers) {
    product_of_panels<T, End::any>(a, b, start, c, descent, ahead);
  } else {
    if constexpr (A::is_gradient) {
      if (descent.rule != nullptr) {
        return descent.state[0] == nullptr
                   ? product_of_panels<T, End::descend>(a, b, start, c, descent, ahead)
                   : product_of_panels<T, End::descend_with_velocity>(a, b, start, c, descent,
                                                                      ahead);
      }
    }
    product_of_panels<T, End::store>(a, b, start, c, descent, ahead);
  }
}

}  // namespace nnbind::kernels
