// evaluate, the single steps, and the gradient check.
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include "bindings.hpp"
#include "dataset_arrays.hpp"
#include "gil.hpp"
#include "metrics.hpp"

namespace nnbind::bindings {

namespace {

template <class T>
py::typing::Dict<py::str, py::float_> evaluate_network(Network<T>& network, const py::object& x,
                                                       const py::object& y, const Losses& losses,
                                                       const std::vector<Metric>& metrics,
                                                       const py::object& sample_weight) {
  const auto data = arrays<T>(x, y, sample_weight, network, losses, "Network.evaluate");
  const Evaluation evaluation = [&] {
    const WithoutGil released;
    return evaluate<T>(network, data.dataset, losses, metrics);
  }();
  py::typing::Dict<py::str, py::float_> result;
  result["loss"] = evaluation.loss;
  const std::vector<std::string> names = metric_names(network, metrics);
  for (std::size_t k = 0; k < names.size(); ++k) {
    result[py::str(names[k])] = evaluation.metrics[k];
  }
  return result;
}

template <class T>
py::typing::Tuple<py::float_, FloatArray> loss_and_gradient_of(
    Network<T>& network, const py::object& x, const py::object& y, const Losses& losses,
    const Regularizer& regularizer, const py::object& sample_weight, bool training) {
  const auto data = arrays<T>(x, y, sample_weight, network, losses, "Network.loss_and_gradient");
  const double value = [&] {
    const WithoutGil released;
    return loss_and_gradient<T>(network, data.dataset, losses, regularizer, training);
  }();
  return py::make_tuple(value,
                        py::array_t<T>(network.parameter_count(), network.gradient().data()));
}

template <class T>
void apply(Network<T>& network, const py::object& gradient, Optimizer& optimizer) {
  const auto g =
      vector<T>(gradient, "[Network.apply_gradient] gradient", network.parameter_count());
  const std::span<const T> values(g.data(), static_cast<std::size_t>(g.size()));
  const WithoutGil released;
  apply_gradient<T>(network, values, optimizer);
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
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const std::vector<std::string>& metrics, const OptionalArrayLike& sample_weight) {
            return self.visit([&](auto& net) {
              return evaluate_network(net, x, y, losses_of(losses),
                                      metrics_from_names(metrics, "Network.evaluate"),
                                      sample_weight);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("metrics"),
          py::arg("sample_weight"), "The evaluation behind nnbind.Network.evaluate.")
      .def(
          "_train_step",
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const OptimizerPointer& optimizer, const Regularizer& regularizer,
             const OptionalArrayLike& sample_weight) {
            return self.visit([&](auto& net) {
              const Losses terms = losses_of(losses);
              const auto data = arrays(x, y, sample_weight, net, terms, "Network.train_step");
              const WithoutGil released;
              return train_step(net, data.dataset, terms, *optimizer, regularizer);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("optimizer"),
          py::arg("regularizer"), py::arg("sample_weight"),
          "The step behind nnbind.Network.train_step.")
      .def(
          "_apply_gradient",
          [](PyNetwork& self, const ArrayLike& gradient, const OptimizerPointer& optimizer) {
            self.visit([&](auto& net) { apply(net, gradient, *optimizer); });
          },
          py::arg("gradient"), py::arg("optimizer"),
          "The step behind nnbind.Network.apply_gradient.")
      .def(
          "_loss_and_gradient",
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const Regularizer& regularizer, const OptionalArrayLike& sample_weight,
             bool training) {
            return self.visit([&](auto& net) {
              return loss_and_gradient_of(net, x, y, losses_of(losses), regularizer, sample_weight,
                                          training);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("regularizer"),
          py::arg("sample_weight"), py::arg("training"),
          "The gradient behind nnbind.Network.loss_and_gradient.")
      .def(
          "_check_gradients",
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const Regularizer& regularizer, double step, double tolerance, bool training) {
            return self.visit([&](auto& net) {
              const Losses terms = losses_of(losses);
              const auto data = arrays(x, y, py::none(), net, terms, "check_gradients");
              const WithoutGil released;
              return check_gradients(net, data.dataset, terms, regularizer,
                                     {step, tolerance, training});
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("regularizer"), py::arg("step"),
          py::arg("tolerance"), py::arg("training"),
          "The comparison behind nnbind.check_gradients.");
}

void register_gradient_check(py::module_& module) {
  using Entry = GradientCheck::Entry;
  using OperatorEntry = GradientCheck::OperatorEntry;
  py::class_<Entry>(module, "GradientEntry", "The worst entry of a node's block of theta.")
      .def_readonly("node", &Entry::node, "The name of the node.")
      .def_readonly("largest_relative_error", &Entry::largest_relative_error,
                    "Over all entries that are no kinks.")
      .def_readonly("row", &Entry::row, "Where in the matrix.")
      .def_readonly("col", &Entry::col, "Where in the matrix.")
      .def_readonly("analytic", &Entry::analytic, "By backpropagation.")
      .def_readonly("numerical", &Entry::numerical, "By central differences.")
      .def_readonly("kinks", &Entry::kinks, "How many entries are kinks.")
      .def_readonly("kink_row", &Entry::kink_row, "Where the first kink is.")
      .def_readonly("kink_col", &Entry::kink_col, "Where the first kink is.");
  py::class_<OperatorEntry, Entry>(module, "OperatorEntry",
                                   "The worst entry of a gradient of one operator, or loss.")
      .def_readonly("kind", &OperatorEntry::kind, "What operator; or the name of the loss.")
      .def_readonly("input", &OperatorEntry::input,
                    "Which of its inputs, from 1; 0 for its own parameters.")
      .def_readonly("source", &OperatorEntry::from, "The name of that input.")
      .def_readonly("is_loss", &OperatorEntry::is_loss, "Whether it is a loss.");
  py::class_<GradientCheck>(module, "GradientCheck", "Gradients against central differences.")
      .def_readonly("nodes", &GradientCheck::nodes, "The worst entry of each block of theta.")
      .def_readonly("operators", &GradientCheck::operators,
                    "The worst entry of each gradient of each operator and loss by itself.")
      .def_readonly("largest_relative_error", &GradientCheck::largest_relative_error,
                    "Over all parameters.")
      .def_readonly("largest_operator_error", &GradientCheck::largest_operator_error,
                    "Over all operators and losses.")
      .def_readonly("kinks", &GradientCheck::kinks, "How many entries are kinks.")
      .def_readonly("tolerance", &GradientCheck::tolerance, "What errors may be.")
      .def_property_readonly("ok", &GradientCheck::ok, "Whether no error is above the tolerance.")
      .def("report", &GradientCheck::report, "The check as text.");
}

}  // namespace

void register_training(py::module_& module, py::class_<PyNetwork>& network) {
  register_gradient_check(module);
  register_steps(network);
}

}  // namespace nnbind::bindings
