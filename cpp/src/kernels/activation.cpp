#include "kernels/activation.hpp"

#include <array>
#include <limits>

#include "kernels/activation_formulas.hpp"
#include "kernels/dropout.hpp"

namespace nnbind::kernels {

namespace {

/// Calls f with the formula of an elementwise activation.
template <class F>
void with_formula(const Activation& g, F&& f) {
  using Kind = Activation::Kind;
  switch (g.kind()) {
    case Kind::identity:
    case Kind::softmax:
    case Kind::log_softmax:
      return;
    case Kind::binary:
      return f(Binary{});
    case Kind::sigmoid:
      return f(Sigmoid{});
    case Kind::tanh:
      return f(Tanh{});
    case Kind::relu:
      return f(Relu{});
    case Kind::leaky_relu:
      return f(LeakyRelu{g.alpha()});
    case Kind::elu:
      return f(ScaledElu{g.alpha(), 1});
    // Klambauer et al., "Self-normalizing neural networks", 2017, equation 14.
    case Kind::selu:
      return f(ScaledElu{1.6732632423543772, 1.0507009873554805});
    case Kind::softplus:
      return f(Softplus{});
    case Kind::softsign:
      return f(Softsign{});
    case Kind::gelu:
      return f(Gelu{});
    case Kind::silu:
      return f(Silu{});
    case Kind::hard_sigmoid:
      return f(HardSigmoid{});
  }
}

}  // namespace

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
  for (Index i = 0; i < count; i += lanes<T>) {
    const Index some = std::min(lanes<T>, count - i);
    const Packet<T> argument = load_first(t + i, some);
    const Packet<T> target = load_first(y + i, some);
    const Packet<T> e = exp(Packet<T>(simd::pnegate(Packet<T>(simd::pabs(argument)))));
    const Packet<T> linear =
        simd::psub(Relu{}.value(argument), Packet<T>(simd::pmul(argument, target)));
    store_first(values + i, Packet<T>(simd::padd(linear, log1p(e))), some);
    store_first(slopes + i, Packet<T>(simd::psub(sigmoid(argument), target)), some);
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

}  // namespace

template <class T>
void activate(const Activation& g, const MatrixView<const T>& t, const MatrixView<T>& out) {
  using Kind = Activation::Kind;
  if (g.is_row_wise()) {
    softmaxes(g.kind() == Kind::log_softmax, t, out);
  } else if (g.kind() == Kind::identity) {
    for (Index i = 0; i < t.rows && t.data != out.data; ++i) {
      std::copy_n(t.row(i), t.cols, out.row(i));
    }
  } else {
    with_formula(g, [&](const auto& formula) {
      map_rows(out, [&](const Packet<T>& x) { return formula.value(x); }, t);
    });
  }
}

template <class T>
void multiply_by_slope(const Activation& g, const MatrixView<const T>& t,
                       const MatrixView<const T>& out, const MatrixView<T>& grad,
                       const MatrixView<const T>& mask) {
  using Kind = Activation::Kind;
  const Index cols = grad.cols;
  const bool elementwise = !g.is_row_wise() && g.kind() != Kind::identity;
  if (mask.data != nullptr && !elementwise) multiply_by_mask(mask, grad);
  if (g.is_row_wise()) {
    // softmax: ∂y_k/∂t_j = y_k (δ_kj - y_j), so ∂L/∂t = y ⊙ (∂L/∂y - Σ_k y_k ∂L/∂y_k).
    // log_softmax: ∂y_k/∂t_j = δ_kj - e^{y_j}, so ∂L/∂t = ∂L/∂y - e^y Σ_k ∂L/∂y_k.
    for (Index i = 0; i < grad.rows; ++i) {
      const T* y = out.row(i);
      T* dy = grad.row(i);
      T sum = 0;
      if (g.kind() == Kind::softmax) {
        for (Index j = 0; j < cols; ++j) sum += y[j] * dy[j];
        for (Index j = 0; j < cols; ++j) dy[j] = y[j] * (dy[j] - sum);
      } else {
        for (Index j = 0; j < cols; ++j) sum += dy[j];
        for (Index j = 0; j < cols; ++j) dy[j] -= std::exp(y[j]) * sum;
      }
    }
    return;
  }
  with_formula(g, [&](const auto& formula) {
    using Formula = std::decay_t<decltype(formula)>;
    const MatrixView<const T>& argument = Formula::from_output ? out : t;
    const auto chain = [&](const Packet<T>& dy, const Packet<T>& x) {
      return simd::pmul(dy, Packet<T>(formula.slope(x)));
    };
    if (mask.data == nullptr) {
      map_rows(grad, chain, grad, argument);
      return;
    }
    // In one loop with the mask: the gradient may have to come from another core's cache.
    const auto masked = [&](const Packet<T>& dy, const Packet<T>& x, const Packet<T>& m) {
      return chain(Packet<T>(simd::pmul(dy, m)), x);
    };
    map_rows(grad, masked, grad, argument, mask);
  });
}

#define NNBIND_INSTANTIATE(T)                                                                     \
  template void activate<T>(const Activation&, const MatrixView<const T>&, const MatrixView<T>&); \
  template void multiply_by_slope<T>(const Activation&, const MatrixView<const T>&,               \
                                     const MatrixView<const T>&, const MatrixView<T>&,            \
                                     const MatrixView<const T>&);                                 \
  template void softmax<T>(const MatrixView<const T>&, const T*, const MatrixView<T>&,            \
                           Exponentials<T>*);                                                     \
  template void logarithms<T>(const T*, Index, T*);                                               \
  template void logistic_losses<T>(Index, const T*, const T*, T*, T*);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
