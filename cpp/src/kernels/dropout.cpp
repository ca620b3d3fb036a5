#include "kernels/dropout.hpp"

#include <algorithm>
#include <array>

#include "kernels/packet.hpp"
#include "philox.hpp"

namespace nnbind::kernels {

namespace {

/// Columns whose decisions are drawn together.
constexpr Index block = std::tuple_size_v<philox::Words>;

template <class T>
void multiply(Index count, const T* a, const T* b, T* out) {
  map_elements(
      count, out, [](const Packet<T>& x, const Packet<T>& y) { return simd::pmul(x, y); }, a, b);
}

/// keep_j = 0 where a word is below the threshold, else `scale`, of the words from `first` on.
template <class T>
[[gnu::always_inline]] inline void decide(const philox::Words& words, std::uint32_t threshold,
                                          T scale, Index first, Index count, T* keep) {
  const auto all = [&](T* to) {
    for (const std::uint32_t word : words) *to++ = word < threshold ? T{0} : scale;
  };
  if (count == block) return all(keep);
  alignas(cache_line) std::array<T, static_cast<std::size_t>(block)> whole;
  all(whole.data());
  const T* const part = whole.data() + first;
  map_elements(count, keep, [](const Packet<T>& factor) { return factor; }, part);
}

}  // namespace

template <class T>
void dropout(const DropoutPlace& place, double rate, MatrixView<const T> x, MatrixView<T> mask,
             MatrixView<T> out) {
  // A word below the threshold drops its unit: P(drop) = rate to within 2^-32.
  const auto threshold = static_cast<std::uint32_t>(rate * 0x1p32);
  const auto scale = static_cast<T>(1 / (1 - rate));
  const auto [seed, step] = place.key;
  const std::uint64_t stream = seed ^ 0x6E6E62696E640000U;  // apart from the other streams
  // 2^16 nodes, 2^34 columns, 2^32 rows, 2^48 steps without a repetition.
  philox::Counter counter{static_cast<std::uint32_t>(step),
                          (static_cast<std::uint32_t>(step >> 32U) << 16U) ^ place.node};
  for (Index i = 0; i < mask.rows; ++i) {
    counter[2] = static_cast<std::uint32_t>(place.row + i);
    for (Index j = 0; j < mask.cols;) {
      const Index column = place.column + j;
      const Index first = column % 4;  // of the words of its counter
      const Index count = std::min(block - first, mask.cols - j);
      counter[3] = static_cast<std::uint32_t>(column / 4);
      alignas(cache_line) philox::Words words;
      philox::draw<3>(stream, counter, words);
      T* const keep = mask.row(i) + j;
      decide(words, threshold, scale, first, count, keep);
      multiply<T>(count, x.row(i) + j, keep, out.row(i) + j);
      j += count;
    }
  }
}

template <class T>
void multiply_by_mask(MatrixView<const T> mask, MatrixView<T> gradient) {
  for (Index i = 0; i < mask.rows; ++i) {
    multiply<T>(mask.cols, gradient.row(i), mask.row(i), gradient.row(i));
  }
}

#define NNBIND_INSTANTIATE(T)                                                               \
  template void dropout<T>(const DropoutPlace&, double, MatrixView<const T>, MatrixView<T>, \
                           MatrixView<T>);                                                  \
  template void multiply_by_mask<T>(MatrixView<const T>, MatrixView<T>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
