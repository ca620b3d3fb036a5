// Operators and losses whose formulas are Python functions.
#include "bindings.hpp"
#include "python_function.hpp"

namespace nnbind::bindings {

namespace {

/// y = g(t), element by element.
template <class T>
class CustomActivation final : public Operator<T> {
 public:
  CustomActivation(std::string name, const py::object& owner)
      : name_(std::move(name)),
        function_(owner, "function", name_),
        derivative_(owner, "derivative", name_) {}

  [[nodiscard]] std::string_view kind() const override { return name_; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    if (inputs.size() != 1) throw ShapeError("expected one input");
    return inputs[0];
  }
  [[nodiscard]] bool runs_alone() const override { return true; }

  void forward(const ForwardPass<T>& pass) const override {
    const Interlude interlude;
    const py::array_t<T> y = evaluate(function_, pass.inputs[0]);
    for (Index i = 0; i < pass.output.rows; ++i) {
      std::copy_n(y.data(i, 0), pass.output.cols, pass.output.row(i));
    }
  }

  // ∂L/∂t = ∂L/∂y ⊙ g'(t).
  void backward(const BackwardPass<T>& pass) const override {
    const auto& [gradient, accumulate] = pass.input_gradients[0];
    if (gradient.data == nullptr) return;
    const Interlude interlude;
    const py::array_t<T> slope = evaluate(derivative_, pass.inputs[0]);
    for (Index i = 0; i < gradient.rows; ++i) {
      const T* slopes = slope.data(i, 0);
      for (Index j = 0; j < gradient.cols; ++j) {
        const T value = pass.output_gradient(i, j) * slopes[j];
        gradient(i, j) = accumulate ? gradient(i, j) + value : value;
      }
    }
  }

 private:
  static py::array_t<T> evaluate(const PythonFunction<T>& g, const Rows<T>& t) {
    return g({t.count, t.cols}, {{t.row, static_cast<std::size_t>(t.count)}}, t.cols);
  }

  std::string name_;
  PythonFunction<T> function_;
  PythonFunction<T> derivative_;
};

/// d(y, f) for each row, and ∂d/∂f.
class CustomLoss final : public Loss {
 public:
  CustomLoss(const std::string& name, Reduction reduction, const py::object& owner)
      : Loss(name, reduction), single_(name, owner), twice_(name, owner) {}

  [[nodiscard]] bool runs_alone() const override { return true; }
  void evaluate(const LossRows<float>& rows, bool /*pre_activation*/) const override {
    single_.evaluate(rows);
  }
  void evaluate(const LossRows<double>& rows, bool /*pre_activation*/) const override {
    twice_.evaluate(rows);
  }

 private:
  template <class T>
  struct Formulas {
    Formulas(const std::string& name, const py::object& owner)
        : value(owner, "value", name), derivative(owner, "derivative", name) {}

    void evaluate(const LossRows<T>& rows) const {
      const MatrixView<T> f = rows.predictions;
      const auto weight = [&](Index i) { return rows.weights == nullptr ? T{1} : rows.weights[i]; };
      const Interlude interlude;
      std::vector<const T*> list(static_cast<std::size_t>(f.rows));
      for (Index i = 0; i < f.rows; ++i) list[static_cast<std::size_t>(i)] = f.row(i);
      const std::span<const T* const> targets(rows.targets, list.size());
      const py::array_t<T> d = value({f.rows}, {targets, list}, f.cols);
      for (Index i = 0; i < f.rows; ++i) rows.losses[i] = weight(i) * d.at(i);
      if (rows.gradient.data == nullptr) return;
      const py::array_t<T> slope = derivative({f.rows, f.cols}, {targets, list}, f.cols);
      for (Index i = 0; i < f.rows; ++i) {
        const T factor = rows.scale * weight(i);
        for (Index j = 0; j < f.cols; ++j) rows.gradient(i, j) = factor * slope.at(i, j);
      }
    }

    PythonFunction<T> value;
    PythonFunction<T> derivative;
  };

  Formulas<float> single_;
  Formulas<double> twice_;
};

Named<"Operator"> custom_activation(const std::string& name, const Anything& owner) {
  py::object op = py::cast(std::make_shared<PyOperator>(
      PyOperator{std::make_shared<CustomActivation<float>>(name, owner),
                 std::make_shared<CustomActivation<double>>(name, owner)}));
  op.attr("_owner") = owner;
  return op;
}

}  // namespace

void register_custom(py::module_& module) {
  module.def(
      "custom_activation", &custom_activation, py::arg("name"), py::arg("owner"),
      "The caller's own g: the function and the derivative of an object, kept alive by this one.");
  module.def(
      "custom_loss",
      [](const std::string& name, const Anything& owner,
         const std::string& reduction) -> std::shared_ptr<Loss> {
        return std::make_shared<CustomLoss>(name, reduction_from_name(reduction), owner);
      },
      py::arg("name"), py::arg("owner"), py::arg("reduction"),
      "The caller's own d: the value and the derivative of an object, as long as it lives.");
}

}  // namespace nnbind::bindings
