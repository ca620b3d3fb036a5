// One input, element by element.
#include <cmath>

#include "nnbind/operators.hpp"
#include "operators/elements.hpp"

namespace nnbind {

namespace {

// Each formula has y = value(x), and slope(x, y) = ∂y/∂x.

struct Negate {
  static constexpr std::string_view kind = "negate";
  template <class T>
  T value(T x) const {
    return -x;
  }
  template <class T>
  T slope(T /*x*/, T /*y*/) const {
    return -1;
  }
};

struct Exp {
  static constexpr std::string_view kind = "exp";
  template <class T>
  T value(T x) const {
    return std::exp(x);
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return y;
  }
};

struct Log {
  static constexpr std::string_view kind = "log";
  template <class T>
  T value(T x) const {
    return std::log(x);
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return 1 / x;
  }
};

/// The most common power, a product instead of a call of std::pow.
struct Square {
  static constexpr std::string_view kind = "power";
  static constexpr double exponent = 2;
  template <class T>
  T value(T x) const {
    return x * x;
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return 2 * x;
  }
};

struct FixedPower {
  static constexpr std::string_view kind = "power";
  double exponent;
  template <class T>
  T value(T x) const {
    return std::pow(x, static_cast<T>(exponent));
  }
  template <class T>
  T slope(T x, T /*y*/) const {  // p x^(p-1), where 0 · ∞ would be NaN
    return exponent == 0 ? 0 : static_cast<T>(exponent) * std::pow(x, static_cast<T>(exponent - 1));
  }
};

template <class T, class Formula>
class Unary final : public Operator<T> {
 public:
  explicit Unary(Formula formula = {}) : formula_(formula) {}
  [[nodiscard]] std::string_view kind() const override { return Formula::kind; }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    if constexpr (requires { formula_.exponent; }) {
      return Attributes{{"exponent", formula_.exponent}};
    } else {
      return Attributes{};
    }
  }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    return operators::only(inputs);
  }
  [[nodiscard]] Index work(std::span<const Shape> inputs) const override {
    return operators::work_of_function * operators::elements_per_sample(shape(inputs));
  }
  void forward(const ForwardPass<T>& pass) const override {
    for (Index i = 0; i < pass.output.rows; ++i) {
      const T* const x = pass.inputs[0].row[i];
      operators::put_row(pass.output.row(i), pass.output.cols, false,
                         [&](Index j) { return formula_.value(x[j]); });
    }
  }
  void backward(const BackwardPass<T>& pass) const override {
    operators::hand_down(pass.input_gradients[0], [&](Index i, Index j) {
      return pass.output_gradient(i, j) *
             formula_.slope(pass.inputs[0].row[i][j], pass.output(i, j));
    });
  }

 private:
  Formula formula_;
};

}  // namespace

template <class T>
OperatorPointer<T> negate() {
  return std::make_shared<Unary<T, Negate>>();
}

template <class T>
OperatorPointer<T> exp() {
  return std::make_shared<Unary<T, Exp>>();
}

template <class T>
OperatorPointer<T> log() {
  return std::make_shared<Unary<T, Log>>();
}

template <class T>
OperatorPointer<T> power(double exponent) {
  require(std::isfinite(exponent), "power",
          "the exponent is " + number_text(exponent) + "; expected a finite number");
  if (exponent == 2) return std::make_shared<Unary<T, Square>>();
  return std::make_shared<Unary<T, FixedPower>>(FixedPower{exponent});
}

#define NNBIND_INSTANTIATE(T)              \
  template OperatorPointer<T> negate<T>(); \
  template OperatorPointer<T> exp<T>();    \
  template OperatorPointer<T> log<T>();    \
  template OperatorPointer<T> power<T>(double);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
