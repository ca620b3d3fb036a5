// The product of a batch, or of a fixed matrix, with a fixed matrix.
#include <algorithm>

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

  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    if (inputs.size() != 2) throw ShapeError("expected two inputs");
    if (inputs[1].is_batch()) throw ShapeError("expected a second factor with fixed rows");
    if (inputs[0].cols != inputs[1].rows) {
      throw ShapeError("expected as many columns in the first as rows in the second");
    }
    return {inputs[0].rows, inputs[1].cols};
  }

  [[nodiscard]] Index multiply_adds(std::span<const Shape> inputs) const override {
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
      multiply_by_transpose(pass.output_gradient, operators::matrix_of(pass.inputs[1]), to_x);
    }
    if (to_w.gradient.data != nullptr) {
      kernels::affine_weight_gradient<T>(pass.inputs[0], {0, pass.inputs[0].cols},
                                         pass.output_gradient, to_w.accumulate, to_w.gradient);
    }
  }

 private:
  /// G Wᵀ in pieces of Wᵀ that fit the first-level cache and the stack. A piece adds to the sums of
  /// the one before it, so that each element is one chain of sums in the order of W's columns.
  static void multiply_by_transpose(MatrixView<const T> g, MatrixView<const T> w,
                                    const InputGradient<T>& to) {
    constexpr Index width = panel_columns<T>;
    constexpr Index depth = 128;
    alignas(cache_line) std::array<T, static_cast<std::size_t>(width * depth)> piece{};
    for (Index k = 0; k < w.rows; k += width) {
      const Index rows = std::min(width, w.rows - k);
      for (Index j = 0; j < w.cols; j += depth) {
        const Index cols = std::min(depth, w.cols - j);
        const Panels<T> transposed{piece.data(), cols, rows, width, width};
        kernels::transpose(Panels<const T>::plain(w.middle_rows(k, rows).middle_columns(j, cols)),
                           {0, rows}, {0, cols}, transposed);
        multiply(g.middle_columns(j, cols), transposed, to.accumulate || j > 0,
                 to.gradient.middle_columns(k, rows));
      }
    }
  }

  static void multiply(MatrixView<const T> g, Panels<const T> right, bool accumulate,
                       MatrixView<T> out) {
    constexpr Index most = 48;  // rows: whole register tiles of 12 and 6
    std::array<const T*, static_cast<std::size_t>(most)> list;
    for (Index first = 0; first < g.rows; first += most) {
      const Index count = std::min(most, g.rows - first);
      for (Index i = 0; i < count; ++i) list[static_cast<std::size_t>(i)] = g.row(first + i);
      kernels::affine_input_gradient<T>({list.data(), count, g.cols}, right, accumulate,
                                        out.middle_rows(first, count));
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
