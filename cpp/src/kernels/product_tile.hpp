// The hot loop: a tile of a product, C (R × V vectors) += A (R × K) · B (K × V vectors).
//
// The tile's C lives in registers for the whole of K. A step of k loads V vectors of B and
// broadcasts R values of A for R·V multiply-adds, so that with R·V >= 8 (two FMA units times
// their latency of four cycles) the FMA units are the limit and not the loads. With 32 registers
// R = 12, V = 2 uses 24 for C, 2 for B and leaves room for the broadcast; with 16 registers
// R = 6, V = 2 uses 12.
//
// B is a panel of columns, of a packed matrix where that is large (workspace_plan.cpp), and is read
// in place: at this shape the loads are not the limit. Unless B is in the first-level cache anyway,
// its row 16 steps ahead is prefetched. A step of a whole tile takes two FMA units 6 or 12 cycles,
// so that is 100 to 200 cycles early: in time for rows from beyond the second-level cache. A
// prefetch beyond the end does no harm. A tile of a single row is limited by the loads: each value
// of B is used once. Its rows of B are long pieces of memory, of which 8 ahead are early enough,
// and 16 too many at once. A tile of one vector, of a narrow B or of the last columns, reads little
// memory, in order, and does without.
//
// Every element of C is one chain of multiply-adds (fused from v3 on) in the order of k, whatever
// the tile's shape. So its bits depend neither on the tiling nor on the number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/descent.hpp"

namespace nnbind::kernels {

inline constexpr int tile_rows = vector_registers == 32 ? 12 : 6;
inline constexpr int tile_vectors = 2;
/// A tile of a single row needs more vectors side by side to fill the FMA units. It uses each
/// vector of B once, straight from memory, so that 8 do with 16 registers too.
inline constexpr int row_vectors = 8;

/// How A's values lie in a list of rows, seen from tile row 0. column(k)[r] is A(r, k).
/// Across: A(r, k) = row[r][first + k], the rows are samples and K runs over their features.
template <class T>
struct Across {
  static constexpr bool packed_b = true;  // B may be packed
  static constexpr bool prefetches = true;
  static constexpr bool descends = false;
  const T* const* row;
  Index first = 0;  // the feature that k = 0 is
  [[nodiscard]] Across from(Index more) const { return {row + more, first}; }
  template <int R>
  struct Tile {
    // A local copy: the compiler keeps it in registers.
    std::array<const T*, R> row;
    struct Column {
      const std::array<const T*, R>& row;
      Index k;
      EIGEN_ALWAYS_INLINE T operator[](int r) const { return row[static_cast<std::size_t>(r)][k]; }
    };
    Tile() = default;
    EIGEN_ALWAYS_INLINE explicit Tile(const Across& a) {
      set_rows([&](std::size_t r) { return a.row[r] + a.first; });
    }
    EIGEN_ALWAYS_INLINE Column column(Index k) const { return {row, k}; }
    template <class F>
    EIGEN_ALWAYS_INLINE void set_rows(F row_at) {  // no loop: gcc would make vectors of it
      [&]<std::size_t... r>(std::index_sequence<r...>) {
        ((row[r] = row_at(r)), ...);
      }(std::make_index_sequence<std::size_t{R}>{});
    }
  };
};

/// Even: the same, of rows that lie `stride` apart.
template <class T>
struct Even {
  static constexpr bool packed_b = true;
  static constexpr bool prefetches = false;
  static constexpr bool descends = false;
  const T* data;
  Index stride;
  [[nodiscard]] Even from(Index first) const { return {data + first * stride, stride}; }
  template <int R>
  struct Tile : Across<T>::template Tile<R> {
    EIGEN_ALWAYS_INLINE explicit Tile(const Even& a) {
      this->set_rows([&](std::size_t r) { return a.data + static_cast<Index>(r) * a.stride; });
    }
  };
};

/// Down: A(r, k) = row[k][first + r], the transpose; K runs over the samples.
template <class T>
struct Down {
  static constexpr bool packed_b = false;
  static constexpr bool prefetches = false;  // what a tile reads is in the cache
  static constexpr bool descends = true;
  const T* const* row;
  Index first;
  [[nodiscard]] Down from(Index more) const { return {row, first + more}; }
  template <int R>
  struct Tile {
    const T* const* row;
    Index first;
    EIGEN_ALWAYS_INLINE explicit Tile(const Down& a) : row(a.row), first(a.first) {}
    EIGEN_ALWAYS_INLINE const T* column(Index k) const { return row[k] + first; }
  };
};

/// Where a tile starts from: nothing, one row added to all, or what C already holds.
enum class Start { zero, bias, accumulate };

/// Where a tile ends, if not in C: at a θ in the place of C, with its velocity if that has one.
template <class T>
struct TileDescent {
  T* theta = nullptr;
  T* velocity = nullptr;
  Index stride = 0;
  DescentRule<T> rule;

