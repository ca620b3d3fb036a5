// The shape of a tile, the part of a product whose sums live in registers.
//
// A step of k loads V vectors of B and broadcasts R values of A for R·V multiply-adds, so that with
// R·V >= 8 (two FMA units times their latency of four cycles) the FMA units are the limit and not
// the loads. With 32 registers R = 12, V = 2 uses 24 for C, 2 for B and leaves room for the
// broadcast; with 16 registers R = 6, V = 2 uses 12.
#pragma once

#include <utility>

#include "kernels/packet.hpp"

namespace nnbind::kernels {

inline constexpr bool many_registers = vector_registers == 32;
inline constexpr int tile_rows = many_registers ? 12 : 6;
inline constexpr int tile_vectors = 2;
/// Rows of a tile of one vector, whose values of A take one address register for several rows.
inline constexpr int narrow_tile_rows = many_registers ? 16 : tile_rows;
/// A tile of a single row needs more vectors side by side to fill the FMA units: 8. It uses each
/// vector of B once, from memory, so that nothing but the sums and one value of A has to stay in
/// registers, and more sums read longer pieces of B's rows in order, and each cache line but once.
/// Packed, those pieces are as long as a panel is wide, and each panel more is one more place to
/// read at.
inline constexpr int row_vectors = many_registers ? 24 : 13;
inline constexpr int packed_row_vectors = many_registers ? 8 : 13;

/// Chains of each sum where B has at most a vector's columns, whatever the rows: a single one of a
/// single row waits for itself at each step of k. In a tile of many rows the second has the
/// registers of a wider tile's second vector.
inline constexpr int narrow_chains = 2;

/// Calls f(0) ... f(count - 1), written out. A loop over the vectors of a tile is unrolled by GCC
/// too late: those that it indexes have by then been put on the stack.
template <int count, class F>
EIGEN_ALWAYS_INLINE void unrolled(F&& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) {
    (f(i), ...);
  }(std::make_integer_sequence<int, count>{});
}

}  // namespace nnbind::kernels
