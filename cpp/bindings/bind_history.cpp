// What a fit saw.
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include "bindings.hpp"

namespace nnbind::bindings {

namespace {

State as_tuple(const History& h) {
  return py::make_tuple(h.loss, h.val_loss, h.learning_rate, h.seconds, h.metric_names, h.metrics,
                        h.val_metrics, h.started, h.best_epoch);
}

History from_tuple(const State& state) {
  const py::tuple values(state);
  using Series = std::vector<double>;
  if (values.size() != 9) throw py::value_error("[History] the pickle is of another version");
  return {values[0].cast<Series>(),
          values[1].cast<Series>(),
          values[2].cast<Series>(),
          values[3].cast<Series>(),
          values[4].cast<std::vector<std::string>>(),
          values[5].cast<std::vector<Series>>(),
          values[6].cast<std::vector<Series>>(),
          values[7].cast<bool>(),
          values[8].cast<Index>()};
}

}  // namespace

void register_history(py::module_& module) {
  py::class_<History>(module, "History",
                      "What a fit saw, epoch by epoch. best_epoch counts from 0.")
      .def(py::init<>())
      .def_readonly("loss", &History::loss,
                    "The reduced loss of the samples as training saw them, with R(theta).")
      .def_readonly("val_loss", &History::val_loss,
                    "Validation loss, without R(theta); empty without a validation set.")
      .def_readonly("learning_rate", &History::learning_rate, "That of the epoch's last step.")
      .def_readonly("seconds", &History::seconds, "Wall time, with the validation.")
      .def_property_readonly(
          "metrics",
          [](const History& self) {
            py::typing::Dict<py::str, py::typing::List<py::float_>> metrics;
            for (std::size_t k = 0; k < self.metric_names.size(); ++k) {
              const std::string& name = self.metric_names[k];
              metrics[py::str(name)] = self.metrics[k];
              if (!self.val_metrics.empty()) metrics[py::str("val_" + name)] = self.val_metrics[k];
            }
            return metrics;
          },
          "Lists by name: \"accuracy\", \"val_accuracy\", ...; for each of several outputs\n"
          "\"NAME_loss\", \"NAME_accuracy\", \"val_NAME_loss\", ...")
      .def_property_readonly(
          "best_epoch",
          [](const History& self) -> std::optional<Index> {
            if (self.best_epoch < 0) return std::nullopt;
            return self.best_epoch;
          },
          "The epoch with the lowest monitored loss, counted from 0; of an early stopping with a\n"
          "min_delta the last that fell by more than that below the best before. None before any.")
      .def_readonly("started", &History::started, "Whether the fit passed its checks and began.")
      .def_property_readonly("epochs", &History::epochs, "Epochs that were completed.")
      .def(py::pickle(&as_tuple, &from_tuple))
      .def("__len__", &History::epochs)
      .def("__repr__", [](const History& self) {
        std::string text = "<History of " + std::to_string(self.epochs()) + " epochs";
        if (self.epochs() > 0) text += ", loss " + number_text(self.loss.back());
        if (!self.val_loss.empty()) text += ", val_loss " + number_text(self.val_loss.back());
        return text + ">";
      });
}

}  // namespace nnbind::bindings
