// The left factor A of a product, seen by a tile: how its values lie in memory.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/tile_shape.hpp"

namespace nnbind::kernels {

/// Whether B is packed.
enum class Packing { never, always, either };

/// The same address, number or distance, of which the compiler does not know that: it would compute
/// what follows from it once, and keep that over the loop for which it needs the registers.
template <class U>
EIGEN_ALWAYS_INLINE U renewed(U value) {
  asm("" : "+r"(value));
  return value;
}

// How A's values lie in memory, seen from tile row 0. A Tile<R> of it goes down K: after enter(k)
// column(j)[r] is A(r, k + j) for the next `steps` j, which are known to the compiler. fetch(k, n),
// before n of them, may fetch what is read after this product, of_panel(p, P) a part of it.
// Each element's sum is taken in one chain of additions or two (product_tile.hpp).

/// Across: A(r, k) = row[r][first + k], the rows are samples and K runs over their features.
template <class T, int sum_chains = 1>
struct Across {
  static constexpr Packing packing = Packing::either;
  static constexpr bool prefetches = true;
  // A tile's row addresses leave registers for this many.
  static constexpr Index steps = many_registers ? 2 : 4;
  static constexpr int narrow_rows = tile_rows;
  static constexpr int chains = sum_chains;
  static constexpr bool is_gradient = false;
  const T* const* row;
  Index first = 0;  // the feature that k = 0 is
  [[nodiscard]] Across of_panel(Index /*panel*/, Index /*panels*/) const { return *this; }
  [[nodiscard]] Across from(Index more) const { return {row + more, first}; }
  template <int R>
  struct Tile {
    // A local copy: the compiler keeps it in registers.
    std::array<const T*, R> row;
    Index at = 0;
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
    EIGEN_ALWAYS_INLINE void enter(Index k) { at = k; }
    EIGEN_ALWAYS_INLINE void fetch(Index /*k*/, Index /*steps*/) const {}
    EIGEN_ALWAYS_INLINE Column column(Index j) const { return {row, at + j}; }
  };
};

/// Even: the same, of rows that lie `stride` apart. In a tile of many rows four have one address
/// between them, to which the processor adds the stride once, twice or three times: five registers
/// instead of twelve; or, where there are fewer, three of six rows.
template <class T, int sum_chains = 1>
struct Even {
  static constexpr Packing packing = Packing::always;
  static constexpr bool prefetches = false;
  static constexpr Index steps = 4;
  static constexpr int narrow_rows = sum_chains == 1 ? narrow_tile_rows : tile_rows;
  static constexpr int chains = sum_chains;
  static constexpr bool is_gradient = false;
  const T* data;
  Index stride;
  [[nodiscard]] Even of_panel(Index /*panel*/, Index /*panels*/) const { return *this; }
  [[nodiscard]] Even from(Index first) const { return {data + first * stride, stride}; }
  template <int R>
  struct Tile {
    static constexpr int shared = many_registers ? 4 : 3;  // rows that share an address
    static constexpr int bases = (R + shared - 1) / shared;
    std::array<const T*, bases> base;
    std::array<const T*, bases> at;
    Index stride;
    struct Column {
      const Tile& tile;
      Index j, one, three;
      EIGEN_ALWAYS_INLINE T operator[](int r) const {
        const auto* const from =
            reinterpret_cast<const char*>(tile.at[static_cast<std::size_t>(r / shared)] + j);
        return *reinterpret_cast<const T*>(from + (r % shared == 3 ? three : r % shared * one));
      }
    };
    EIGEN_ALWAYS_INLINE explicit Tile(const Even& a)
        : stride(a.stride * static_cast<Index>(sizeof(T))) {
      each_base([&](auto i) { base[i] = a.data + static_cast<Index>(i) * shared * a.stride; });
    }
    EIGEN_ALWAYS_INLINE void enter(Index k) {
      each_base([&](auto i) { at[i] = renewed(base[i] + k); });
    }
    EIGEN_ALWAYS_INLINE void fetch(Index /*k*/, Index /*steps*/) const {}
    EIGEN_ALWAYS_INLINE Column column(Index j) const {
      const Index one = renewed(stride);
      return {*this, j, one, shared > 3 ? renewed(3 * stride) : 0};
    }

