// fit, evaluate and the single steps.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "array.hpp"
#include "bindings.hpp"

namespace nnbind::bindings {

template <class T>
Arrays<T> arrays(py::handle x, py::handle y, py::handle sample_weight, const Network<T>& network,
                 const Loss& loss, const std::string& where, const std::string& prefix) {
  const auto named = [&](const char* name) { return "[" + where + "] " + prefix + name; };
  Arrays<T> result;
  const auto samples = matrix<T>(x, named("X"), "(n, " + std::to_string(network.inputs()) + ")");
  result.owners.push_back(samples.owner);
  result.dataset.x = samples.view;
  const Index n = samples.view.rows;
  const py::array targets = numbers(y, named("y"));
  if (targets.ndim() == 1 && is_integer(targets) && loss.takes_labels()) {
    const auto labels = vector<std::int64_t>(targets, named("y"), n);
    result.owners.push_back(labels);
    result.dataset.labels = labels.data();
  } else {
    std::string expected = nnbind::shape_text(n, network.outputs());
    if (targets.ndim() == 1 && !loss.takes_labels()) expected += ", as y[:, None] of one output";
    if (loss.takes_labels()) expected += ", or (" + std::to_string(n) + ",) integer labels";
    const auto values = matrix<T>(targets, named("y"), expected);
    result.owners.push_back(values.owner);
    result.dataset.targets = values.view;
  }
  if (!sample_weight.is_none()) {
    const auto weights = vector<T>(sample_weight, named("sample_weight"), n);
    result.owners.push_back(weights);
    result.dataset.weights = weights.data();
  }
  return result;
}

namespace {

/// Batches out of a Python iterable of (X, y) or (X, y, sample_weight).
template <class T>
class PythonBatches final : public BatchSource<T> {
 public:
  PythonBatches(py::object iterable, const Network<T>& network, LossPointer loss)
      : iterable_(std::move(iterable)), network_(&network), loss_(std::move(loss)) {}

  void begin_epoch() override {
    const py::gil_scoped_acquire acquire;
    iterator_ = py::iter(iterable_);
  }

  std::optional<Dataset<T>> next() override {
    const py::gil_scoped_acquire acquire;
    PyObject* item = PyIter_Next(iterator_.ptr());
    if (item == nullptr) {
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
      return std::nullopt;
    }
    const auto batch = py::reinterpret_steal<py::object>(item);
    if (!py::isinstance<py::tuple>(batch) || py::len(batch) < 2 || py::len(batch) > 3) {
      throw py::type_error(
          "[Network.fit] the iterator gave no batch; expected (X, y) or (X, y, sample_weight)");
    }
    const auto parts = py::reinterpret_borrow<py::tuple>(batch);
    const py::object weight = parts.size() == 3 ? py::object(parts[2]) : py::none();
    current_ = arrays<T>(parts[0], parts[1], weight, *network_, *loss_, "Network.fit", "batch ");
    check(current_.dataset, *network_, *loss_, "Network.fit", "batch ");
    return current_.dataset;
  }

