#include "kernels/finite.hpp"

#include "kernels/packet.hpp"

namespace nnbind::kernels {

template <class T>
bool all_finite(const T* values, Index count) {
  Packet<T> sum = broadcast(T{0});
  Index i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) {
    const Packet<T> x = load(values + i);
    sum = simd::padd(sum, Packet<T>(simd::psub(x, x)));
  }
  const Packet<T> rest = load_first(values + i, count - i);
  sum = simd::padd(sum, Packet<T>(simd::psub(rest, rest)));
  return simd::predux(sum) == T{0};
}

template bool all_finite<float>(const float*, Index);
template bool all_finite<double>(const double*, Index);

}  // namespace nnbind::kernels
