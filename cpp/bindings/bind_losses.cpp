// Losses.
#include <pybind11/stl.h>

#include "bindings.hpp"

namespace nnbind::bindings {

void register_losses(py::module_& module) {
  py::class_<Loss, std::shared_ptr<Loss>>(module, "Loss", "A loss d(y, f).")
      .def_property_readonly("name", &Loss::name, "The name of the loss.")
      .def_static("names", &loss_names, "The names of all losses.");
  const auto mutable_pointer = [](const LossPointer& loss) {
    return std::const_pointer_cast<Loss>(loss);
  };
  const auto simple = [&](const char* name, LossPointer (*make)(Reduction), const char* doc) {
    module.def(
        name,
        [=](const std::string& reduction) {
          return mutable_pointer(make(reduction_from_name(reduction)));
        },
        py::arg("reduction"), doc);
  };
  simple("squared_error", &squared_error, "The squared error, summed over outputs.");
  simple("mean_squared_error", &mean_squared_error, "The squared error, averaged over outputs.");
  simple("absolute_error", &absolute_error, "The absolute error.");
  simple("hinge", &hinge, "The hinge loss.");
  simple("perceptron_criterion", &perceptron_criterion, "The perceptron criterion.");
  module.def(
      "huber",
      [=](double delta, const std::string& reduction) {
        return mutable_pointer(huber(delta, reduction_from_name(reduction)));
      },
      py::arg("delta"), py::arg("reduction"), "Huber's loss.");
  module.def(
      "poisson",
      [=](bool log_input, const std::string& reduction) {
        return mutable_pointer(poisson(log_input, reduction_from_name(reduction)));
      },
      py::arg("log_input"), py::arg("reduction"), "The Poisson loss.");
  module.def(
      "binary_cross_entropy",
      [=](bool from_logits, const std::string& reduction) {
        return mutable_pointer(binary_cross_entropy(from_logits, reduction_from_name(reduction)));
      },
      py::arg("from_logits"), py::arg("reduction"), "Binary cross-entropy.");
  module.def(
      "cross_entropy",
      [=](bool from_logits, double label_smoothing, const std::string& reduction) {
        return mutable_pointer(
            cross_entropy(from_logits, label_smoothing, reduction_from_name(reduction)));
      },
      py::arg("from_logits"), py::arg("label_smoothing"), py::arg("reduction"),
      "Categorical cross-entropy.");
  module.def(
      "loss_from_name",
      [=](const std::string& name, const std::string& where) {
        return mutable_pointer(loss_from_name(name, where));
      },
      py::arg("name"), py::arg("where"),
      "A loss with its usual options. Raises ValueError if there is none such.");
}

}  // namespace nnbind::bindings
