// The hot loop: a tile of a product, C (R × V vectors) += A (R × K) · B (K × V vectors), whose C
// lives in registers for the whole of K.
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

#include "kernels/descent.hpp"
#include "kernels/left_factor.hpp"
#include "kernels/tile_sums.hpp"

namespace nnbind::kernels {

/// What is added to a tile's A · B: nothing; one row, to all; what C holds, first or last. Of a C
/// that is far away the sums wait at the start of a tile, but not at its end.
enum class Start { zero, bias, accumulate, accumulate_last };

/// Where a tile ends, if not in C: at a θ in the place of C, with its velocity if that has one.
template <class T>
struct TileDescent {
  T* theta = nullptr;
  T* velocity = nullptr;
  Index stride = 0;
  const DescentRule<T>* rule = nullptr;

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
  const auto vector_of_b = [&](int v) {
    constexpr int vectors = static_cast<int>(panel_columns<T> / lanes<T>);  // of a panel
    return v / vectors * step_of_panels + v % vectors * lanes<T>;
  };
  TileSums<T, R, V> sums;
  if (start == Start::accumulate) {
    sums.read(c, c_stride, last);
  } else {
    const T* const bias = b.data + b.rows * b.stride;
    Packet<T> first[V];
    unrolled<V>([&](int v) {
      first[v] = start == Start::bias ? load(bias + vector_of_b(v)) : broadcast(T{0});
    });
    sums.start(first);
  }
  constexpr Index ahead = R == 1 ? 8 : 16;
  const T* b_row = b.data;
  const auto step = [&](Index k) __attribute__((always_inline)) {
    Packet<T> right[V];
    unrolled<V>([&](int v) {
      const T* const vector = b_row + vector_of_b(v);
      if (A::prefetches && V > 1 && begins_line<T>(v)) __builtin_prefetch(vector + ahead * stride);
      right[v] = load(vector);
    });
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
      const DescentRule<T>& rule = *descent.rule;
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
