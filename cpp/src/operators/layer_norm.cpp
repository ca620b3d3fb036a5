// Layer normalization: Ba, Kiros and Hinton, 2016.
#include "operators/norm.hpp"
#include "option_checks.hpp"

namespace nnbind {

void LayerNormOptions::check() const { require_epsilon("LayerNorm", epsilon); }

namespace {

/// y = γ ⊙ x̂ + β with x̂ = (x - μ) / √(σ² + ε) along each row; saved are μ and 1 / √(σ² + ε).
template <class T>
class LayerNorm final : public operators::Norm<T> {
 public:
  explicit LayerNorm(LayerNormOptions options) : options_(options) { options_.check(); }
  [[nodiscard]] std::string_view kind() const override { return "layer_norm"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    return Attributes{{"epsilon", options_.epsilon}};
  }
  [[nodiscard]] Index saved_width(Index /*width*/) const override { return 2; }

  void forward(const ForwardPass<T>& pass) const override {
    const Index cols = pass.output.cols;
    const T* const gamma = this->gamma(pass.parameters);
    const T* const beta = this->beta(pass.parameters);
    for (Index i = 0; i < pass.output.rows; ++i) {
      const T* const x = pass.inputs[0].row[i];
      const Row row = measure(x, cols);
      if (pass.saved.data != nullptr) {
        pass.saved(i, 0) = row.mean;
        pass.saved(i, 1) = row.scale;
      }
      operators::put_row(pass.output.row(i), cols, false,
                         [&](Index j) { return gamma[j] * row.normal(x[j]) + beta[j]; });
    }
  }

  // With h = ∂L/∂x̂ = γ ⊙ ∂L/∂y, where x̂ changes with x through μ and σ too:
  // ∂L/∂x = (h - mean(h) - x̂ mean(h ⊙ x̂)) / √(σ² + ε), with means along the row.
  void backward(const BackwardPass<T>& pass) const override {
    const auto& [gradient, accumulate] = pass.input_gradients[0];
    const Index cols = gradient.cols;
    const T* const gamma = this->gamma(pass.parameters);
    for (Index i = 0; i < gradient.rows; ++i) {
      const T* const x = pass.inputs[0].row[i];
      const T* const dy = pass.output_gradient.row(i);
      const Row row{pass.saved(i, 0), pass.saved(i, 1)};
      const auto h = [&](Index j) { return gamma[j] * dy[j]; };
      const T mean_h = operators::sum_of<T>(cols, h) / static_cast<T>(cols);
      const T mean_hx =
          operators::sum_of<T>(cols, [&](Index j) { return h(j) * row.normal(x[j]); }) /
          static_cast<T>(cols);
      operators::put_row(gradient.row(i), cols, accumulate, [&](Index j) {
        return row.scale * (h(j) - mean_h - row.normal(x[j]) * mean_hx);
      });
    }
  }

  // ∂L/∂γ = Σ over the rows of ∂L/∂y ⊙ x̂, and ∂L/∂β = Σ ∂L/∂y.
  void parameter_gradient(const ParameterPass<T>& pass) const override {
    const auto [rows, cols] = pass.block;
    const MatrixView<T> to = pass.gradient.view(0, pass.gradient.cols);
    for (Index r = rows.begin; r < rows.end; ++r) {
      T* const gradient = to.row(r - rows.begin);
      for (Index i = 0; i < pass.output_gradient.rows; ++i) {
        const T* const x = pass.inputs[0].row[i] + cols.begin;
        const T* const dy = pass.output_gradient.row(i) + cols.begin;
        const Row row{pass.saved(i, 0), pass.saved(i, 1)};
        const bool accumulate = pass.accumulate || i > 0;
        if (r == 0) {
          operators::put_row(gradient, cols.size(), accumulate,
                             [&](Index j) { return dy[j] * row.normal(x[j]); });
        } else {
          operators::put_row(gradient, cols.size(), accumulate, [&](Index j) { return dy[j]; });
        }
      }
    }
  }

 private:
  /// The statistics of a row.
  struct Row {
    T mean;
    T scale;  // 1 / √(σ² + ε)
    T normal(T x) const { return (x - mean) * scale; }
  };

  Row measure(const T* x, Index cols) const {
    const auto count = static_cast<T>(cols);
    const T mean = operators::sum_of<T>(cols, [x](Index j) { return x[j]; }) / count;
    const T variance =
        operators::sum_of<T>(cols, [&](Index j) { return (x[j] - mean) * (x[j] - mean); }) / count;
    return {mean, 1 / std::sqrt(variance + static_cast<T>(options_.epsilon))};
  }

  LayerNormOptions options_;
};

}  // namespace

template <class T>
OperatorPointer<T> layer_norm(LayerNormOptions options) {
  return std::make_shared<LayerNorm<T>>(options);
}

template OperatorPointer<float> layer_norm<float>(LayerNormOptions);
template OperatorPointer<double> layer_norm<double>(LayerNormOptions);

}  // namespace nnbind
