#include "kernels/activation.hpp"

#include <array>

#include "kernels/activation_formulas.hpp"

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

template <class T>
T largest(const T* t, Index cols) {
  T most = t[0];
  for (Index j = 1; j < cols; ++j) most = t[j] > most ? t[j] : most;
  return most;
}

}  // namespace

template <class T>
Exponentials<T> exponentials(const T* t, Index cols, T* out) {
  const T most = largest(t, cols);
  const Packet<T> shift = broadcast(most);
  const auto shifted_exp = [&](const Packet<T>& x) { return exp(Packet<T>(simd::psub(x, shift))); };
  constexpr Index block = 64;
  alignas(cache_line) std::array<T, block> unwanted;
  T sum = 0;
  for (Index first = 0; first < cols; first += block) {
    const Index count = std::min(block, cols - first);
    T* terms = out == nullptr ? unwanted.data() : out + first;
    map_elements(count, terms, shifted_exp, t + first);
    for (Index j = 0; j < count; ++j) sum += terms[j];
  }
  return {most, sum};
}

template <class T>
void logarithms(const T* x, Index count, T* out) {
  map_elements(count, out, [](const Packet<T>& value) { return Packet<T>(simd::plog(value)); }, x);
}

template <class T>
void activate(const Activation& g, MatrixView<const T> t, MatrixView<T> out) {
  using Kind = Activation::Kind;
  if (g.kind() == Kind::softmax) {
    for (Index i = 0; i < t.rows; ++i) {
      const T scale = 1 / exponentials(t.row(i), t.cols, out.row(i)).sum;
      for (Index j = 0; j < t.cols; ++j) out(i, j) *= scale;
    }
  } else if (g.kind() == Kind::log_softmax) {
    for (Index i = 0; i < t.rows; ++i) {
      const auto [most, sum] = exponentials<T>(t.row(i), t.cols, nullptr);
      const T log_sum = std::log(sum);
      for (Index j = 0; j < t.cols; ++j) out(i, j) = (t(i, j) - most) - log_sum;
    }
  } else if (g.kind() == Kind::identity) {
    for (Index i = 0; i < t.rows && t.data != out.data; ++i) {
      std::copy_n(t.row(i), t.cols, out.row(i));
    }
  } else {
    with_formula(g, [&](const auto& formula) {
      for (Index i = 0; i < t.rows; ++i) {
        map_elements(
            t.cols, out.row(i), [&](const Packet<T>& x) { return formula.value(x); }, t.row(i));
      }
    });
  }
}

template <class T>
void multiply_by_slope(const Activation& g, MatrixView<const T> t, MatrixView<const T> out,
                       MatrixView<T> grad) {
  using Kind = Activation::Kind;
  const Index cols = grad.cols;
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
    const MatrixView<const T> argument = Formula::from_output ? out : t;
    for (Index i = 0; i < grad.rows; ++i) {
      const auto chain = [&](const Packet<T>& dy, const Packet<T>& x) {
        return simd::pmul(dy, Packet<T>(formula.slope(x)));
      };
      map_elements(cols, grad.row(i), chain, static_cast<const T*>(grad.row(i)), argument.row(i));
    }
  });
}

#define NNBIND_INSTANTIATE(T)                                                                     \
  template void activate<T>(const Activation&, MatrixView<const T>, MatrixView<T>);               \
  template void multiply_by_slope<T>(const Activation&, MatrixView<const T>, MatrixView<const T>, \
                                     MatrixView<T>);                                              \
  template Exponentials<T> exponentials<T>(const T*, Index, T*);                                  \
  template void logarithms<T>(const T*, Index, T*);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
