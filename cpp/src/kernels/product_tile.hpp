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

inline constexpr bool many_registers = vector_registers == 32;
inline constexpr int tile_rows = many_registers ? 12 : 6;
inline constexpr int tile_vectors = 2;
/// A tile of a single row needs more vectors side by side to fill the FMA units. It uses each
/// vector of B once, straight from memory, so that 8 do with 16 registers too.
inline constexpr int row_vectors = 8;

/// Whether B is packed.
enum class Packing { never, always, either };

/// How A's values lie in a list of rows, seen from tile row 0. column(k)[r] is A(r, k).
/// Across: A(r, k) = row[r][first + k], the rows are samples and K runs over their features.
template <class T>
struct Across {
  static constexpr Packing packing = Packing::either;
  static constexpr bool prefetches = true;
  static constexpr Index steps = 2;
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
    EIGEN_ALWAYS_INLINE explicit Tile(const Across& a) {  // no loop: gcc would make vectors of it
      [&]<std::size_t... r>(std::index_sequence<r...>) {
        ((row[r] = a.row[r] + a.first), ...);
      }(std::make_index_sequence<std::size_t{R}>{});
    }
    EIGEN_ALWAYS_INLINE Column column(Index k) const { return {row, k}; }
    EIGEN_ALWAYS_INLINE void fetch(Index /*k*/) const {}
  };
};

/// The same address, or distance, of which the compiler does not know that: it would compute what
/// follows from it once, and keep that over the loop for which it needs the registers.
template <class U>
EIGEN_ALWAYS_INLINE U renewed(U value) {
  asm("" : "+r"(value));
  return value;
}

/// Pieces of memory that tiles fetch for the second-level cache meanwhile, one each from the first
/// tile on: what the next product will read. A tile gets as far as a quarter of a cache line for
/// each k.
template <class T>
struct Ahead {
  const T* piece = nullptr;
  Index step = 0;  // from a piece to the next
  Index count = 0;
  [[nodiscard]] Ahead from(Index tiles) const {
    return {piece + std::min(tiles, count) * step, step, std::max<Index>(count - tiles, 0)};
  }
};

/// Even: the same, of rows that lie `stride` apart. In a tile of many rows four have one address
/// between them, to which the processor adds the stride once, twice or three times: five registers
/// instead of twelve. It fetches what lies ahead.
template <class T>
struct Even {
  static constexpr Packing packing = Packing::always;
  static constexpr bool prefetches = false;
  static constexpr Index steps = 4;
  static constexpr bool descends = false;
  const T* data;
  Index stride;
  Ahead<T> ahead = {};
  [[nodiscard]] Even from(Index first) const {
    return {data + first * stride, stride, ahead.from(first / tile_rows)};
  }
  template <int R>
  struct Tile {
    static constexpr int shared = many_registers ? 4 : 1;  // rows that share an address
    static constexpr int bases = (R + shared - 1) / shared;
    std::array<const T*, bases> base;
    Index stride;
    const T* next;
    struct Column {
      const Tile& tile;
      Index k, one, three;
      EIGEN_ALWAYS_INLINE T operator[](int r) const {
        const auto* const from =
            reinterpret_cast<const char*>(tile.base[static_cast<std::size_t>(r / shared)] + k);
        return *reinterpret_cast<const T*>(from + (r % shared == 3 ? three : r % shared * one));
      }
    };
    EIGEN_ALWAYS_INLINE explicit Tile(const Even& a)
        : stride(a.stride * static_cast<Index>(sizeof(T))),
          next(a.ahead.count > 0 ? a.ahead.piece : a.data) {
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        ((base[i] = a.data + static_cast<Index>(i) * shared * a.stride), ...);
      }(std::make_index_sequence<bases>{});
    }
    EIGEN_ALWAYS_INLINE Column column(Index k) const {
      const Index one = renewed(stride);
      return {*this, k, one, renewed(3 * stride)};
    }
    EIGEN_ALWAYS_INLINE void fetch(Index k) const {
      __builtin_prefetch(next + k * (line_elements<T> / 4), 0, 2);
    }
  };
};

/// Down: A(r, k) = row[k][first + r], the transpose; K runs over the samples.
template <class T>
struct Down {
  static constexpr Packing packing = Packing::never;
  static constexpr bool prefetches = false;  // what a tile reads is in the cache
  static constexpr Index steps = 4;
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
    EIGEN_ALWAYS_INLINE void fetch(Index /*k*/) const {}
  };
};

