// Values that come from no other node: parameters and constants.
#include <algorithm>
#include <cmath>

#include "nnbind/operators.hpp"
#include "operators/attributes.hpp"
#include "operators/elements.hpp"

namespace nnbind {

namespace {

void require_none(std::span<const Shape> inputs) {
  if (!inputs.empty()) throw ShapeError("expected no inputs");
}

/// y = the operator's block of θ.
template <class T>
class Parameter final : public Operator<T> {
 public:
  Parameter(Index rows, Index cols, Initializer init) : shape_{rows, cols}, init_(std::move(init)) {
    require(rows >= 1 && cols >= 1, "parameter",
            "has shape " + shape_text(rows, cols) + "; expected integers >= 1");
    if (init_.kind() == Initializer::Kind::array &&
        (init_.rows() != rows || init_.cols() != cols)) {
      throw ShapeError("[parameter] the initial values have shape " +
                       shape_text(init_.rows(), init_.cols()) + "; expected " +
                       shape_text(rows, cols));
    }
  }
  [[nodiscard]] std::string_view kind() const override { return "parameter"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    Attributes attributes{{"rows", shape_.rows}, {"cols", shape_.cols}};
    operators::describe(init_, attributes);
    return attributes;
  }
  [[nodiscard]] std::vector<NamedRows> parameter_names(BlockShape parameters) const override {
    return {{"values", parameters.rows}};
  }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    require_none(inputs);
    return shape_;
  }
  [[nodiscard]] BlockShape parameters(std::span<const Shape> /*inputs*/) const override {
    return {shape_.rows, shape_.cols};
  }
  [[nodiscard]] Index weight_rows(std::span<const Shape> /*inputs*/) const override {
    return shape_.rows > 1 ? shape_.rows : 0;
  }
  void initialize(MatrixView<T> parameters, Random& random, std::string_view name) const override {
    for (Index i = 0; i < parameters.rows; ++i) {
      std::fill_n(parameters.row(i), parameters.cols, T{0});
    }
    init_.fill(parameters, false, random, name);
  }
  void forward(const ForwardPass<T>& pass) const override {
    const MatrixView<const T> values = pass.parameters.view(0, shape_.cols);
    for (Index i = 0; i < shape_.rows; ++i) {
      std::copy_n(values.row(i), shape_.cols, pass.output.row(i));
    }
  }
  void backward(const BackwardPass<T>& /*pass*/) const override {}
  // ∂L/∂θ = ∂L/∂y.
  void parameter_gradient(const ParameterPass<T>& pass) const override {
    const MatrixView<const T> from = pass.output_gradient.block(pass.block);
    operators::hand_down(InputGradient<T>{pass.gradient.view(0, from.cols), pass.accumulate},
                         [&](Index i, Index j) { return from(i, j); });
  }

 private:
  Shape shape_;
  Initializer init_;
};

/// y = values.
template <class T>
class Constant final : public Operator<T> {
 public:
  explicit Constant(MatrixView<const T> values) : values_(values.rows, values.cols) {
    for (Index i = 0; i < values.rows; ++i) {
      const bool finite = std::all_of(values.row(i), values.row(i) + values.cols,
                                      [](T value) { return std::isfinite(value); });
      require(finite, "constant", "has a NaN or an infinity in row " + std::to_string(i));
      std::copy_n(values.row(i), values.cols, values_.view().row(i));
    }
  }
  [[nodiscard]] std::string_view kind() const override { return "constant"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    const MatrixView<const T> from = values_.view();
    AttributeArray values{from.rows, from.cols, {}};
    values.values.reserve(static_cast<std::size_t>(from.rows * from.cols));
    for (Index i = 0; i < from.rows; ++i) {
      values.values.insert(values.values.end(), from.row(i), from.row(i) + from.cols);
    }
    return Attributes{{"values", std::move(values)}};
  }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    require_none(inputs);
    return {values_.view().rows, values_.view().cols};
  }
  void forward(const ForwardPass<T>& pass) const override {
    const MatrixView<const T> values = values_.view();
    for (Index i = 0; i < values.rows; ++i) {
      std::copy_n(values.row(i), values.cols, pass.output.row(i));
    }
  }
  void backward(const BackwardPass<T>& /*pass*/) const override {}

 private:
  Matrix<T> values_;
};

}  // namespace

template <class T>
OperatorPointer<T> parameter(Index rows, Index cols, const Initializer& init) {
  return std::make_shared<Parameter<T>>(rows, cols, init);
}

template <class T>
OperatorPointer<T> constant(MatrixView<const T> values) {
  require(values.rows >= 1 && values.cols >= 1, "constant",
          "has shape " + shape_text(values.rows, values.cols) + "; expected at least one value");
  return std::make_shared<Constant<T>>(values);
}

#define NNBIND_INSTANTIATE(T)                                                 \
  template OperatorPointer<T> parameter<T>(Index, Index, const Initializer&); \
  template OperatorPointer<T> constant<T>(MatrixView<const T>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
