#include "kernels/penalty.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/descent.hpp"

namespace nnbind::kernels {

namespace {

/// Σ f(w) where `add(sum, w)` is sum + f(w), of vectors and of double alike. In four sums, of the
/// even and the odd vectors of the even and the odd rows: a single one would wait for itself.
template <class T, class F>
double sum_over(const MatrixView<const T>& values, F add) {
  const Packet<T> zero = broadcast(T{0});
  Packet<T> a = zero, b = zero, c = zero, d = zero;
  Index first = 0;
  if (values.cols == 2 * lanes<T>) {
    for (; first + 2 <= values.rows; first += 2) {
      const T* const upper = values.row(first);
      const T* const lower = values.row(first + 1);
      a = add(a, load(upper));
      b = add(b, load(upper + lanes<T>));
      c = add(c, load(lower));
      d = add(d, load(lower + lanes<T>));
    }
  }
  const auto add_row = [&](Index of, Packet<T>& even,
                           Packet<T>& odd) __attribute__((always_inline)) {
    const T* const row = values.row(of);
    for (Index j = 0; j < values.cols; j += 2 * lanes<T>) {
      even = add(even, load_first(row + j, std::min(values.cols - j, lanes<T>)));
      const Index left = values.cols - j - lanes<T>;
      if (left > 0) odd = add(odd, load_first(row + j + lanes<T>, std::min(left, lanes<T>)));
    }
  };
  for (; first < values.rows; first += 2) {
    add_row(first, a, b);
    if (first + 1 < values.rows) add_row(first + 1, c, d);
  }
  const Packet<T> even = simd::padd(a, c);
  const Packet<T> odd = simd::padd(b, d);
  const auto sum = static_cast<double>(simd::predux(Packet<T>(simd::padd(even, odd))));
  if (!std::isinf(sum)) return sum;
  double in_double = 0;
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) {
      in_double = add(in_double, static_cast<double>(values(i, j)));
    }
  }
  return in_double;
}

}  // namespace

template <class T>
double sum_of_absolutes(const MatrixView<const T>& values) {
  return sum_over(values, []<class P>(const P& sum, const P& w) {
    return P(simd::padd(sum, P(simd::pabs(w))));
  });
}

template <class T>
double sum_of_squares(const MatrixView<const T>& values) {
  return sum_over(values,
                  []<class P>(const P& sum, const P& w) { return P(simd::pmadd(w, w, sum)); });
}

template <class T>
void add_penalty_gradient(MatrixView<const T> theta, const PenaltySlopes<T>& slopes,
                          MatrixView<T> gradient) {
  with_penalty<Packet<T>>(slopes, [&](const auto& penalty) {
    for (Index i = 0; i < gradient.rows; ++i) {
      map_elements(gradient.cols, gradient.row(i), penalty, static_cast<const T*>(gradient.row(i)),
                   theta.row(i));
    }
  });
}

#define NNBIND_INSTANTIATE(T)                                                         \
  template double sum_of_absolutes<T>(const MatrixView<const T>&);                    \
  template double sum_of_squares<T>(const MatrixView<const T>&);                      \
  template void add_penalty_gradient<T>(MatrixView<const T>, const PenaltySlopes<T>&, \
                                        MatrixView<T>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
