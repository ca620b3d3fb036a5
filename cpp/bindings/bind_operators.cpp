// Operators: one factory for each.
#include <pybind11/stl.h>

#include "array.hpp"
#include "bindings.hpp"

namespace nnbind::bindings {

namespace {

/// (rows, cols), where rows is None for a row for each sample.
using PyShape = std::pair<std::optional<Index>, Index>;

/// Both instantiations of what `make` makes.
template <class Make>
PyOperatorPointer both(const Make& make) {
  return std::make_shared<PyOperator>(
      PyOperator{make.template operator()<float>(), make.template operator()<double>()});
}

std::vector<Shape> shapes_of(const std::vector<PyShape>& given) {
  std::vector<Shape> shapes;
  shapes.reserve(given.size());
  for (const auto& [rows, cols] : given) shapes.push_back({rows.value_or(Shape::batch), cols});
  return shapes;
}

PyShape infer(const PyOperator& self, const std::vector<std::string>& names,
              const std::vector<PyShape>& inputs) {
  const Shape shape = infer_shape<double>(*self.twice, names, shapes_of(inputs));
  return {shape.is_batch() ? std::nullopt : std::optional(shape.rows), shape.cols};
}

template <class T>
OperatorPointer<T> constant_of(const py::object& values) {
  return constant<T>(matrix<T>(values, "[Constant] value", "(rows, cols)").view);
}

void register_elementwise(py::module_& module) {
  module.def("add", [] { return both([]<class T>() { return add<T>(); }); }, "a + b.");
  module.def("subtract", [] { return both([]<class T>() { return subtract<T>(); }); }, "a - b.");
  module.def("multiply", [] { return both([]<class T>() { return multiply<T>(); }); }, "a * b.");
  module.def("divide", [] { return both([]<class T>() { return divide<T>(); }); }, "a / b.");
  module.def("negate", [] { return both([]<class T>() { return negate<T>(); }); }, "-x.");
  module.def("exp", [] { return both([]<class T>() { return exp<T>(); }); }, "e^x.");
  module.def("log", [] { return both([]<class T>() { return log<T>(); }); }, "log x.");
  module.def(
      "power",
      [](std::optional<double> exponent) {
        return both([&]<class T>() { return exponent ? power<T>(*exponent) : power<T>(); });
      },
      py::arg("exponent"), "x^exponent, or a^b where it is None.");
  module.def(
      "activation",
      [](const Activation& g) { return both([&]<class T>() { return activation<T>(g); }); },
      py::arg("activation"), "g(x).");
  module.def(
      "dropout", [](double rate) { return both([&]<class T>() { return dropout<T>(rate); }); },
      py::arg("rate"), "Drops elements in training.");
}

void register_rows(py::module_& module) {
  module.def("sum", [] { return both([]<class T>() { return sum<T>(); }); }, "Of each row.");
  module.def("mean", [] { return both([]<class T>() { return mean<T>(); }); }, "Of each row.");
  module.def("matmul", [] { return both([]<class T>() { return matmul<T>(); }); }, "a @ b.");
  module.def(
      "concatenate", [] { return both([]<class T>() { return concatenate<T>(); }); },
      "Columns side by side.");
  module.def(
      "slice",
      [](Index first, Index count) {
        return both([&]<class T>() { return slice<T>(first, count); });
      },
      py::arg("first"), py::arg("count"), "Some columns.");
  module.def(
      "dense",
      [](const DenseOptions& options) {
        return both(
            [&]<class T>() -> OperatorPointer<T> { return std::make_shared<Dense<T>>(options); });
      },
      py::arg("options"), "A fully connected layer.");
  module.def(
      "batch_norm",
      [](double momentum, double epsilon) {
        return both([&]<class T>() { return batch_norm<T>({momentum, epsilon}); });
      },
      py::arg("momentum"), py::arg("epsilon"), "Batch normalization.");
  module.def(
      "layer_norm",
      [](double epsilon) { return both([&]<class T>() { return layer_norm<T>({epsilon}); }); },
      py::arg("epsilon"), "Layer normalization.");
}

void register_sources(py::module_& module) {
  module.def(
      "parameter",
      [](Index rows, Index cols, const Initializer& init) {
        return both([&]<class T>() { return parameter<T>(rows, cols, init); });
      },
      py::arg("rows"), py::arg("cols"), py::arg("init"), "Values of its own in theta.");
  module.def(
      "constant",
      [](const ArrayLike& values) {
        return both([&]<class T>() { return constant_of<T>(values); });
      },
      py::arg("values"), "A copy of the values.");
}

}  // namespace

void register_operators(py::module_& module) {
  py::class_<PyOperator, PyOperatorPointer>(module, "Operator", py::dynamic_attr(),
                                            "A function of the values on the edges of a graph.")
      .def_property_readonly(
          "kind", [](const PyOperator& self) { return self.twice->kind(); }, "What it is called.")
      .def_property_readonly(
          "runs_alone", [](const PyOperator& self) { return self.twice->runs_alone(); },
          "Whether it keeps a network to one thread.")
      .def("infer_shape", &infer, py::arg("names"), py::arg("shapes"),
           "The shape of its output; None stands for a row for each sample.\n\n"
           "Raises ShapeError, with the names in it, if the shapes do not fit.")
      .def(
          "has_parameters",
          [](const PyOperator& self, const std::vector<PyShape>& inputs) {
            const std::vector<Shape> shapes = shapes_of(inputs);
            return self.twice->parameters(shapes).size() + self.twice->state(shapes).size() > 0;
          },
          py::arg("shapes"), "Whether it has parameters or state, for inputs of these shapes.");
  register_elementwise(module);
  register_rows(module);
  register_sources(module);
}

}  // namespace nnbind::bindings
