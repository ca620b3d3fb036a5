#include "kernels/finite.hpp"

#include "kernels/packet.hpp"

namespace nnbind::kernels {

template <class T>
bool all_finite(MatrixView<const T> values) {
  if (values.stride == values.cols) values = {values.data, 1, values.rows * values.cols, 0};
  Packet<T> sum = broadcast(T{0});
  for (Index i = 0; i < values.rows; ++i) {
    const T* const row = values.row(i);
    Index j = 0;
    for (; j + lanes<T> <= values.cols; j += lanes<T>) {
      const Packet<T> x = load(row + j);
      sum = simd::padd(sum, Packet<T>(simd::psub(x, x)));
    }
    const Packet<T> rest = load_first(row + j, values.cols - j);
    sum = simd::padd(sum, Packet<T>(simd::psub(rest, rest)));
  }
  return simd::predux(sum) == T{0};
}

template bool all_finite<float>(MatrixView<const float>);
template bool all_finite<double>(MatrixView<const double>);

}  // namespace nnbind::kernels
