// evaluate, the single steps, and the gradient check.
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include "bindings.hpp"
#include "dataset_arrays.hpp"

namespace nnbind::bindings {

namespace {

template <class T>
py::typing::Dict<py::str, py::float_> evaluate_network(Network<T>& network, const py::object& x,
                                                       const py::object& y, const LossPointer& loss,
                                                       const std::vector<Metric>& metrics,
                                                       const py::object& sample_weight) {
  const auto data = arrays<T>(x, y, sample_weight, network, *loss, "Network.evaluate");
  const Evaluation evaluation = [&] {
    const py::gil_scoped_release release;
    return evaluate<T>(network, data.dataset, loss, metrics);
  }();
  py::typing::Dict<py::str, py::float_> result;
  result["loss"] = evaluation.loss;
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    result[py::str(std::string(metric_name(metrics[k])))] = evaluation.metrics[k];
  }
  return result;
}

template <class T>
py::typing::Tuple<py::float_, FloatArray> gradient_of(Network<T>& network, const py::object& x,
                                                      const py::object& y, const LossPointer& loss,
                                                      const Regularizer& regularizer,
                                                      const py::object& sample_weight) {
  const auto data = arrays<T>(x, y, sample_weight, network, *loss, "Network.loss_and_gradient");
  const double value = [&] {
    const py::gil_scoped_release release;
    return loss_and_gradient<T>(network, data.dataset, loss, regularizer);
  }();
  return py::make_tuple(value,
                        py::array_t<T>(network.parameter_count(), network.gradient().data()));
}

void register_steps(py::class_<PyNetwork>& network) {
  network
      .def(
          "_epoch_order",
          [](PyNetwork& self, std::uint64_t seed, Index samples) {
            py::array_t<std::int64_t> order(samples);
            self.visit([&](auto& net) {
              epoch_order(seed, net.epochs_trained,
                          {order.mutable_data(), static_cast<std::size_t>(samples)});
            });
            return order;
          },
          py::arg("seed"), py::arg("samples"),
          "The order in which the next epoch of a shuffled fit takes its samples.")
      .def(
          "_evaluate",
          [](PyNetwork& self, const ArrayLike& x, const ArrayLike& y,
             const std::shared_ptr<Loss>& loss, const std::vector<std::string>& metrics,
             const OptionalArrayLike& sample_weight) {
            return self.visit([&](auto& net) {
              return evaluate_network(
                  net, x, y, loss, metrics_from_names(metrics, "Network.evaluate"), sample_weight);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("loss"), py::arg("metrics"), py::arg("sample_weight"),
          "The evaluation behind nnbind.Network.evaluate.")
      .def(
          "_train_step",
          [](PyNetwork& self, const ArrayLike& x, const ArrayLike& y,
             const std::shared_ptr<Loss>& loss, const OptimizerPointer& optimizer,
             const Regularizer& regularizer, const OptionalArrayLike& sample_weight) {
            return self.visit([&](auto& net) {
              const auto data = arrays(x, y, sample_weight, net, *loss, "Network.train_step");
              const py::gil_scoped_release release;
              return train_step(net, data.dataset, loss, *optimizer, regularizer);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("loss"), py::arg("optimizer"), py::arg("regularizer"),
          py::arg("sample_weight"), "The step behind nnbind.Network.train_step.")
      .def(
          "_loss_and_gradient",
          [](PyNetwork& self, const ArrayLike& x, const ArrayLike& y,
             const std::shared_ptr<Loss>& loss, const Regularizer& regularizer,
             const OptionalArrayLike& sample_weight) {
            return self.visit([&](auto& net) {
              return gradient_of(net, x, y, loss, regularizer, sample_weight);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("loss"), py::arg("regularizer"),
          py::arg("sample_weight"), "The gradient behind nnbind.Network.loss_and_gradient.")
      .def(
          "_check_gradients",
          [](PyNetwork& self, const ArrayLike& x, const ArrayLike& y,
             const std::shared_ptr<Loss>& loss, const Regularizer& regularizer, double step) {
            return self.visit([&](auto& net) {
              const auto data = arrays(x, y, py::none(), net, *loss, "check_gradients");
              const py::gil_scoped_release release;
              return check_gradients(net, data.dataset, loss, regularizer, step);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("loss"), py::arg("regularizer"), py::arg("step"),
          "The comparison behind nnbind.check_gradients.");
}

void register_gradient_check(py::module_& module) {
  py::class_<GradientCheck::Entry>(module, "GradientEntry", "The worst entry of one layer.")
      .def_readonly("node", &GradientCheck::Entry::node, "The name of the layer.")
      .def_readonly("largest_relative_error", &GradientCheck::Entry::largest_relative_error,
                    "Over the parameters of the layer.")
      .def_readonly("row", &GradientCheck::Entry::row, "Where in its block of theta.")
      .def_readonly("col", &GradientCheck::Entry::col, "Where in its block of theta.")
      .def_readonly("analytic", &GradientCheck::Entry::analytic, "By backpropagation.")
      .def_readonly("numerical", &GradientCheck::Entry::numerical, "By central differences.");
  py::class_<GradientCheck>(module, "GradientCheck", "Gradients against central differences.")
      .def_readonly("nodes", &GradientCheck::nodes, "The worst entry of each layer.")
      .def_readonly("largest_relative_error", &GradientCheck::largest_relative_error,
                    "Over all parameters.");
}

}  // namespace

void register_training(py::module_& module, py::class_<PyNetwork>& network) {
  register_gradient_check(module);
  register_steps(network);
}

}  // namespace nnbind::bindings
