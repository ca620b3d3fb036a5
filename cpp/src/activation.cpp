#include "nnbind/activation.hpp"

#include <algorithm>
#include <array>

#include "kernels/activation.hpp"
#include "nnbind/error.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

constexpr std::array<std::string_view, 15> activation_names{
    "identity", "binary",   "sigmoid", "tanh", "relu",         "leaky_relu", "elu",        "selu",
    "softplus", "softsign", "gelu",    "silu", "hard_sigmoid", "softmax",    "log_softmax"};

}  // namespace

Activation::Activation(Kind kind)
    : kind_(kind),
      alpha_(kind == Kind::leaky_relu ? 0.01
             : kind == Kind::elu      ? 1
                                      : 0) {}

Activation::Activation(std::string_view name) {
  const auto* const found = std::ranges::find(activation_names, name);
  require(
      found != activation_names.end(), "Activation",
      "unknown activation " + in_quotes(name) + "; expected one of " + joined(activation_names));
  *this = Activation(static_cast<Kind>(found - activation_names.begin()));
}

Activation::Activation(const char* name)
    : Activation(std::string_view(name == nullptr ? "nullptr" : name)) {}

Activation::Activation(std::string_view name, double alpha) : Activation(name) {
  require(kind_ == Kind::leaky_relu || kind_ == Kind::elu, "Activation",
          in_quotes(name) + " takes no alpha; only leaky_relu and elu do");
  require_positive("Activation", "alpha", alpha);
  alpha_ = alpha;
}

std::string_view Activation::name() const {
  return activation_names[static_cast<std::size_t>(kind_)];
}

std::vector<std::string_view> Activation::names() {
  return {activation_names.begin(), activation_names.end()};
}

bool Activation::gives_probabilities() const {
  return kind_ == Kind::binary || kind_ == Kind::sigmoid || kind_ == Kind::hard_sigmoid ||
         kind_ == Kind::softmax;
}

bool Activation::is_rectifier() const {
  return kind_ == Kind::relu || kind_ == Kind::leaky_relu || kind_ == Kind::elu ||
         kind_ == Kind::gelu || kind_ == Kind::silu || kind_ == Kind::softplus;
}

template <class T>
void Activation::forward(const MatrixView<const T>& t, const MatrixView<T>& out) const {
  const kernels::ActivationLoop<T> activate = kernels::activation_loop<T>(*this);
  activate(*this, t, out);
}

template <class T>
void Activation::backward(MatrixView<const T> t, MatrixView<const T> out,
                          MatrixView<T> grad) const {
  const kernels::SlopeLoop<T> multiply_by_slope = kernels::slope_loop<T>(*this);
  multiply_by_slope(*this, t, out, grad, {});
}

#define NNBIND_INSTANTIATE(T)                                                                    \
  template void Activation::forward<T>(const MatrixView<const T>&, const MatrixView<T>&) const;  \
  template void Activation::backward<T>(MatrixView<const T>, MatrixView<const T>, MatrixView<T>) \
      const;
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