  TileDescent() = default;
  TileDescent(const Descent<T>& descent, Index column)
      : theta(descent.theta.column(column)),
        velocity(descent.velocity_of(theta)),
        stride(descent.theta.stride),
        rule(descent.rule) {}
  void move_down(Index rows) {
    theta += rows * stride;
    if (velocity != nullptr) velocity += rows * stride;
  }
};

/// The sums of R rows of a tile, each row after those above it. They are fields, and not an array
/// over the rows: only of those does GCC keep all in registers from their start to their store, and
/// not on the stack before and after the loop over k.
template <class T, int R, int V>
struct TileSums {
  TileSums<T, R - 1, V> above;
  Packet<T> sum[V];

  EIGEN_ALWAYS_INLINE void start(const Packet<T>* first) {
    above.start(first);
    for (int v = 0; v < V; ++v) sum[v] = first[v];
  }
  /// `last` columns of the last vector are there.
  EIGEN_ALWAYS_INLINE void read(const T* c, Index stride, Index last) {
    above.read(c, stride, last);
    const T* const from = c + (R - 1) * stride;
    for (int v = 0; v + 1 < V; ++v) sum[v] = load(from + v * lanes<T>);
    sum[V - 1] = load_first(from + (V - 1) * lanes<T>, last);
  }
  template <class Column>
  EIGEN_ALWAYS_INLINE void add(const Column& a, const Packet<T>* right) {
    above.add(a, right);
    const Packet<T> left = broadcast(a[R - 1]);
    for (int v = 0; v < V; ++v) sum[v] = simd::pmadd(left, right[v], sum[v]);
  }
  EIGEN_ALWAYS_INLINE void write(T* c, Index stride) const {
    above.write(c, stride);
    for (int v = 0; v < V; ++v) store(c + (R - 1) * stride + v * lanes<T>, sum[v]);
  }
  EIGEN_ALWAYS_INLINE void write_first(T* c, Index stride, Index last) const {
    above.write_first(c, stride, last);
    T* const to = c + (R - 1) * stride;
    for (int v = 0; v + 1 < V; ++v) store(to + v * lanes<T>, sum[v]);
    store_first(to + (V - 1) * lanes<T>, sum[V - 1], last);
  }
  /// Puts θ after the step in the place of the sums, which are its gradient.
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& step, const T* theta, Index stride,
                                   Index last) {
    above.descend(step, theta, stride, last);
    const T* const w = theta + (R - 1) * stride;
    for (int v = 0; v + 1 < V; ++v) sum[v] = step(load(w + v * lanes<T>), sum[v]);
    sum[V - 1] = step(load_first(w + (V - 1) * lanes<T>, last), sum[V - 1]);
  }
  /// The same with a velocity, which it writes.
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& step, const T* theta, T* velocity,
                                   Index stride, Index last) {
    above.descend(step, theta, velocity, stride, last);
    const T* const w = theta + (R - 1) * stride;
    T* const moving = velocity + (R - 1) * stride;
    for (int v = 0; v + 1 < V; ++v) {
      Packet<T> old = load(moving + v * lanes<T>);
      sum[v] = step(load(w + v * lanes<T>), sum[v], old);
      store(moving + v * lanes<T>, old);
    }
    constexpr Index edge = (V - 1) * lanes<T>;
    Packet<T> old = load_first(moving + edge, last);
    sum[V - 1] = step(load_first(w + edge, last), sum[V - 1], old);
    store_first(moving + edge, old, last);
  }
};