 private:
  py::object iterable_;
  py::object iterator_;
  const Network<T>* network_;
  LossPointer loss_;
  Arrays<T> current_;
};

/// The hooks of a fit, for a Python callable `end_epoch(history) -> bool` or None.
FitHooks python_hooks(const py::object& end_epoch, const py::object& history, double interval) {
  FitHooks hooks;
  hooks.poll = [] {
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  };
  if (!end_epoch.is_none()) {
    hooks.end_epoch = [&end_epoch, &history](const History& /*history*/) {
      const py::gil_scoped_acquire acquire;
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      return py::cast<bool>(end_epoch(history));
    };
    hooks.interval = interval;
  }
  return hooks;
}

struct FitCall {
  py::object x, y, sample_weight;
  py::object validation_x, validation_y, validation_weight;
  std::shared_ptr<Loss> loss;
  OptimizerPointer optimizer;
  FitOptions options;
  py::object order;
  py::object history;
};

template <class T>
void fit_network(Network<T>& network, const FitCall& call, const FitHooks& hooks) {
  FitOptions options = call.options;
  py::array_t<std::int64_t> order;
  if (!call.order.is_none()) {
    order = vector<std::int64_t>(call.order, "[Network.fit] sample_order", py::len(call.order));
    options.sample_order = {order.data(), static_cast<std::size_t>(order.size())};
  }
  Arrays<T> validation;
  const bool validates = !call.validation_x.is_none();
  if (validates) {
    validation = arrays<T>(call.validation_x, call.validation_y, call.validation_weight, network,
                           *call.loss, "Network.fit", "validation ");
  }
  const Dataset<T>* validation_set = validates ? &validation.dataset : nullptr;
  auto& history = call.history.cast<History&>();
  if (call.y.is_none()) {
    PythonBatches<T> batches(call.x, network, call.loss);
    const py::gil_scoped_release release;
    fit<T>(network, batches, call.loss, *call.optimizer, options, history, validation_set, hooks);
  } else {
    const Arrays<T> data =
        arrays<T>(call.x, call.y, call.sample_weight, network, *call.loss, "Network.fit");
    const py::gil_scoped_release release;
    fit<T>(network, data.dataset, call.loss, *call.optimizer, options, history, validation_set,
           hooks);
  }
}

std::vector<Metric> metrics_from_names(const std::vector<std::string>& names,
                                       const std::string& where) {
  std::vector<Metric> metrics;
  for (const std::string& name : names) metrics.push_back(metric_from_name(name, where));
  return metrics;
}

void register_fit(py::class_<PyNetwork>& network) {
  network.def(
      "_fit",
      [](PyNetwork& self, const py::object& x, const py::object& y,
         const std::shared_ptr<Loss>& loss, const OptimizerPointer& optimizer, Index epochs,
         Index batch_size, const py::object& validation,
         const std::optional<EarlyStopping>& early_stopping, const Regularizer& regularizer,
         const std::vector<std::string>& metrics, bool shuffle, const py::object& sample_order,
         const py::object& sample_weight, std::optional<std::uint64_t> seed,
         const py::object& end_epoch, double interval, const py::object& history) {
        FitCall call{x,         y,  sample_weight, py::none(), py::none(), py::none(), loss,
                     optimizer, {}, sample_order,  history};
        if (!validation.is_none()) {
          const auto parts = validation.cast<py::tuple>();
          call.validation_x = parts[0];
          call.validation_y = parts[1];
          if (parts.size() > 2) call.validation_weight = parts[2];
        }
        call.options.epochs = epochs;
        call.options.batch_size = batch_size;
        call.options.shuffle = shuffle;
        call.options.early_stopping = early_stopping;
        call.options.regularizer = regularizer;
        call.options.metrics = metrics_from_names(metrics, "Network.fit");
        const FitHooks hooks = python_hooks(end_epoch, history, interval);
        self.visit([&](auto& net) {
          call.options.seed = seed.value_or(net.seed());
          fit_network(net, call, hooks);
        });
      },
      py::arg("X"), py::arg("y"), py::kw_only(), py::arg("loss"), py::arg("optimizer"),
      py::arg("epochs"), py::arg("batch_size"), py::arg("validation"), py::arg("early_stopping"),
      py::arg("regularizer"), py::arg("metrics"), py::arg("shuffle"), py::arg("sample_order"),
      py::arg("sample_weight"), py::arg("seed"), py::arg("end_epoch"), py::arg("interval"),
      py::arg("history"), "The fit behind nnbind.Network.fit.");
}

template <class T>
py::dict evaluate_network(const Network<T>& network, const py::object& x, const py::object& y,
                          const std::shared_ptr<Loss>& loss, const std::vector<Metric>& metrics,
                          const py::object& sample_weight) {
  const auto data = arrays<T>(x, y, sample_weight, network, *loss, "Network.evaluate");
  const Evaluation evaluation = [&] {
    const py::gil_scoped_release release;
    return evaluate<T>(network, data.dataset, loss, metrics);
  }();
  py::dict result;
  result["loss"] = evaluation.loss;
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    result[py::str(std::string(metric_name(metrics[k])))] = evaluation.metrics[k];
  }
  return result;
}

template <class T>
py::tuple gradient_of(Network<T>& network, const py::object& x, const py::object& y,
                      const std::shared_ptr<Loss>& loss, const Regularizer& regularizer,
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
          "The order in which the next epoch of a shuffled fit takes its samples.")
      .def(
          "_evaluate",
          [](PyNetwork& self, const py::object& x, const py::object& y,
             const std::shared_ptr<Loss>& loss, const std::vector<std::string>& metrics,
             const py::object& sample_weight) {
            return self.visit([&](auto& net) {
              return evaluate_network(
                  net, x, y, loss, metrics_from_names(metrics, "Network.evaluate"), sample_weight);
            });
          },
          "The evaluation behind nnbind.Network.evaluate.")
      .def(
          "_train_step",
          [](PyNetwork& self, const py::object& x, const py::object& y,
             const std::shared_ptr<Loss>& loss, const OptimizerPointer& optimizer,
             const Regularizer& regularizer, const py::object& sample_weight) {
            return self.visit([&](auto& net) {
              const auto data = arrays(x, y, sample_weight, net, *loss, "Network.train_step");
              const py::gil_scoped_release release;
              return train_step(net, data.dataset, loss, *optimizer, regularizer);
            });
          },
          "The step behind nnbind.Network.train_step.")
      .def(
          "_loss_and_gradient",
          [](PyNetwork& self, const py::object& x, const py::object& y,
             const std::shared_ptr<Loss>& loss, const Regularizer& regularizer,
             const py::object& sample_weight) {
            return self.visit([&](auto& net) {
              return gradient_of(net, x, y, loss, regularizer, sample_weight);
            });
          },
          "The gradient behind nnbind.Network.loss_and_gradient.")
      .def(
          "_check_gradients",
          [](PyNetwork& self, const py::object& x, const py::object& y,
             const std::shared_ptr<Loss>& loss, const Regularizer& regularizer, double step) {
            return self.visit([&](auto& net) {
              const auto data = arrays(x, y, py::none(), net, *loss, "check_gradients");
              const py::gil_scoped_release release;
              return check_gradients(net, data.dataset, loss, regularizer, step);
            });
          },
          "The comparison behind nnbind.check_gradients.");
}

