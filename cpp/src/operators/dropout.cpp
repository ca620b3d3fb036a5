// Dropout: Srivastava et al., JMLR 2014.
#include <algorithm>

#include "kernels/dropout.hpp"
#include "nnbind/operators.hpp"
#include "operators/elements.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

/// y = x ⊙ mask; saved is the mask, of 0 and 1 / (1 - rate).
template <class T>
class Dropout final : public Operator<T> {
 public:
  explicit Dropout(double rate) : rate_(rate) { require_fraction("Dropout", "rate", rate); }
  [[nodiscard]] std::string_view kind() const override { return "dropout"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    return Attributes{{"rate", rate_}};
  }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    return operators::only(inputs);
  }
  [[nodiscard]] Index work(std::span<const Shape> inputs) const override {
    return operators::work_of_copy * operators::elements_per_sample(shape(inputs));
  }
  [[nodiscard]] Index saved_width(Index width) const override { return drops() ? width : 0; }
  [[nodiscard]] bool drops() const override { return rate_ > 0; }

  void forward(const ForwardPass<T>& pass) const override {
    const Index cols = pass.output.cols;
    for (Index i = 0; i < pass.output.rows; ++i) {
      const T* const x = pass.inputs[0].row[i];
      if (!drops() || pass.dropout == nullptr) {
        std::copy_n(x, cols, pass.output.row(i));
        continue;
      }
      kernels::dropout<T>({*pass.dropout, pass.node, pass.first_row + i}, rate_, {x, 1, cols, cols},
                          pass.saved.middle_rows(i, 1), pass.output.middle_rows(i, 1));
    }
  }

  // ∂L/∂x = ∂L/∂y ⊙ mask.
  void backward(const BackwardPass<T>& pass) const override {
    const bool dropped = drops() && pass.dropout;
    operators::hand_down(pass.input_gradients[0], [&](Index i, Index j) {
      return dropped ? pass.output_gradient(i, j) * pass.saved(i, j) : pass.output_gradient(i, j);
    });
  }

 private:
  double rate_;
};

}  // namespace

template <class T>
OperatorPointer<T> dropout(double rate) {
  return std::make_shared<Dropout<T>>(rate);
}

template OperatorPointer<float> dropout<float>(double);
template OperatorPointer<double> dropout<double>(double);

}  // namespace nnbind
