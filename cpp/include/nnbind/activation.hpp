// Activations g: what a neuron makes of its pre-activation t.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nnbind/matrix.hpp"

namespace nnbind {

/// | name         | g(t)                                        | g'(t)                        |
/// |--------------|---------------------------------------------|------------------------------|
/// | identity     | t                                           | 1                            |
/// | binary       | 1 where t >= 0, else 0                      | 0, as the lecture defines it |
/// | sigmoid      | 1 / (1 + e⁻ᵗ)                               | y (1 - y)                    |
/// | tanh         | tanh t                                      | 1 - y²                       |
/// | relu         | max(0, t)                                   | 1 where t > 0, else 0        |
/// | leaky_relu   | t where t > 0, else α t (α = 0.01)          | 1 or α                       |
/// | elu          | t where t > 0, else α (eᵗ - 1) (α = 1)      | 1 or y + α                   |
/// | selu         | λ t or λ α (eᵗ - 1), fixed α and λ          | λ or y + λ α                 |
/// | softplus     | log(1 + eᵗ)                                 | 1 - e⁻ʸ                      |
/// | softsign     | t / (1 + |t|)                               | 1 / (1 + |t|)²               |
/// | gelu         | t Φ(t), Φ the normal distribution function  | Φ(t) + t φ(t)                |
/// | silu         | t σ(t), σ the sigmoid                       | σ(t) (1 + t (1 - σ(t)))      |
/// | hard_sigmoid | t/6 + 1/2 cut to [0, 1]                     | 1/6 strictly inside, else 0  |
/// | softmax      | e^{t_j} / Σ_k e^{t_k} along the row         | (Jacobian)                   |
/// | log_softmax  | t_j - log Σ_k e^{t_k} along the row         | (Jacobian)                   |
///
/// Sources: elu: Clevert et al. 2016; selu: Klambauer et al. 2017; gelu: Hendrycks and Gimpel
/// 2016; silu: Elfwing et al. 2018.
class Activation {
 public:
  enum class Kind : unsigned char {
    identity,
    binary,
    sigmoid,
    tanh,
    relu,
    leaky_relu,
    elu,
    selu,
    softplus,
    softsign,
    gelu,
    silu,
    hard_sigmoid,
    softmax,
    log_softmax
  };

  Activation() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a kind alone is an activation.
  Activation(Kind kind);
  /// By name. Throws OptionError that lists the names if there is none such, or no name.
  // NOLINTNEXTLINE(google-explicit-constructor): "tanh" reads as well as Activation("tanh").
  Activation(std::string_view name);
  // NOLINTNEXTLINE(google-explicit-constructor)
  Activation(const char* name);
  /// With the α of leaky_relu (> 0) or elu (> 0); OptionError for the others.
  Activation(std::string_view name, double alpha);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] double alpha() const { return alpha_; }
  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] static std::vector<std::string_view> names();

  /// Whether g' is computed from t, which must then be kept; else from y = g(t).
  [[nodiscard]] bool needs_pre_activation() const {
    return kind_ == Kind::softsign || kind_ == Kind::gelu || kind_ == Kind::silu;
  }
  /// Whether g looks at a whole row: softmax and log_softmax.
  [[nodiscard]] static constexpr bool is_row_wise(Kind kind) {
    return kind == Kind::softmax || kind == Kind::log_softmax;
  }
  [[nodiscard]] bool is_row_wise() const { return is_row_wise(kind_); }
  /// Whether every y is in [0, 1]: binary, sigmoid, hard_sigmoid, softmax.
  [[nodiscard]] bool gives_probabilities() const;
  /// ReLU and its smooth kin, for which the He initialization is made.
  [[nodiscard]] bool is_rectifier() const;

  /// out = g(t), where `out` may be `t`.
  template <class T>
  void forward(const MatrixView<const T>& t, const MatrixView<T>& out) const;

  /// grad: ∂L/∂y becomes ∂L/∂t. Reads `t` only if needs_pre_activation(), else only `out`.
  template <class T>
  void backward(MatrixView<const T> t, MatrixView<const T> out, MatrixView<T> grad) const;

  bool operator==(const Activation&) const = default;

 private:
  Kind kind_ = Kind::identity;
  double alpha_ = 0;
};

}  // namespace nnbind
