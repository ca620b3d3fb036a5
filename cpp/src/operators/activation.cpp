// An activation by itself.
#include <algorithm>

#include "nnbind/operators.hpp"
#include "operators/attributes.hpp"
#include "operators/elements.hpp"

namespace nnbind {

namespace {

/// y = g(t), where t is the input.
template <class T>
class Activate final : public Operator<T> {
 public:
  explicit Activate(const Activation& g) : g_(g) {}
  [[nodiscard]] std::string_view kind() const override { return g_.name(); }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    Attributes attributes;
    operators::describe_alpha(g_, attributes);
    return attributes;
  }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    return operators::only(inputs);
  }
  [[nodiscard]] Index work(std::span<const Shape> inputs) const override {
    return operators::work_of_function * operators::elements_per_sample(shape(inputs));
  }
  [[nodiscard]] Activation activation() const override { return g_; }

  void forward(const ForwardPass<T>& pass) const override {
    for (Index i = 0; i < pass.output.rows; ++i) {
      const MatrixView<T> y = pass.output.middle_rows(i, 1);
      const T* const t = pass.inputs[0].row[i];
      if (pass.pre_activation) {
        std::copy_n(t, y.cols, y.data);
      } else {
        g_.template forward<T>({t, 1, y.cols, y.cols}, y);
      }
    }
  }

  [[nodiscard]] bool changes_output_gradient() const override { return true; }

  // ∂L/∂t = ∂L/∂y ⊙ g'(t). The loss may have given it: so it is a step of its own.
  void backward_output(const BackwardPass<T>& pass) const override {
    for (Index i = 0; i < pass.output_gradient.rows; ++i) {
      const Index cols = pass.output_gradient.cols;
      g_.template backward<T>({pass.inputs[0].row[i], 1, cols, cols}, pass.output.middle_rows(i, 1),
                              pass.output_gradient.middle_rows(i, 1));
    }
  }

  void backward(const BackwardPass<T>& pass) const override {
    operators::hand_down(pass.input_gradients[0],
                         [&](Index i, Index j) { return pass.output_gradient(i, j); });
  }

 private:
  Activation g_;
};

}  // namespace

template <class T>
OperatorPointer<T> activation(const Activation& g) {
  return std::make_shared<Activate<T>>(g);
}

template OperatorPointer<float> activation<float>(const Activation&);
template OperatorPointer<double> activation<double>(const Activation&);

}  // namespace nnbind
