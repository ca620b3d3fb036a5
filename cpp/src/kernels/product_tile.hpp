// The hot loop: a tile of a product, C (R × V vectors) += A (R × K) · B (K × V vectors), whose C
// lives in registers for the whole of K.
//
// B is a panel of columns, of a packed matrix where that is large (workspace_plan.cpp), and is read
// in place: at this shape the loads are not the limit. Unless B is in the first-level cache anyway,
// its row 16 steps ahead is prefetched. A step of a whole tile takes two FMA units 6 or 12 cycles,
// so that is 100 to 200 cycles early: in time for rows from beyond the second-level cache. Where B
// is, the tiles of a panel fetch the next one meanwhile: another core has often written a half of
// it, and may be a thousand cycles away. A prefetch beyond the end does no harm. A tile of a single
// row is limited by the loads: each value of B is used once. Its rows of B are long pieces of
// memory, of which 8 ahead are early enough, and 16 too many at once. Rows of fewer lines than that
// are, with AVX-512, fetched by the processor itself as well, and each prefetch would take the
// place of a load. A tile of one vector, of a narrow B or of the last columns, reads little memory,
// in order, and does without.
//
// Every element of C is one chain of multiply-adds (fused from v3 on) in the order of k, whatever
// the tile's shape; or two, as A says, of every second k, which are added in the end. So its bits
// depend neither on the tiling nor on the number of threads.
#pragma once

#include <algorithm>

#include "kernels/descent.hpp"
#include "kernels/left_factor.hpp"
#include "kernels/tile_sums.hpp"

namespace nnbind::kernels {

/// What is added to a tile's A · B: nothing; one row, to all; what C holds, first or last. Of a C
/// that is far away the sums wait at the start of a tile, but not at its end: to a gradient C is
/// added last, and it has no bias.
enum class Start { zero, bias, accumulate, accumulate_last };

/// What becomes of a tile's sums: C, or a step of θ by them; or any of these, as the descent says.
/// In one function for all 16 registers do not suffice, and GCC moves sums in the loop. What is no
/// gradient is stored.
enum class End { any, store, descend, descend_with_velocity };

/// The θ in the place of C; the rest of its descent is not put together until a tile asks for it.
template <class T>
struct TileDescent {
  T* theta = nullptr;
  const Descent<T>* whole = nullptr;