   private:
    template <class F>
    EIGEN_ALWAYS_INLINE static void each_base(F&& f) {
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        (f(std::integral_constant<std::size_t, i>()), ...);
      }(std::make_index_sequence<std::size_t{bases}>{});
    }
  };
};

/// Down: A(r, k) = row[k][first + r], the transpose; K runs over the samples. Where `ahead` is not
/// 0 row[k + ahead] will be read next, and the tiles of all panels together fetch the same part of
/// it: more at once would be too many misses to wait for.
template <class T>
struct Down {
  static constexpr Packing packing = Packing::never;
  static constexpr bool prefetches = false;  // what a tile reads is in the cache
  static constexpr Index steps = 4;
  static constexpr int narrow_rows = narrow_tile_rows;
  static constexpr int chains = 1;
  static constexpr bool is_gradient = true;
  const T* const* row;
  Index first;
  Index ahead = 0;
  Index fetches = 0;  // samples of each `steps`, by this panel
  [[nodiscard]] Down of_panel(Index panel, Index panels) const {
    if (ahead == 0) return *this;
    const Index each = ceil_div(steps, std::min(panels, steps));
    const Index before = panel * each;
    return {row, first, ahead + before, std::clamp<Index>(steps - before, 0, each)};
  }
  [[nodiscard]] Down from(Index more) const { return {row, first + more, ahead, fetches}; }
  template <int R>
  struct Tile {
    const T* const* row;
    const T* const* at;
    Index first;
    const T* const* ahead;
    Index fetches;
    EIGEN_ALWAYS_INLINE explicit Tile(const Down& a)
        : row(a.row), at(a.row), first(a.first), ahead(a.row + a.ahead), fetches(a.fetches) {}
    EIGEN_ALWAYS_INLINE void enter(Index k) { at = row + k; }
    EIGEN_ALWAYS_INLINE void fetch(Index k, Index count) const {
      if (count != steps || fetches == 0) return;
      const T* const* const next = ahead + k;
      __builtin_prefetch(next[0] + first, 0, 2);
      if (fetches == 1) return;
      __builtin_prefetch(next[1] + first, 0, 2);
      if (fetches == 2) return;
      __builtin_prefetch(next[2] + first, 0, 2);
      __builtin_prefetch(next[3] + first, 0, 2);
    }
    EIGEN_ALWAYS_INLINE const T* column(Index j) const { return at[j] + first; }
  };
};

/// Stacked: the same of a copy (InputStack) that holds the tiles one after another, each column by
/// column: a tile reads it from beginning to end. Where `next` is not null next[k][first + r] will
/// be copied next, and each of the first four panels fetches every fourth sample of it.
template <class T>
struct Stacked {
  static constexpr Packing packing = Packing::never;
  static constexpr bool prefetches = false;
  static constexpr Index steps = 4;
  static constexpr int narrow_rows = tile_rows;
  static constexpr int chains = 1;
  static constexpr bool is_gradient = true;
  const T* data;
  Index columns;
  const T* const* next = nullptr;
  Index first = 0;
  [[nodiscard]] Stacked of_panel(Index panel, Index /*panels*/) const {
    return {data, columns, next == nullptr || panel >= steps ? nullptr : next + panel, first};
  }
  [[nodiscard]] Stacked from(Index more) const {
    return {data + more * columns, columns, next, first + more};
  }
  template <int R>
  struct Tile {
    const T* data;
    const T* at;
    const T* const* next;
    Index first;
    EIGEN_ALWAYS_INLINE explicit Tile(const Stacked& a)
        : data(a.data), at(a.data), next(a.next), first(a.first) {}
    EIGEN_ALWAYS_INLINE void enter(Index k) { at = data + k * R; }
    EIGEN_ALWAYS_INLINE void fetch(Index k, Index count) const {
      if (count == steps && next != nullptr) __builtin_prefetch(next[k] + first, 0, 2);
    }
    EIGEN_ALWAYS_INLINE const T* column(Index j) const { return at + j * R; }
  };
};

}  // namespace nnbind::kernels