/// What is added to a tile's A · B: nothing; one row, to all; what C holds, first or last. Of a C
/// that is far away the sums wait at the start of a tile, but not at its end.
enum class Start { zero, bias, accumulate, accumulate_last };

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
  EIGEN_ALWAYS_INLINE void add(const T* c, Index stride, Index last) {
    above.add(c, stride, last);
    const T* const from = c + (R - 1) * stride;
    for (int v = 0; v + 1 < V; ++v) sum[v] = simd::padd(load(from + v * lanes<T>), sum[v]);
    sum[V - 1] = simd::padd(load_first(from + (V - 1) * lanes<T>, last), sum[V - 1]);
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
  EIGEN_ALWAYS_INLINE void add(const T* /*c*/, Index /*stride*/, Index /*last*/) {}
  template <class Column>
  EIGEN_ALWAYS_INLINE void add(const Column& /*a*/, const Packet<T>* /*right*/) {}
  EIGEN_ALWAYS_INLINE void write(T* /*c*/, Index /*stride*/) const {}
  EIGEN_ALWAYS_INLINE void write_first(T* /*c*/, Index /*stride*/, Index /*last*/) const {}
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& /*step*/, const T* /*theta*/,
                                   Index /*stride*/, Index /*last*/) {}
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& /*step*/, const T* /*theta*/,
                                   T* /*velocity*/, Index /*stride*/, Index /*last*/) {}
};

/// Whether vector v of a panel's row is the first of a cache line, which need be fetched but once.
template <class T>
EIGEN_ALWAYS_INLINE bool begins_line(Index v) {
  return v * lanes<T> % line_elements<T> == 0;
}

/// Fetches what a tile will write before it is computed. In training another core has often read it
/// last, which has to give it up.
template <class T, int R, int V>
EIGEN_ALWAYS_INLINE void prefetch(const T* tile, Index stride) {
  tile = renewed(tile);
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      if (begins_line<T>(v)) __builtin_prefetch(tile + r * stride + v * lanes<T>, 1);
    }
  }
}

/// `packed`: whether B is a panel of a packed matrix or, for an A that descends, θ is.
/// Computes R of C's rows and V vectors of its columns, of which the last is stored only as far as
/// `cols` reaches; B, from a packed panel's first column on, is read in whole vectors.
template <class T, int R, int V, bool packed, class A>
void product_tile(const A& a_rows, const Panels<const T>& b, Start start, T* c, Index c_stride,
                  Index cols, const TileDescent<T>& descent) {
  const typename A::template Tile<R> a(a_rows);
  const Index theta_stride = packed ? panel_columns<T> : descent.stride;
  if constexpr (A::descends) {
    if (packed || descent.theta != nullptr) prefetch<T, R, V>(descent.theta, theta_stride);
    if (descent.velocity != nullptr) prefetch<T, R, V>(descent.velocity, theta_stride);
  } else {
    prefetch<T, R, V>(c, c_stride);
  }
  // Columns of the last vector. A packed θ has room for all of them.
  const Index last =
      A::descends && packed ? lanes<T> : std::min(lanes<T>, cols - (V - 1) * lanes<T>);
  // Strides that are known leave registers to the addresses of A's rows.
  constexpr bool packed_b = packed && A::packing != Packing::never;
  const Index stride = packed_b ? panel_columns<T> : b.stride;
  const Index step_of_panels = packed_b ? b.step : panel_columns<T>;
  const auto vector_of_b = [&](int v) __attribute__((always_inline)) {
    constexpr int vectors = static_cast<int>(panel_columns<T> / lanes<T>);  // of a panel
    return v / vectors * step_of_panels + v % vectors * lanes<T>;
  };
  TileSums<T, R, V> sums;
  if (start == Start::accumulate) {
    sums.read(c, c_stride, last);
  } else {
    const T* const bias = b.data + b.rows * b.stride;
    Packet<T> first[V];
    for (int v = 0; v < V; ++v) {
      first[v] = start == Start::bias ? load(bias + vector_of_b(v)) : broadcast(T{0});
    }
    sums.start(first);
  }
  constexpr Index ahead = R == 1 ? 8 : 16;
  const T* b_row = b.data;
  const auto step = [&](Index k) __attribute__((always_inline)) {
    Packet<T> right[V];
    for (int v = 0; v < V; ++v) {
      const T* const vector = b_row + vector_of_b(v);
      if (A::prefetches && V > 1 && begins_line<T>(v)) __builtin_prefetch(vector + ahead * stride);
      right[v] = load(vector);
    }
    sums.add(a.column(k), right);
    b_row += stride;
  };
  // Several steps at once: whatever else a loop needs takes places from the multiply-adds. With 16
  // registers the compiler, which moves loads from one step to another, finds none free for that;
  // Across has no more addresses in registers than two steps at once allow; and tiles of few rows
  // are not worth the code.
  constexpr Index steps = many_registers && R >= 8 ? A::steps : 1;
  Index k = 0;
  for (; k + steps <= b.rows; k += steps) {
    a.fetch(k);
    step(k);
    if constexpr (steps >= 2) step(k + 1);
    if constexpr (steps == 4) {
      step(k + 2);
      step(k + 3);
    }
  }
  for (; k < b.rows; ++k) step(k);
  if (start == Start::accumulate_last) sums.add(c, c_stride, last);
  if constexpr (A::descends) {
    if (packed || descent.theta != nullptr) {
      const DescentRule<T>& rule = descent.rule;
      if (descent.velocity == nullptr) {
        sums.descend(DescentStep<Packet<T>>(rule), descent.theta, theta_stride, last);
      } else {
        sums.descend(DescentStep<Packet<T>>(rule), descent.theta, descent.velocity, theta_stride,
                     last);
      }
      c = descent.theta;
      c_stride = theta_stride;
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
