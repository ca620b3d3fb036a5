// Two inputs, element by element, repeated where they have one row or one column.
#include <cmath>

#include "nnbind/operators.hpp"
#include "operators/elements.hpp"

namespace nnbind {

namespace {

// Each formula has y = value(a, b) and the slopes ∂y/∂a and ∂y/∂b, which may use y.

struct Add {
  static constexpr std::string_view kind = "add";
  template <class T>
  static T value(T a, T b) {
    return a + b;
  }
  template <class T>
  static T slope_a(T /*a*/, T /*b*/, T /*y*/) {
    return 1;
  }
  template <class T>
  static T slope_b(T /*a*/, T /*b*/, T /*y*/) {
    return 1;
  }
};

struct Subtract {
  static constexpr std::string_view kind = "subtract";
  template <class T>
  static T value(T a, T b) {
    return a - b;
  }
  template <class T>
  static T slope_a(T /*a*/, T /*b*/, T /*y*/) {
    return 1;
  }
  template <class T>
  static T slope_b(T /*a*/, T /*b*/, T /*y*/) {
    return -1;
  }
};

struct Multiply {
  static constexpr std::string_view kind = "multiply";
  template <class T>
  static T value(T a, T b) {
    return a * b;
  }
  template <class T>
  static T slope_a(T /*a*/, T b, T /*y*/) {
    return b;
  }
  template <class T>
  static T slope_b(T a, T /*b*/, T /*y*/) {
    return a;
  }
};

struct Divide {
  static constexpr std::string_view kind = "divide";
  template <class T>
  static T value(T a, T b) {
    return a / b;
  }
  template <class T>
  static T slope_a(T /*a*/, T b, T /*y*/) {
    return 1 / b;
  }
  template <class T>
  static T slope_b(T /*a*/, T b, T y) {  // -a / b²
    return -y / b;
  }
};

struct Power {
  static constexpr std::string_view kind = "power";
  template <class T>
  static T value(T a, T b) {
    return std::pow(a, b);
  }
  template <class T>
  static T slope_a(T a, T b, T /*y*/) {  // b a^(b-1), where 0 · ∞ would be NaN
    return b == 0 ? 0 : b * std::pow(a, b - 1);
  }
  template <class T>
  static T slope_b(T a, T b, T y) {  // a^b log a, where 0 · -∞ would be NaN
    return a == 0 && b >= 0 ? 0 : y * std::log(a);
  }
};

/// An input as large as the output. `step` is 0 where its only column is repeated, else 1, which
/// lets the compiler vectorize along the columns.
template <class T, Index step>
struct Operand {
  explicit Operand(Rows<T> rows) : row(rows.row), row_step(rows.count == 1 ? 0 : 1) {}
  T operator()(Index i, Index j) const { return row[i * row_step][j * step]; }

  const T* const* row;
  Index row_step;
};

/// Calls f with both operands. One of them at most has columns to repeat.
template <class T, class F>
void with_operands(std::span<const Rows<T>> inputs, Index cols, F f) {
  const auto [a, b] = std::pair(inputs[0], inputs[1]);
  if (a.cols < cols) {
    f(Operand<T, 0>(a), Operand<T, 1>(b));
  } else if (b.cols < cols) {
    f(Operand<T, 1>(a), Operand<T, 0>(b));
  } else {
    f(Operand<T, 1>(a), Operand<T, 1>(b));
  }
}

/// The gradient of an operand from term(i, j) of each element of the output: a sum over the rows
/// and over the columns that were repeated.
template <class T, Index step, class F>
void hand_down_sums(Operand<T, step> /*of*/, const InputGradient<T>& to, Index rows, Index cols,
                    F term) {
  const bool repeats_rows = to.gradient.rows == 1;
  for (Index i = 0; i < rows; ++i) {
    const auto in_row = [&](Index j) { return term(i, j); };
    T* const gradient = to.gradient.row(repeats_rows ? 0 : i);
    const bool accumulate = to.accumulate || (repeats_rows && i > 0);
    if constexpr (step == 0) {
      const T sum = operators::sum_of<T>(cols, in_row);
      operators::put_row(gradient, 1, accumulate, [&](Index /*j*/) { return sum; });
    } else {
      operators::put_row(gradient, cols, accumulate, in_row);
    }
  }
}

bool fit(Index one, Index other) { return one == other || one == 1 || other == 1; }

template <class T, class Formula>
class Binary final : public Operator<T> {
 public:
  [[nodiscard]] std::string_view kind() const override { return Formula::kind; }
  [[nodiscard]] std::optional<Attributes> attributes() const override { return Attributes{}; }

  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    if (inputs.size() != 2) throw ShapeError("expected two inputs");
    const auto [a, b] = std::pair(inputs[0], inputs[1]);
    if (!fit(a.rows, b.rows)) throw ShapeError("expected equal rows, or a single fixed one");
    if (!fit(a.cols, b.cols)) throw ShapeError("expected equal columns, or a single one");
    return {a.rows == 1 ? b.rows : a.rows, a.cols == 1 ? b.cols : a.cols};
  }

  [[nodiscard]] Index work(std::span<const Shape> inputs) const override {
    return operators::work_of_copy * operators::elements_per_sample(shape(inputs));
  }

  void forward(const ForwardPass<T>& pass) const override {
    with_operands(pass.inputs, pass.output.cols, [&](auto a, auto b) {
      for (Index i = 0; i < pass.output.rows; ++i) {
        operators::put_row(pass.output.row(i), pass.output.cols, false,
                           [&](Index j) { return Formula::value(a(i, j), b(i, j)); });
      }
    });
  }

  // ∂L/∂a = ∂L/∂y ⊙ ∂y/∂a, summed over what was repeated; b likewise.
  void backward(const BackwardPass<T>& pass) const override {
    const MatrixView<const T> y = pass.output;
    const MatrixView<const T> dy = pass.output_gradient;
    with_operands(pass.inputs, y.cols, [&](auto a, auto b) {
      if (pass.input_gradients[0].gradient.data != nullptr) {
        hand_down_sums(a, pass.input_gradients[0], y.rows, y.cols, [&](Index i, Index j) {
          return dy(i, j) * Formula::slope_a(a(i, j), b(i, j), y(i, j));
        });
      }
      if (pass.input_gradients[1].gradient.data != nullptr) {
        hand_down_sums(b, pass.input_gradients[1], y.rows, y.cols, [&](Index i, Index j) {
          return dy(i, j) * Formula::slope_b(a(i, j), b(i, j), y(i, j));
        });
      }
    });
  }
};

}  // namespace

#define NNBIND_BINARY(name, Formula)               \
  template <class T>                               \
  OperatorPointer<T> name() {                      \
    return std::make_shared<Binary<T, Formula>>(); \
  }                                                \
  template OperatorPointer<float> name<float>();   \
  template OperatorPointer<double> name<double>();
NNBIND_BINARY(add, Add)
NNBIND_BINARY(subtract, Subtract)
NNBIND_BINARY(multiply, Multiply)
NNBIND_BINARY(divide, Divide)
NNBIND_BINARY(power, Power)
#undef NNBIND_BINARY

}  // namespace nnbind
