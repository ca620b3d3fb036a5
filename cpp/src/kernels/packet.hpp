// One vector register, on Eigen's packet types, so that every instruction set is one source.
//
// Only Eigen's inlined packet functions are used here: nothing that the linker could merge with
// an Eigen compiled for another instruction set.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstdint>

#include "nnbind/matrix.hpp"

namespace nnbind::kernels {

namespace simd = Eigen::internal;

template <class T>
using Packet = typename simd::packet_traits<T>::type;

/// Elements in a vector register.
template <class T>
inline constexpr Index lanes = simd::unpacket_traits<Packet<T>>::size;

/// So many columns and those that fill up the last vector. Parts of vectors take longer than whole
/// ones, so rows with memory behind them had better be computed up to here.
template <class T>
constexpr Index whole_vectors(Index columns) {
  return (columns + lanes<T> - 1) & -lanes<T>;
}

/// Vector registers of the machine: 32 with AVX-512 and on ARM64, 16 on older x86. (Eigen defines
/// its EIGEN_ARCH_... always, as 0 or 1.)
#if defined(EIGEN_VECTORIZE_AVX512) || EIGEN_ARCH_ARM64
inline constexpr int vector_registers = 32;
#else
inline constexpr int vector_registers = 16;
#endif

template <class T>
EIGEN_STRONG_INLINE Packet<T> load(const T* from) {
  return simd::ploadu<Packet<T>>(from);
}

template <class T>
EIGEN_STRONG_INLINE Packet<T> broadcast(T value) {
  return simd::pset1<Packet<T>>(value);
}

template <class T>
EIGEN_STRONG_INLINE void store(T* to, const Packet<T>& value) {
  simd::pstoreu(to, value);
}

#if defined(EIGEN_VECTORIZE_AVX) && !defined(EIGEN_VECTORIZE_AVX512)
/// Ones in the first `count` lanes: a window into a row of ones and zeros.
template <class T>
EIGEN_STRONG_INLINE __m256i first_lanes(Index count) {
  static constexpr std::array<std::int32_t, 16> row{-1, -1, -1, -1, -1, -1, -1, -1};
  const auto* const window = row.data() + 8 - count * static_cast<Index>(sizeof(T) / 4);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(window));
}
#endif

/// The first `count` elements of memory, the other lanes zero; reads nothing beyond them.
template <class T>
EIGEN_STRONG_INLINE Packet<T> load_first(const T* from, Index count) {
#ifdef EIGEN_VECTORIZE_AVX512
  const unsigned mask = (1U << static_cast<unsigned>(count)) - 1U;
  if constexpr (sizeof(T) == 4) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
  } else {
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from);
  }
#elif defined(EIGEN_VECTORIZE_AVX)
  // Known to be whole: no mask, and no branch either.
  if (__builtin_constant_p(count) && count == lanes<T>) return load(from);
  if constexpr (sizeof(T) == 4) {
    return _mm256_maskload_ps(from, first_lanes<T>(count));
  } else {
    return _mm256_maskload_pd(from, first_lanes<T>(count));
  }
#else
  alignas(cache_line) T whole[static_cast<std::size_t>(lanes<T>)] = {};
  std::copy_n(from, count, whole);
  return load(whole);
#endif
}

/// The same where the memory goes on to the end of the vector: with AVX a masked load takes longer.
template <class T>
EIGEN_STRONG_INLINE Packet<T> first_of_whole(const T* from, Index count) {
#if defined(EIGEN_VECTORIZE_AVX) && !defined(EIGEN_VECTORIZE_AVX512)
  if constexpr (sizeof(T) == 4) {
    return _mm256_and_ps(load(from), _mm256_castsi256_ps(first_lanes<T>(count)));
  } else {
    return _mm256_and_pd(load(from), _mm256_castsi256_pd(first_lanes<T>(count)));
  }
#else
  return load_first(from, count);
#endif
}

/// The same with `fill` in the other lanes.
template <class T>
EIGEN_STRONG_INLINE Packet<T> load_first(const T* from, Index count, T fill) {
#ifdef EIGEN_VECTORIZE_AVX512
  const unsigned mask = (1U << static_cast<unsigned>(count)) - 1U;
  if constexpr (sizeof(T) == 4) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), static_cast<__mmask16>(mask), from);
  } else {
    return _mm512_mask_loadu_pd(_mm512_set1_pd(fill), static_cast<__mmask8>(mask), from);
  }
