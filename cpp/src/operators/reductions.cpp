// Each row to one number.
#include "nnbind/operators.hpp"
#include "operators/elements.hpp"

namespace nnbind {

namespace {

/// y = Σ_j x_j, or that divided by the number of columns.
template <class T>
class RowSum final : public Operator<T> {
 public:
  explicit RowSum(bool mean) : mean_(mean) {}
  [[nodiscard]] std::string_view kind() const override { return mean_ ? "mean" : "sum"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override { return Attributes{}; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    return {operators::only(inputs).rows, 1};
  }
  [[nodiscard]] Index work(std::span<const Shape> inputs) const override {
    return operators::work_of_copy * operators::elements_per_sample(inputs[0]);
  }
  void forward(const ForwardPass<T>& pass) const override {
    const Rows<T>& rows = pass.inputs[0];
    for (Index i = 0; i < rows.count; ++i) {
      const T* const x = rows.row[i];
      const T sum = operators::sum_of<T>(rows.cols, [x](Index j) { return x[j]; });
      pass.output(i, 0) = mean_ ? sum / static_cast<T>(rows.cols) : sum;
    }
  }
  // ∂L/∂x_j = ∂L/∂y, for a mean divided by the number of columns.
  void backward(const BackwardPass<T>& pass) const override {
    const T scale = mean_ ? 1 / static_cast<T>(pass.inputs[0].cols) : T{1};
    operators::hand_down(pass.input_gradients[0],
                         [&](Index i, Index /*j*/) { return scale * pass.output_gradient(i, 0); });
  }

 private:
  bool mean_;
};

}  // namespace

template <class T>
OperatorPointer<T> sum() {
  return std::make_shared<RowSum<T>>(false);
}

template <class T>
OperatorPointer<T> mean() {
  return std::make_shared<RowSum<T>>(true);
}

#define NNBIND_INSTANTIATE(T)           \
  template OperatorPointer<T> sum<T>(); \
  template OperatorPointer<T> mean<T>();
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
