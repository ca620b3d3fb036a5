#include "kernels/activation.hpp"

#include <array>
#include <limits>
#include <utility>

#include "kernels/activation_formulas.hpp"
#include "kernels/dropout.hpp"

namespace nnbind::kernels {

namespace {

template <class T>
constexpr T nothing = -std::numeric_limits<T>::infinity();  // e^-∞ = 0, and the least of all

/// One row, a vector of columns after the other.
template <class T>
Exponentials<T> softmax_row(const T* t, Index cols, T factor, T* out) {
  const auto each = [&](auto&& f) {
    Index j = 0;
    for (; j + lanes<T> <= cols; j += lanes<T>) f(j, load(t + j), lanes<T>);
    if (j < cols) f(j, load_first(t + j, cols - j, nothing<T>), cols - j);
  };
  Packet<T> most = broadcast(nothing<T>);
  each([&](Index /*j*/, const Packet<T>& x, Index /*count*/) { most = simd::pmax(most, x); });
  const T largest = simd::predux_max(most);
  const Packet<T> shift = broadcast(largest);
  Packet<T> total = broadcast(T{0});
  each([&](Index j, const Packet<T>& x, Index count) {
    const Packet<T> e = exp(Packet<T>(simd::psub(x, shift)));
    total = simd::padd(total, e);
    if (out != nullptr) store_first(out + j, e, count);
  });
  const T sum = simd::predux(total);
  if (out != nullptr) {
    const Packet<T> scale = broadcast(factor / sum);
    map_elements(
        cols, out, [&](const Packet<T>& e) { return Packet<T>(simd::pmul(e, scale)); },
        static_cast<const T*>(out));
  }
  return {largest, sum};
}

/// As many rows as a vector has lanes, at most, whose columns are no more than that: each row in a
/// lane of its own, so that nothing is added up across lanes.
template <class T>
void softmax_rows(const MatrixView<const T>& t, const T* factors, const MatrixView<T>& out,
                  Exponentials<T>* terms) {
  const auto cols = static_cast<int>(t.cols);
  simd::PacketBlock<Packet<T>, static_cast<int>(lanes<T>)> block;
  for (int r = 0; r < lanes<T>; ++r) {
    block.packet[r] = r < t.rows ? load_first(t.row(r), t.cols) : broadcast(T{0});
  }
  simd::ptranspose(block);
  Packet<T> most = block.packet[0];
  for (int k = 1; k < cols; ++k) most = simd::pmax(most, block.packet[k]);
  Packet<T> sum = broadcast(T{0});
  for (int k = 0; k < cols; ++k) {
    block.packet[k] = exp(Packet<T>(simd::psub(block.packet[k], most)));
    sum = simd::padd(sum, block.packet[k]);
  }
  alignas(cache_line) std::array<T, static_cast<std::size_t>(lanes<T>)> largest;
  alignas(cache_line) std::array<T, static_cast<std::size_t>(lanes<T>)> sums;
  store(largest.data(), most);
  store(sums.data(), sum);
  for (std::size_t r = 0; r < static_cast<std::size_t>(t.rows); ++r) {
    terms[r] = {largest[r], sums[r]};
  }
  if (out.data == nullptr) return;
  const Packet<T> factor = factors == nullptr ? broadcast(T{1}) : load_first(factors, t.rows, T{1});
  const Packet<T> scale = simd::pdiv(factor, sum);
  for (int k = 0; k < cols; ++k) block.packet[k] = simd::pmul(block.packet[k], scale);
  simd::ptranspose(block);
  for (int r = 0; r < t.rows; ++r) store_first(out.row(r), block.packet[r], t.cols);
}

}  // namespace

template <class T>
void softmax(const MatrixView<const T>& t, const T* factors, const MatrixView<T>& out,
             Exponentials<T>* terms) {
  const auto rows_of_out = [&](Index first, Index count) {
    return out.data == nullptr ? out : out.middle_rows(first, count);
  };
  for (Index i = 0; t.cols <= lanes<T> && i < t.rows; i += lanes<T>) {
    const Index count = std::min(lanes<T>, t.rows - i);
    softmax_rows(t.middle_rows(i, count), factors == nullptr ? factors : factors + i,
                 rows_of_out(i, count), terms + i);
  }
  for (Index i = 0; t.cols > lanes<T> && i < t.rows; ++i) {
    terms[i] = softmax_row(t.row(i), t.cols, factors == nullptr ? T{1} : factors[i],
                           out.data == nullptr ? nullptr : out.row(i));
  }
}

template <class T>
void logarithms(const T* x, Index count, T* out) {
  map_elements(count, out, [](const Packet<T>& value) { return Packet<T>(simd::plog(value)); }, x);
}

template <class T>
void logistic_losses(Index count, const T* t, const T* y, T* values, T* slopes) {
  // A single element, just written, would keep a vector waiting until it is in the cache.
  const auto read = [](const T* from, Index some) {
    return some == 1 ? broadcast(*from) : load_first(from, some);
  };
  for (Index i = 0; i < count; i += lanes<T>) {
    const Index some = std::min(lanes<T>, count - i);
    const Packet<T> argument = read(t + i, some);
    const Packet<T> target = read(y + i, some);
    const Packet<T> e = exp(Packet<T>(simd::pnegate(Packet<T>(simd::pabs(argument)))));
    const Packet<T> linear =
        simd::psub(Relu{}.value(argument), Packet<T>(simd::pmul(argument, target)));
    store(values + i, Packet<T>(simd::padd(linear, log1p(e))));
    store(slopes + i, Packet<T>(simd::psub(sigmoid(argument), target)));
  }
}

namespace {

template <class T>
void softmaxes(bool logarithm, const MatrixView<const T>& t, const MatrixView<T>& out) {
  constexpr Index block = 32;
  std::array<Exponentials<T>, static_cast<std::size_t>(block)> terms;
  for (Index first = 0; first < t.rows; first += block) {
    const Index count = std::min(block, t.rows - first);
    const MatrixView<const T> in = t.middle_rows(first, count);
    const MatrixView<T> to = out.middle_rows(first, count);
    softmax<T>(in, nullptr, logarithm ? MatrixView<T>{} : to, terms.data());
    for (Index i = 0; logarithm && i < count; ++i) {
      const auto [most, sum] = terms[static_cast<std::size_t>(i)];
      const T log_sum = std::log(sum);
      for (Index j = 0; j < t.cols; ++j) to(i, j) = (in(i, j) - most) - log_sum;
    }
  }
}

using Kind = Activation::Kind;

/// The formula of an elementwise activation.
template <Kind kind>
auto formula([[maybe_unused]] const Activation& g) {
  if constexpr (kind == Kind::binary) {
    return Binary{};
  } else if constexpr (kind == Kind::sigmoid) {
    return Sigmoid{};
  } else if constexpr (kind == Kind::tanh) {
    return Tanh{};
  } else if constexpr (kind == Kind::relu) {
    return Relu{};
  } else if constexpr (kind == Kind::leaky_relu) {
    return LeakyRelu{g.alpha()};
  } else if constexpr (kind == Kind::elu) {
    return ScaledElu{g.alpha(), 1};
  } else if constexpr (kind == Kind::selu) {
    // Klambauer et al., "Self-normalizing neural networks", 2017, equation 14.
    return ScaledElu{1.6732632423543772, 1.0507009873554805};
  } else if constexpr (kind == Kind::softplus) {
    return Softplus{};
  } else if constexpr (kind == Kind::softsign) {
    return Softsign{};
  } else if constexpr (kind == Kind::gelu) {
    return Gelu{};
  } else if constexpr (kind == Kind::silu) {
    return Silu{};
  } else {
    static_assert(kind == Kind::hard_sigmoid);
    return HardSigmoid{};
  }
}

template <class T, Kind kind>
void activate_by(const Activation& g, const MatrixView<const T>& t, const MatrixView<T>& out) {
  if constexpr (Activation::is_row_wise(kind)) {
    softmaxes(kind == Kind::log_softmax, t, out);
  } else if constexpr (kind == Kind::identity) {
    for (Index i = 0; i < t.rows && t.data != out.data; ++i) {
      std::copy_n(t.row(i), t.cols, out.row(i));
    }
  } else {
    map_rows(out, [f = formula<kind>(g)](const Packet<T>& x) { return f.value(x); }, t);
  }
}

// softmax: ∂y_k/∂t_j = y_k (δ_kj - y_j), so ∂L/∂t = y ⊙ (∂L/∂y - Σ_k y_k ∂L/∂y_k).
// log_softmax: ∂y_k/∂t_j = δ_kj - e^{y_j}, so ∂L/∂t = ∂L/∂y - e^y Σ_k ∂L/∂y_k.
template <class T>
void multiply_by_jacobian(bool logarithm, const MatrixView<const T>& out,
                          const MatrixView<T>& grad) {
  const Index cols = grad.cols;
  for (Index i = 0; i < grad.rows; ++i) {
    const T* y = out.row(i);
    T* dy = grad.row(i);
    T sum = 0;
    if (logarithm) {
      for (Index j = 0; j < cols; ++j) sum += dy[j];
      for (Index j = 0; j < cols; ++j) dy[j] -= std::exp(y[j]) * sum;
    } else {
      for (Index j = 0; j < cols; ++j) sum += y[j] * dy[j];
      for (Index j = 0; j < cols; ++j) dy[j] = y[j] * (dy[j] - sum);
    }
  }
}

template <class T, Kind kind>
void multiply_by_slope_of([[maybe_unused]] const Activation& g,
                          [[maybe_unused]] const MatrixView<const T>& t,
                          [[maybe_unused]] const MatrixView<const T>& out,
                          const MatrixView<T>& grad, const MatrixView<const T>& mask) {
  if constexpr (Activation::is_row_wise(kind) || kind == Kind::identity) {
    if (mask.data != nullptr) multiply_by_mask(mask, grad);
    if (Activation::is_row_wise(kind)) multiply_by_jacobian(kind == Kind::log_softmax, out, grad);
  } else {
    const auto f = formula<kind>(g);
    const MatrixView<const T>& argument = decltype(f)::from_output ? out : t;
    const auto chain = [f](const Packet<T>& dy, const Packet<T>& x) {
      return simd::pmul(dy, Packet<T>(f.slope(x)));
    };
    if (mask.data == nullptr) {
      map_rows(grad, chain, grad, argument);
      return;
    }
    // In one loop with the mask: the gradient may have to come from another core's cache.
    const auto masked = [chain](const Packet<T>& dy, const Packet<T>& x, const Packet<T>& m) {
      return chain(Packet<T>(simd::pmul(dy, m)), x);
    };
    map_rows(grad, masked, grad, argument, mask);
  }
}

using Kinds = std::make_index_sequence<static_cast<std::size_t>(Kind::log_softmax) + 1>;

template <class T>
constexpr auto activation_loops = []<std::size_t... k>(std::index_sequence<k...>) {
  return std::array<ActivationLoop<T>, sizeof...(k)>{&activate_by<T, Kind{k}>...};
}(Kinds());

template <class T>
constexpr auto slope_loops = []<std::size_t... k>(std::index_sequence<k...>) {
  return std::array<SlopeLoop<T>, sizeof...(k)>{&multiply_by_slope_of<T, Kind{k}>...};
}(Kinds());

}  // namespace

template <class T>
ActivationLoop<T> activation_loop(const Activation& g) {
  return activation_loops<T>[static_cast<std::size_t>(g.kind())];
}

template <class T>
SlopeLoop<T> slope_loop(const Activation& g) {
  return slope_loops<T>[static_cast<std::size_t>(g.kind())];
}

#define NNBIND_INSTANTIATE(T)                                                          \
  template ActivationLoop<T> activation_loop<T>(const Activation&);                    \
  template SlopeLoop<T> slope_loop<T>(const Activation&);                              \
  template void softmax<T>(const MatrixView<const T>&, const T*, const MatrixView<T>&, \
                           Exponentials<T>*);                                          \
  template void logarithms<T>(const T*, Index, T*);                                    \
  template void logistic_losses<T>(Index, const T*, const T*, T*, T*);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
