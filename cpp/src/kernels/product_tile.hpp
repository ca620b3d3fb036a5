// The hot loop: a tile of a product, C (R × V vectors) += A (R × K) · B (K × V vectors).
//
// The tile's C lives in registers for the whole of K. A step of k loads V vectors of B and
// broadcasts R values of A for R·V multiply-adds, so that with R·V >= 8 (two FMA units times
// their latency of four cycles) the FMA units are the limit and not the loads. With 32 registers
// R = 12, V = 2 uses 24 for C, 2 for B and leaves room for the broadcast; with 16 registers
// R = 6, V = 2 uses 12.
//
// B is a panel of columns, of a packed matrix where that is large (workspace_plan.cpp), and is read
// in place: at this shape the loads are not the limit. The row of B 16 steps ahead is prefetched. A
// step of a whole tile takes two FMA units 6 or 12 cycles, so that is 100 to 200 cycles early: in
// time for rows from beyond the second-level cache. A prefetch beyond the end does no harm.
//
// Every element of C is one chain of multiply-adds (fused from v3 on) in the order of k, whatever
// the tile's shape. So its bits depend neither on the tiling nor on the number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/packet.hpp"

namespace nnbind::kernels {

inline constexpr int tile_rows = vector_registers == 32 ? 12 : 6;
inline constexpr int tile_vectors = 2;
/// A tile of a single row needs more vectors side by side to fill the FMA units: 8. With 16
/// registers it has 4, since 8 for C, 8 for B and the broadcast would take 17.
inline constexpr int thin_vectors = vector_registers == 32 ? 8 : 4;

/// How A's values lie in a list of rows, seen from tile row 0.
/// Across: A(r, k) = row[r][k], the rows are samples and K runs over their features.
template <class T>
struct Across {
  const T* const* row;
  [[nodiscard]] Across from(Index first) const { return {row + first}; }
  template <int R>
  struct Tile {
    // A local copy: the compiler keeps it in registers or on the stack.
    std::array<const T*, R> row;
    EIGEN_STRONG_INLINE explicit Tile(const Across& a) { std::copy_n(a.row, R, row.begin()); }
    EIGEN_STRONG_INLINE T operator()(Index r, Index k) const {
      return row[static_cast<std::size_t>(r)][k];
    }
  };
};

/// Down: A(r, k) = row[k][first + r], the transpose; K runs over the samples.
template <class T>
struct Down {
  const T* const* row;
  Index first;
  [[nodiscard]] Down from(Index more) const { return {row, first + more}; }
  template <int R>
  struct Tile {
    const T* const* row;
    Index first;
    EIGEN_STRONG_INLINE explicit Tile(const Down& a) : row(a.row), first(a.first) {}
    EIGEN_STRONG_INLINE T operator()(Index r, Index k) const { return row[k][first + r]; }
  };
};

/// Where a tile starts from: nothing, one row added to all, or what C already holds.
enum class Start { zero, bias, accumulate };

/// Computes R of C's rows and V vectors of its columns, of which the last is stored only as far as
/// `cols` reaches; B is read in whole vectors.
template <class T, int R, int V, class A>
void product_tile(const A& a_rows, MatrixView<const T> b, const T* bias, Start start, T* c,
                  Index c_stride, Index cols) {
  const typename A::template Tile<R> a(a_rows);
  Packet<T> sum[R][V];
  for (int v = 0; v < V; ++v) {
    sum[0][v] = start == Start::bias ? load(bias + v * lanes<T>) : broadcast(T{0});
    for (int r = 1; r < R; ++r) sum[r][v] = sum[0][v];
  }
  const Index last = cols - (V - 1) * lanes<T>;  // columns of the last vector
  if (start == Start::accumulate) {
    for (int r = 0; r < R; ++r) {
      const T* from = c + r * c_stride;
      for (int v = 0; v + 1 < V; ++v) sum[r][v] = load(from + v * lanes<T>);
      sum[r][V - 1] = load_first(from + (V - 1) * lanes<T>, std::min(last, lanes<T>));
    }
  }
  const T* b_row = b.data;
  for (Index k = 0; k < b.rows; ++k, b_row += b.stride) {
    for (int v = 0; v < V; ++v) __builtin_prefetch(b_row + 16 * b.stride + v * lanes<T>);
    Packet<T> right[V];
    for (int v = 0; v < V; ++v) right[v] = load(b_row + v * lanes<T>);
    for (int r = 0; r < R; ++r) {
      const Packet<T> left = broadcast(a(r, k));
      for (int v = 0; v < V; ++v) sum[r][v] = simd::pmadd(left, right[v], sum[r][v]);
    }
  }
  if (last >= lanes<T>) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) store(c + r * c_stride + v * lanes<T>, sum[r][v]);
    }
  } else {
    for (int r = 0; r < R; ++r) {
      T* to = c + r * c_stride;
      for (int v = 0; v + 1 < V; ++v) store(to + v * lanes<T>, sum[r][v]);
      store_first(to + (V - 1) * lanes<T>, sum[r][V - 1], last);
    }
  }
}

}  // namespace nnbind::kernels
