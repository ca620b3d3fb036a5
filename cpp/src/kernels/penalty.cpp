#include "kernels/penalty.hpp"

#include <cmath>

#include "kernels/math.hpp"

namespace nnbind::kernels {

namespace {

template <class T>
void add_norms(const T* values, Index count, Norms& total) {
  // Blocks short enough for a sum in T's own precision; the blocks are added up in double.
  constexpr Index block = 1024;
  for (Index first = 0; first < count; first += block) {
    Packet<T> absolute = broadcast(T{0});
    Packet<T> square = broadcast(T{0});
    const Index last = std::min(first + block, count);
    for (Index i = first; i < last; i += lanes<T>) {
      const Packet<T> w =
          last - i >= lanes<T> ? load(values + i) : load_first(values + i, last - i);
      absolute = simd::padd(absolute, Packet<T>(simd::pabs(w)));
      square = simd::pmadd(w, w, square);
    }
    total.absolute += static_cast<double>(simd::predux(absolute));
    total.square += static_cast<double>(simd::predux(square));
  }
}

}  // namespace

template <class T>
Norms norms(Panels<const T> values) {
  Norms total;
  if (!values.is_packed() && values.stride == values.cols) {
    add_norms(values.data, values.rows * values.cols, total);
    return total;
  }
  // The columns that fill up the last panel are zero.
  const Index width = values.is_packed() ? panel_columns<T> : values.cols;
  for (Index j = 0; j < values.cols; j += width) {
    if (values.stride == width) {
      add_norms(values.column(j), values.rows * width, total);
    } else {
      for (Index i = 0; i < values.rows; ++i) {
        add_norms(values.column(j) + i * values.stride, width, total);
      }
    }
  }
  return total;
}

template <class T>
double sum_of_squares(MatrixView<const T> values) {
  Packet<T> even = broadcast(T{0});
  Packet<T> odd = broadcast(T{0});
  for (Index i = 0; i < values.rows; ++i) {
    const T* const row = values.row(i);
    const auto add = [&](Packet<T>& sum, Index j) {
      const Index left = values.cols - j;
      const Packet<T> w = left >= lanes<T> ? load(row + j) : load_first(row + j, left);
      sum = simd::pmadd(w, w, sum);
    };
    for (Index j = 0; j < values.cols; j += 2 * lanes<T>) {
      add(even, j);
      if (j + lanes<T> < values.cols) add(odd, j + lanes<T>);
    }
  }
  const auto sum = static_cast<double>(simd::predux(Packet<T>(simd::padd(even, odd))));
  if (!std::isinf(sum)) return sum;
  double in_double = 0;
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) {
      const double w = values(i, j);
      in_double += w * w;
    }
  }
  return in_double;
}

template <class T>
void add_penalty_gradient(MatrixView<const T> theta, T l1, T l2, MatrixView<T> gradient) {
  const Packet<T> slope1 = broadcast(l1);
  const Packet<T> slope2 = broadcast(l2);
  const Packet<T> zero = broadcast(T{0});
  const auto add = [&](const Packet<T>& g, const Packet<T>& w) {
    const Packet<T> up = simd::pand(Packet<T>(simd::pcmp_lt(zero, w)), slope1);
    const Packet<T> down = simd::pand(Packet<T>(simd::pcmp_lt(w, zero)), slope1);
    return simd::pmadd(slope2, w, Packet<T>(simd::padd(g, Packet<T>(simd::psub(up, down)))));
  };
  for (Index i = 0; i < gradient.rows; ++i) {
    map_elements(gradient.cols, gradient.row(i), add, static_cast<const T*>(gradient.row(i)),
                 theta.row(i));
  }
}

#define NNBIND_INSTANTIATE(T)                             \
  template Norms norms<T>(Panels<const T>);               \
  template double sum_of_squares<T>(MatrixView<const T>); \
  template void add_penalty_gradient<T>(MatrixView<const T>, T, T, MatrixView<T>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
