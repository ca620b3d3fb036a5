// Philox4x32-10, a counter-based generator: four random words for each 128-bit counter under a
// 64-bit key. Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
//
// A round multiplies 32 by 32 bits and wants both halves of the product. So a word lies in the low
// half of a 64-bit lane, where the next product leaves one. The vectors are the compiler's own;
// only for that product gcc has no operator that becomes one instruction.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace nnbind::philox {

/// Counters that are drawn from together: enough to hide the latency of the products.
inline constexpr std::size_t counters = 16;

using Counter = std::array<std::uint32_t, 4>;
/// Words 4i, ..., 4i + 3 are those of counter i.
using Words = std::array<std::uint32_t, 4 * counters>;

#if defined(__AVX512F__)
inline constexpr std::size_t lanes = 8;
#elif defined(__AVX2__)
inline constexpr std::size_t lanes = 4;
#else
inline constexpr std::size_t lanes = 2;
#endif

/// A word in the low half of each lane; in the high half is whatever was left there.
using Lanes [[gnu::vector_size(8 * lanes)]] = std::uint64_t;

/// The 64-bit products of the words with `factor`.
inline Lanes multiply(Lanes words, std::uint32_t factor) {
  const Lanes factors = Lanes{} + factor;
#if defined(__AVX512F__)
  return reinterpret_cast<Lanes>(
      _mm512_mul_epu32(reinterpret_cast<__m512i>(words), reinterpret_cast<__m512i>(factors)));
#elif defined(__AVX2__)
  return reinterpret_cast<Lanes>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(words), reinterpret_cast<__m256i>(factors)));
#elif defined(__SSE2__)
  return reinterpret_cast<Lanes>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(words), reinterpret_cast<__m128i>(factors)));
#elif defined(__ARM_NEON)
  return reinterpret_cast<Lanes>(
      vmull_n_u32(vmovn_u64(reinterpret_cast<uint64x2_t>(words)), factor));
#else
  return (words & 0xFFFFFFFFU) * factors;
#endif
}

/// a₀ b₀ a₂ b₂ ... of the even lanes, a₁ b₁ a₃ b₃ ... of the odd ones.
template <bool odd, std::size_t... i>
Lanes interleave(Lanes a, Lanes b, std::index_sequence<i...> /*each_lane*/) {
  return __builtin_shufflevector(a, b, (i % 2 == 0 ? i + odd : lanes + i - 1 + odd)...);
}

/// Which counter of a vector lies in each lane: the first half of them in the even lanes and the
/// others in the odd ones, so that interleave puts their words in order.
template <std::size_t... i>
Lanes places(std::index_sequence<i...> /*each_lane*/) {
  return Lanes{(i % 2 * (lanes / 2) + i / 2)...};
}

/// The words of `counter` and of those whose word `counting` is greater by 1, ..., 15, where it
/// must not overflow. Inlined: what the counters of many calls have in common is then computed
/// once.
template <std::size_t counting>
[[gnu::always_inline]] inline void draw(std::uint64_t key, const Counter& counter, Words& words) {
  static_assert(std::endian::native == std::endian::little, "two words lie in a lane in order");
  constexpr auto each_lane = std::make_index_sequence<lanes>();
  constexpr std::size_t vectors = counters / lanes;
  Lanes state[4][vectors];
  for (std::size_t v = 0; v < vectors; ++v) {
    for (std::size_t k = 0; k < 4; ++k) state[k][v] = Lanes{} + counter[k];
    state[counting][v] += places(each_lane) + v * lanes;
  }
  auto& [c0, c1, c2, c3] = state;
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32U);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    for (std::size_t v = 0; v < vectors; ++v) {
      const Lanes product0 = multiply(c0[v], 0xD2511F53U);
      const Lanes product1 = multiply(c2[v], 0xCD9E8D57U);
      c0[v] = (product1 >> 32U) ^ c1[v] ^ key0;
      c1[v] = product1;
      c2[v] = (product0 >> 32U) ^ c3[v] ^ key1;
      c3[v] = product0;
    }
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  for (std::size_t v = 0; v < vectors; ++v) {
    const Lanes words01 = (c0[v] & 0xFFFFFFFFU) | (c1[v] << 32U);
    const Lanes words23 = (c2[v] & 0xFFFFFFFFU) | (c3[v] << 32U);
    const Lanes ordered[] = {interleave<false>(words01, words23, each_lane),
                             interleave<true>(words01, words23, each_lane)};
    std::memcpy(&words[4 * lanes * v], ordered, sizeof(ordered));
  }
}

}  // namespace nnbind::philox