template <class T, int V>
struct TileSums<T, 0, V> {
  EIGEN_ALWAYS_INLINE void start(const Packet<T>* /*first*/) {}
  EIGEN_ALWAYS_INLINE void read(const T* /*c*/, Index /*stride*/, Index /*last*/) {}
  template <class Column>
  EIGEN_ALWAYS_INLINE void add(const Column& /*a*/, const Packet<T>* /*right*/) {}
  EIGEN_ALWAYS_INLINE void write(T* /*c*/, Index /*stride*/) const {}
  EIGEN_ALWAYS_INLINE void write_first(T* /*c*/, Index /*stride*/, Index /*last*/) const {}
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& /*step*/, const T* /*theta*/,
                                   Index /*stride*/, Index /*last*/) {}
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& /*step*/, const T* /*theta*/,
                                   T* /*velocity*/, Index /*stride*/, Index /*last*/) {}
};

/// The same address, of which the compiler does not know that: it would compute those of a tile's
/// rows once, and keep them over the loop for which it needs the registers.
template <class T>
EIGEN_ALWAYS_INLINE T* renewed(T* address) {
  asm("" : "+r"(address));
  return address;
}

/// Fetches what a tile will write before it is computed. In training another core has often read it
/// last, which has to give it up.
template <class T, int R, int V>
EIGEN_ALWAYS_INLINE void prefetch(const T* tile, Index stride) {
  tile = renewed(tile);
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) __builtin_prefetch(tile + r * stride + v * lanes<T>, 1);
  }
}

/// `packed`: whether B is a panel of a packed matrix.
/// Computes R of C's rows and V vectors of its columns, of which the last is stored only as far as
/// `cols` reaches; B is read in whole vectors.
template <class T, int R, int V, bool packed, class A>
void product_tile(const A& a_rows, const MatrixView<const T>& b, const T* bias, Start start, T* c,
                  Index c_stride, Index cols, const TileDescent<T>& descent) {
  const typename A::template Tile<R> a(a_rows);
  if constexpr (A::descends) {
    if (descent.theta != nullptr) prefetch<T, R, V>(descent.theta, descent.stride);
    if (descent.velocity != nullptr) prefetch<T, R, V>(descent.velocity, descent.stride);
  } else {
    prefetch<T, R, V>(c, c_stride);
  }
  const Index last = std::min(lanes<T>, cols - (V - 1) * lanes<T>);  // columns of the last vector
  TileSums<T, R, V> sums;
  if (start == Start::accumulate) {
    sums.read(c, c_stride, last);
  } else {
    Packet<T> first[V];
    for (int v = 0; v < V; ++v) {
      first[v] = start == Start::bias ? load(bias + v * lanes<T>) : broadcast(T{0});
    }
    sums.start(first);
  }
  // A stride that is known leaves registers to the addresses of A's rows.
  const Index stride = packed ? panel_columns<T> : b.stride;
  constexpr Index ahead = R == 1 ? 8 : 16;
  const T* b_row = b.data;
  for (Index k = 0; k < b.rows; ++k, b_row += stride) {
    Packet<T> right[V];
    for (int v = 0; v < V; ++v) {
      if constexpr (A::prefetches && V > 1)
        __builtin_prefetch(b_row + ahead * stride + v * lanes<T>);
      right[v] = load(b_row + v * lanes<T>);
    }
    sums.add(a.column(k), right);
  }
  if constexpr (A::descends) {
    if (descent.theta != nullptr) {
      const DescentRule<T>& rule = descent.rule;
      if (descent.velocity == nullptr) {
        sums.descend(DescentStep<Packet<T>>(rule), descent.theta, descent.stride, last);
      } else {
        sums.descend(DescentStep<Packet<T>>(rule), descent.theta, descent.velocity, descent.stride,
                     last);
      }
      c = descent.theta;
      c_stride = descent.stride;
    }
  }
  if constexpr (V == 1) c = renewed(c);
  if (last == lanes<T>) {
    sums.write(c, c_stride);
  } else {
    sums.write_first(c, c_stride, last);
  }
}

}  // namespace nnbind::kernels