void register_history(py::module_& module) {
  py::class_<History>(module, "History", "What a fit saw, epoch by epoch.")
      .def(py::init<>())
      .def_readonly("loss", &History::loss,
                    "Mean over the samples as training saw them, with R(theta).")
      .def_readonly("val_loss", &History::val_loss,
                    "Validation loss, without R(theta); empty without a validation set.")
      .def_readonly("learning_rate", &History::learning_rate, "That of the epoch's last step.")
      .def_readonly("seconds", &History::seconds, "Wall time, with the validation.")
      .def_property_readonly(
          "metrics",
          [](const History& self) {
            py::dict metrics;
            for (std::size_t k = 0; k < self.metric_kinds.size(); ++k) {
              const std::string name(metric_name(self.metric_kinds[k]));
              metrics[py::str(name)] = self.metrics[k];
              if (!self.val_metrics.empty()) metrics[py::str("val_" + name)] = self.val_metrics[k];
            }
            return metrics;
          },
          "Lists by name: \"accuracy\", \"val_accuracy\", ...")
      .def_property_readonly(
          "best_epoch",
          [](const History& self) -> std::optional<Index> {
            if (self.best_epoch < 0) return std::nullopt;
            return self.best_epoch;
          },
          "The epoch with the lowest monitored loss, from 0; None before the first.")
      .def_readonly("started", &History::started, "Whether the fit passed its checks and began.")
      .def_property_readonly("epochs", &History::epochs, "Epochs that were completed.")
      .def("__len__", &History::epochs)
      .def("__repr__", [](const History& self) {
        std::string text = "<History of " + std::to_string(self.epochs()) + " epochs";
        if (self.epochs() > 0) text += ", loss " + number_text(self.loss.back());
        if (!self.val_loss.empty()) text += ", val_loss " + number_text(self.val_loss.back());
        return text + ">";
      });
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
  register_history(module);
  register_gradient_check(module);
  register_fit(network);
  register_steps(network);
}

}  // namespace nnbind::bindings
