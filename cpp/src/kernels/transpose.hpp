// Square blocks of a vector a side, transposed in registers.
#pragma once

#include "kernels/packet.hpp"

namespace nnbind::kernels {

/// The transpose of a block whose rows lie `stride` apart, `rows` of which are there; the others
/// count as zeros. All columns are read. `put(j, vector)` takes column j as a vector.
template <class T, class F>
EIGEN_ALWAYS_INLINE void transpose_block(const T* from, Index stride, Index rows, F&& put) {
  constexpr Index side = lanes<T>;
#ifdef EIGEN_VECTORIZE_AVX512
  if constexpr (side == 16) {
    // Half of the shuffles are left to the loads: vector i of columns q ... q + 3 takes its four
    // quarters from rows i, i + 4, i + 8 and i + 12, and only these are transposed.
    if (rows >= side) {
      for (Index q = 0; q < side; q += 4) {
        const auto gather = [&](Index i) {
          const T* const at = from + i * stride + q;
          __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(at));
          v = _mm512_insertf32x4(v, _mm_loadu_ps(at + 4 * stride), 1);
          v = _mm512_insertf32x4(v, _mm_loadu_ps(at + 8 * stride), 2);
          return _mm512_insertf32x4(v, _mm_loadu_ps(at + 12 * stride), 3);
        };
        const __m512 v0 = gather(0);
        const __m512 v1 = gather(1);
        const __m512 v2 = gather(2);
        const __m512 v3 = gather(3);
        const __m512 low01 = _mm512_unpacklo_ps(v0, v1);
        const __m512 high01 = _mm512_unpackhi_ps(v0, v1);
        const __m512 low23 = _mm512_unpacklo_ps(v2, v3);
        const __m512 high23 = _mm512_unpackhi_ps(v2, v3);
        put(q, _mm512_shuffle_ps(low01, low23, 0x44));
        put(q + 1, _mm512_shuffle_ps(low01, low23, 0xEE));
        put(q + 2, _mm512_shuffle_ps(high01, high23, 0x44));
        put(q + 3, _mm512_shuffle_ps(high01, high23, 0xEE));
      }
      return;
    }
  }
#elif defined(EIGEN_VECTORIZE_AVX)
  // The same with halves, an exchange of which takes Zen 1 many operations.
  if (rows >= side) {
    for (Index q = 0; q < side; q += side / 2) {
      const auto gather = [&](Index i) {
        const T* const at = from + i * stride + q;
        if constexpr (sizeof(T) == 4) {
          return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(at)),
                                      _mm_loadu_ps(at + 4 * stride), 1);
        } else {
          return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(at)),
                                      _mm_loadu_pd(at + 2 * stride), 1);
        }
      };
      const Packet<T> v0 = gather(0);
      const Packet<T> v1 = gather(1);
      if constexpr (sizeof(T) == 4) {
        const Packet<T> v2 = gather(2);
        const Packet<T> v3 = gather(3);
        const __m256 low01 = _mm256_unpacklo_ps(v0, v1);
        const __m256 high01 = _mm256_unpackhi_ps(v0, v1);
        const __m256 low23 = _mm256_unpacklo_ps(v2, v3);
        const __m256 high23 = _mm256_unpackhi_ps(v2, v3);
        put(q, _mm256_shuffle_ps(low01, low23, 0x44));
        put(q + 1, _mm256_shuffle_ps(low01, low23, 0xEE));
        put(q + 2, _mm256_shuffle_ps(high01, high23, 0x44));
        put(q + 3, _mm256_shuffle_ps(high01, high23, 0xEE));
      } else {
        put(q, _mm256_unpacklo_pd(v0, v1));
        put(q + 1, _mm256_unpackhi_pd(v0, v1));
      }
    }
    return;
  }
#endif
  simd::PacketBlock<Packet<T>, side> block;
  for (Index r = 0; r < side; ++r) {
    block.packet[r] = r < rows ? load(from + r * stride) : broadcast(T{0});
  }
  simd::ptranspose(block);
  for (Index j = 0; j < side; ++j) put(j, block.packet[j]);
}

}  // namespace nnbind::kernels
