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

/// out = e^{t - shift}, and their sum.
template <class T>
T exponentials(const T* t, Index cols, T shift, T* out) {
  const Packet<T> offset = broadcast(shift);
  map_elements(
      cols, out, [&](const Packet<T>& x) { return exp(Packet<T>(simd::psub(x, offset))); }, t);
  T sum = 0;
  for (Index j = 0; j < cols; ++j) sum += out[j];
  return sum;
}

}  // namespace

template <class T>
LogSumExp<T> log_sum_exp(const T* t, Index cols) {
  const T most = largest(t, cols);
  constexpr Index block = 64;
  std::array<T, block> terms{};
  T sum = 0;
  for (Index j = 0; j < cols; j += block) {
    sum += exponentials(t + j, std::min(block, cols - j), most, terms.data());
  }
  return {most, std::log(sum)};
}

template <class T>
void softmax_row(const T* t, Index cols, T* out) {
  const T sum = exponentials(t, cols, largest(t, cols), out);
  const T scale = 1 / sum;
  for (Index j = 0; j < cols; ++j) out[j] *= scale;
}

template <class T>
void activate(const Activation& g, MatrixView<const T> t, MatrixView<T> out) {
  using Kind = Activation::Kind;
  if (g.kind() == Kind::softmax) {
    for (Index i = 0; i < t.rows; ++i) softmax_row(t.row(i), t.cols, out.row(i));
  } else if (g.kind() == Kind::log_softmax) {
    for (Index i = 0; i < t.rows; ++i) {
      const auto [most, log_sum] = log_sum_exp(t.row(i), t.cols);
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
  template void softmax_row<T>(const T*, Index, T*);                                              \
  template LogSumExp<T> log_sum_exp<T>(const T*, Index);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::kernels
