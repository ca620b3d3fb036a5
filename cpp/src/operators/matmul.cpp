// The product of a batch, or of a fixed matrix, with a fixed matrix.

#include "kernels/affine.hpp"
#include "nnbind/operators.hpp"
#include "operators/elements.hpp"

namespace nnbind {

namespace {

/// Y = X W: X is (n × k), W (k × m), Y (n × m).
template <class T>
class MatMul final : public Operator<T> {
 public:
  [[nodiscard]] std::string_view kind() const override { return "matmul"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override { return Attributes{}; }

  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    if (inputs.size() != 2) throw ShapeError("expected two inputs");
    if (inputs[1].is_batch()) throw ShapeError("expected a second factor with fixed rows");
    if (inputs[0].cols != inputs[1].rows) {
      throw ShapeError("expected as many columns in the first as rows in the second");
    }
    return {inputs[0].rows, inputs[1].cols};
  }

  [[nodiscard]] Index work(std::span<const Shape> inputs) const override {
    return operators::elements_per_sample(inputs[0]) * inputs[1].cols;
  }

  void forward(const ForwardPass<T>& pass) const override {
    const auto weights = Panels<const T>::plain(operators::matrix_of(pass.inputs[1]));
    kernels::affine(pass.inputs[0], weights, false, pass.output);
  }

  // ∂L/∂X = ∂L/∂Y · Wᵀ and ∂L/∂W = Xᵀ · ∂L/∂Y.
  void backward(const BackwardPass<T>& pass) const override {
    const InputGradient<T>& to_x = pass.input_gradients[0];
    const InputGradient<T>& to_w = pass.input_gradients[1];
    if (to_x.gradient.data != nullptr) {
      const auto weights = Panels<const T>::plain(operators::matrix_of(pass.inputs[1]));
      kernels::affine_input_gradient<T>(pass.output_gradient, weights, to_x.accumulate,
                                        to_x.gradient, pass.one_sample);
    }
    if (to_w.gradient.data != nullptr) {
      kernels::affine_gradient<T>(pass.inputs[0], {0, pass.inputs[0].cols}, pass.output_gradient,
                                  to_w.accumulate, Panels<T>::plain(to_w.gradient));
    }
  }
};

}  // namespace

template <class T>
OperatorPointer<T> matmul() {
  return std::make_shared<MatMul<T>>();
}

template OperatorPointer<float> matmul<float>();
template OperatorPointer<double> matmul<double>();

}  // namespace nnbind