#elif defined(EIGEN_VECTORIZE_AVX)
  const __m256i mask = first_lanes<T>(count);
  if constexpr (sizeof(T) == 4) {
    const __m256 loaded = _mm256_maskload_ps(from, mask);
    return _mm256_blendv_ps(_mm256_set1_ps(fill), loaded, _mm256_castsi256_ps(mask));
  } else {
    const __m256d loaded = _mm256_maskload_pd(from, mask);
    return _mm256_blendv_pd(_mm256_set1_pd(fill), loaded, _mm256_castsi256_pd(mask));
  }
#else
  alignas(cache_line) T whole[static_cast<std::size_t>(lanes<T>)];
  std::fill_n(whole, lanes<T>, fill);
  std::copy_n(from, count, whole);
  return load(whole);
#endif
}

/// Stores the first `count` lanes and touches nothing beyond them.
template <class T>
EIGEN_STRONG_INLINE void store_first(T* to, const Packet<T>& value, Index count) {
#ifdef EIGEN_VECTORIZE_AVX512
  const unsigned mask = (1U << static_cast<unsigned>(count)) - 1U;
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), value);
  } else {
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), value);
  }
#elif defined(EIGEN_VECTORIZE_AVX)
  // In halves: a masked store of AVX is dozens of micro-operations on AMD's processors.
  if (count == lanes<T>) return store(to, value);
  if constexpr (sizeof(T) == 4) {
    __m128 half = _mm256_castps256_ps128(value);
    if ((count & 4) != 0) {
      _mm_storeu_ps(to, half);
      half = _mm256_extractf128_ps(value, 1);
      to += 4;
    }
    if ((count & 2) != 0) {
      _mm_storel_pi(reinterpret_cast<__m64*>(to), half);
      half = _mm_movehl_ps(half, half);
      to += 2;
    }
    if ((count & 1) != 0) _mm_store_ss(to, half);
  } else {
    __m128d half = _mm256_castpd256_pd128(value);
    if ((count & 2) != 0) {
      _mm_storeu_pd(to, half);
      half = _mm256_extractf128_pd(value, 1);
      to += 2;
    }
    if ((count & 1) != 0) _mm_store_sd(to, half);
  }
#else
  alignas(cache_line) T whole[static_cast<std::size_t>(lanes<T>)];
  store(whole, value);
  std::copy_n(whole, count, to);
#endif
}

/// out[i] = f(in[i]...) for `count` elements: whole vectors, then one partial vector, so that
/// an element's value never depends on where it stands.
template <class T, class F, class... In>
EIGEN_STRONG_INLINE void map_elements(Index count, T* out, F&& f, const In*... in) {
  Index i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) store(out + i, Packet<T>(f(load(in + i)...)));
  if (i < count) {
    store_first(out + i, Packet<T>(f(load_first(in + i, count - i)...)), count - i);
  }
}

template <class T, class F, class... In>
EIGEN_STRONG_INLINE void map_each_row(MatrixView<T> out, F f, MatrixView<In>... in) {
  if (out.cols > lanes<T>) {
    for (Index i = 0; i < out.rows; ++i) map_elements(out.cols, out.row(i), f, in.row(i)...);
  } else {  // rows of one vector: nothing but that vector in the loop
    for (Index i = 0; i < out.rows; ++i) {
      store_first(out.row(i), Packet<T>(f(load_first<T>(in.row(i), out.cols)...)), out.cols);
    }
  }
}

/// The same for each row of matrices of one shape, with gaps between the rows. Not inlined: where
/// there are none (map_rows), nobody should make room for this. What is behind a reference would be
/// read again after each store of a vector: it is copied first.
template <class T, class F, class... In>
[[gnu::noinline]] void map_distant_rows(const MatrixView<T>& out, const F& f,
                                        const MatrixView<In>&... in) {
  map_each_row<T, F, In...>(out, f, in...);
}

/// The same; rows without gaps are one.
template <class T, class F, class... In>
EIGEN_STRONG_INLINE void map_rows(const MatrixView<T>& out, const F& f,
                                  const MatrixView<In>&... in) {
  if (out.stride == out.cols && ((in.stride == out.cols) && ...)) {
    map_elements(out.rows * out.cols, out.data, f, in.data...);
  } else {
    map_distant_rows(out, f, in...);
  }
}

}  // namespace nnbind::kernels