  TileDescent() = default;
  TileDescent(const Descent<T>& descent, Index column)
      : theta(descent.theta.column(column)), whole(&descent) {}
  void move_down(Index rows) { theta += rows * whole->theta.stride; }
  [[nodiscard]] Index stride() const { return whole->theta.stride; }
  [[nodiscard]] T* state(std::size_t k) const { return whole->state_of(theta, k); }
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

/// `packed`: whether B is a panel of a packed matrix. `next`: rows of another panel, to be fetched.
/// Computes R of C's rows and V vectors of its columns, of which the last is stored only as far as
/// `cols` reaches; B, from a packed panel's first column on, is read in whole vectors.
template <class T, int R, int V, bool packed, End end, class A>
void product_tile(const A& a_rows, const Panels<const T>& b, Start start, T* c, Index c_stride,
                  Index cols, const TileDescent<T>& descent, const T* next) {
  static_assert(A::is_gradient || end == End::store);
  typename A::template Tile<R> a(a_rows);
  constexpr bool knows = end == End::descend || end == End::descend_with_velocity;
  const bool has_theta = A::is_gradient && (knows || descent.theta != nullptr);
  const bool descends = end == End::any ? has_theta && descent.whole->rule != nullptr : knows;
  const bool has_state =
      knows ? end == End::descend_with_velocity : has_theta && descent.whole->state[0] != nullptr;
  T* to = descends ? descent.theta : c;
  const Index to_stride = descends ? descent.stride() : c_stride;
  // Several steps at once: whatever else a loop needs takes places from the multiply-adds. Tiles of
  // few rows are not worth the code.
  constexpr bool is_large = many_registers ? R >= 8 : R >= 5 && V > 1;
  constexpr Index steps = std::max<Index>(is_large ? A::steps : 1, A::chains);
  // Of a large tile what a descent changes is fetched on the way, two rows at a time: all at once
  // would keep A's values waiting.
  constexpr int at_once = is_large ? 2 : R;
  const auto fetch = [&](Index row) __attribute__((always_inline)) {
    const auto rows = [&](const T* vector) __attribute__((always_inline)) {
      prefetch<T, at_once, V>(vector + row * descent.stride(), descent.stride());
    };
    if (!has_theta) return;
    rows(descent.theta);
    if (!has_state) return;
    rows(descent.state(0));
    if (!knows && descent.whole->state[1] != nullptr) rows(descent.state(1));
  };
  if (!A::is_gradient) prefetch<T, R, V>(to, to_stride);
  if (A::is_gradient && !is_large) fetch(0);
  // Columns of the last vector. A packed θ has room for all of them.
  const Index last = descends && descent.whole->theta.is_packed()
                         ? lanes<T>
                         : std::min(lanes<T>, cols - (V - 1) * lanes<T>);
  // Strides that are known leave registers to the addresses of A's rows.
  const Index stride = packed ? panel_columns<T> : b.stride;
  const Index step_of_panels = packed ? b.step : panel_columns<T>;
  const auto vector_of_b = [&](int v) {
    constexpr int vectors = static_cast<int>(panel_columns<T> / lanes<T>);  // of a panel
    return v / vectors * step_of_panels + v % vectors * lanes<T>;
  };
  TileSums<T, R, V> sums;
  if (!A::is_gradient && start == Start::accumulate) {
    sums.read(c, c_stride, last);
  } else {
    const T* const bias = b.data + b.rows * b.stride;
    Packet<T> first[V];
    unrolled<V>([&](int v) {
      first[v] =
          !A::is_gradient && start == Start::bias ? load(bias + vector_of_b(v)) : broadcast(T{0});
    });
    sums.start(first);
  }
  TileSums<T, A::chains == 2 ? R : 0, V> odd;  // the chain of every second k
  if constexpr (A::chains == 2) {
    Packet<T> zero[V];
    unrolled<V>([&](int v) { zero[v] = broadcast(T{0}); });
    odd.start(zero);
  }
  constexpr Index ahead = R == 1 ? 8 : 16;
  constexpr Index least = R == 1 && many_registers ? 8 * line_elements<T> : 2 * lanes<T>;
  constexpr bool prefetches = A::prefetches && V * lanes<T> >= least;
  const T* b_row = b.data;
  const auto step = [&](Index j) __attribute__((always_inline)) {
    Packet<T> right[V];
    unrolled<V>([&](int v) {
      const T* const vector = b_row + vector_of_b(v);
      if (prefetches && begins_line<T>(v)) __builtin_prefetch(vector + ahead * stride);
      right[v] = load(vector);
    });
    if (A::chains == 2 && j % 2 == 1) {
      odd.add(a.column(j), right);
    } else {
      sums.add(a.column(j), right);
    }
    b_row += stride;
  };
  const Index count = b.rows;
  Index k = 0;
  for (; k + steps <= count; k += steps) {
    a.enter(k);
    a.fetch(k, steps);
    if constexpr (is_large && V > 1 && !A::prefetches) {
      __builtin_prefetch(next, 0, 2);
      __builtin_prefetch(next + line_elements<T>, 0, 2);
      next += stride;
    }
    if constexpr (A::is_gradient && is_large) {
      if (k < R * steps / at_once) fetch(k / steps * at_once);
    }
    step(0);
    if constexpr (steps >= 2) step(1);
    if constexpr (steps == 4) {
      step(2);
      step(3);
    }
  }
  if constexpr (A::chains == 1) {
    for (k = renewed(k); k < count; ++k) {
      a.enter(k);
      step(0);
    }
  } else {
    a.enter(k);
    unrolled<steps - 1>([&](int i) {
      if (k + i < count) step(i);
    });
    sums.add(odd);
  }
  if constexpr (V == 1) to = renewed(to);
  const auto finish = [&](Index width) __attribute__((always_inline)) {
    if (start == Start::accumulate_last) sums.add(c, c_stride, width);
    if (!has_theta) return;
    const auto penalize = [&](const auto& penalty) __attribute__((always_inline)) {
      sums.penalize(penalty, descent.theta, descent.stride(), width);
    };
    if (const BlockPenalty<T>* const penalty = descent.whole->penalty; penalty != nullptr) {
      with_penalty<Packet<T>>(penalty->weights, penalize);
    }
    if (!descends) return;
    const DescentStep<Packet<T>> by(*descent.whole->rule);
    if (has_state) {
      sums.descend(by, to, descent.state(0), to_stride, width);
    } else {
      sums.descend(by, to, to_stride, width);
    }
  };
  // A masked load of AVX takes Zen 1 some ten cycles, about a step of k: of a count that is known
  // to be whole load_first makes none.
  if (many_registers || last < lanes<T>) {
    finish(last);
  } else {
    finish(lanes<T>);
  }
  if (last == lanes<T>) {
    sums.write(to, to_stride);
  } else {
    sums.write_first(to, to_stride, last);
  }
}

}  // namespace nnbind::kernels
