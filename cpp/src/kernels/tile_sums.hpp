// The sums of a tile in registers: how they start, grow and end.
#pragma once

#include "kernels/descent.hpp"
#include "kernels/tile_shape.hpp"

namespace nnbind::kernels {

/// sum + a · b, in the register of the sum. With few registers GCC has it in those of a or b, and
/// then moves it, or others to the stack.
template <class T>
EIGEN_ALWAYS_INLINE Packet<T> plus_product(Packet<T> sum, const Packet<T>& a, const Packet<T>& b) {
#if defined(EIGEN_VECTORIZE_FMA) && !defined(EIGEN_VECTORIZE_AVX512)
  if constexpr (sizeof(T) == 4) {
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
  } else {
    asm("vfmadd231pd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
  }
  return sum;
#else
  return simd::pmadd(a, b, sum);
#endif
}

/// The sums of R rows of a tile, each row after those above it. They are fields, and not an array
/// over the rows: only of those does GCC keep all in registers from their start to their store, and
/// not on the stack before and after the loop over k.
template <class T, int R, int V>
struct TileSums {
  TileSums<T, R - 1, V> above;
  Packet<T> sum[V];

  EIGEN_ALWAYS_INLINE void start(const Packet<T>* first) {
    above.start(first);
    unrolled<V>([&](int v) { sum[v] = first[v]; });
  }
  /// `last` columns of the last vector are there.
  EIGEN_ALWAYS_INLINE void read(const T* c, Index stride, Index last) {
    above.read(c, stride, last);
    const T* const from = c + (R - 1) * stride;
    unrolled<V - 1>([&](int v) { sum[v] = load(from + v * lanes<T>); });
    sum[V - 1] = load_first(from + (V - 1) * lanes<T>, last);
  }
  EIGEN_ALWAYS_INLINE void add(const T* c, Index stride, Index last) {
    above.add(c, stride, last);
    const T* const from = c + (R - 1) * stride;
    unrolled<V - 1>([&](int v) { sum[v] = simd::padd(load(from + v * lanes<T>), sum[v]); });
    sum[V - 1] = simd::padd(load_first(from + (V - 1) * lanes<T>, last), sum[V - 1]);
  }
  template <class Column>
  EIGEN_ALWAYS_INLINE void add(const Column& a, const Packet<T>* right) {
    above.add(a, right);
    const Packet<T> left = broadcast(a[R - 1]);
    unrolled<V>([&](int v) { sum[v] = plus_product<T>(sum[v], left, right[v]); });
  }
  EIGEN_ALWAYS_INLINE void add(const TileSums& other) {
    above.add(other.above);
    unrolled<V>([&](int v) { sum[v] = simd::padd(sum[v], other.sum[v]); });
  }
  EIGEN_ALWAYS_INLINE void write(T* c, Index stride) const {
    above.write(c, stride);
    unrolled<V>([&](int v) { store(c + (R - 1) * stride + v * lanes<T>, sum[v]); });
  }
  EIGEN_ALWAYS_INLINE void write_first(T* c, Index stride, Index last) const {
    above.write_first(c, stride, last);
    T* const to = c + (R - 1) * stride;
    unrolled<V - 1>([&](int v) { store(to + v * lanes<T>, sum[v]); });
    store_first(to + (V - 1) * lanes<T>, sum[V - 1], last);
  }
  /// Adds the gradient of a penalty on θ to the sums, which are that of the loss.
  template <class Penalty>
  EIGEN_ALWAYS_INLINE void penalize(const Penalty& penalty, const T* theta, Index stride,
                                    Index last) {
    above.penalize(penalty, theta, stride, last);
    const T* const w = theta + (R - 1) * stride;
    unrolled<V - 1>([&](int v) { sum[v] = penalty(sum[v], load(w + v * lanes<T>)); });
    sum[V - 1] = penalty(sum[V - 1], load_first(w + (V - 1) * lanes<T>, last));
  }
  /// Puts θ after the step in the place of the sums, which are its gradient.
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& step, const T* theta, Index stride,
                                   Index last) {
    above.descend(step, theta, stride, last);
    const T* const w = theta + (R - 1) * stride;
    unrolled<V - 1>([&](int v) { sum[v] = step(load(w + v * lanes<T>), sum[v]); });
    sum[V - 1] = step(load_first(w + (V - 1) * lanes<T>, last), sum[V - 1]);
  }
  /// The same with a velocity, which it writes.
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& step, const T* theta, T* velocity,
                                   Index stride, Index last) {
    above.descend(step, theta, velocity, stride, last);
    const T* const w = theta + (R - 1) * stride;
    T* const moving = velocity + (R - 1) * stride;
    unrolled<V - 1>([&](int v) {
      Packet<T> old = load(moving + v * lanes<T>);
      sum[v] = step(load(w + v * lanes<T>), sum[v], old);
      store(moving + v * lanes<T>, old);
    });
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
  EIGEN_ALWAYS_INLINE void add(const TileSums& /*other*/) {}
  EIGEN_ALWAYS_INLINE void write(T* /*c*/, Index /*stride*/) const {}
  EIGEN_ALWAYS_INLINE void write_first(T* /*c*/, Index /*stride*/, Index /*last*/) const {}
  template <class Penalty>
  EIGEN_ALWAYS_INLINE void penalize(const Penalty& /*penalty*/, const T* /*theta*/,
                                    Index /*stride*/, Index /*last*/) {}
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& /*step*/, const T* /*theta*/,
                                   Index /*stride*/, Index /*last*/) {}
  EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& /*step*/, const T* /*theta*/,
                                   T* /*velocity*/, Index /*stride*/, Index /*last*/) {}
};

}  // namespace nnbind::kernels
