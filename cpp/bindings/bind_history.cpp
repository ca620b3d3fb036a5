// What a fit saw.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "py_history.hpp"

namespace nnbind::bindings {

namespace {

State as_tuple(const PyHistory& h) {
  return py::make_tuple(h.loss, h.val_loss, h.learning_rate, h.seconds, h.metric_names, h.metrics,
                        h.val_metrics, h.started, h.best_epoch);
}

PyHistory from_tuple(const State& state) {
  const py::tuple values(state);
  using Series = std::vector<double>;
  if (values.size() != 9) throw py::value_error("[History] the pickle is of another version");
  PyHistory h;
  static_cast<History&>(h) = {values[0].cast<Series>(),
                              values[1].cast<Series>(),
                              values[2].cast<Series>(),
                              values[3].cast<Series>(),
                              values[4].cast<std::vector<std::string>>(),
                              values[5].cast<std::vector<Series>>(),
                              values[6].cast<std::vector<Series>>(),
                              values[7].cast<bool>(),
                              values[8].cast<Index>()};
  return h;
}

/// Hands `use(name, series, its list)` each metric, in training and in validation.
template <class F>
void each_metric(PyHistory& h, F use) {
  h.metric_lists.resize(h.metrics.size());
  h.val_metric_lists.resize(h.val_metrics.size());
  for (std::size_t k = 0; k < h.metric_names.size(); ++k) {
    const std::string& name = h.metric_names[k];
    use(name, h.metrics[k], h.metric_lists[k]);
    if (!h.val_metrics.empty()) use("val_" + name, h.val_metrics[k], h.val_metric_lists[k]);
  }
}

py::typing::Dict<py::str, GrowingList::List> metrics_of(PyHistory& h) {
  py::typing::Dict<py::str, GrowingList::List> metrics;
  each_metric(h, [&](const std::string& name, const std::vector<double>& series,
                     GrowingList& list) { metrics[py::str(name)] = list.of(series); });
  return metrics;
}

py::typing::Dict<py::str, py::float_> last_of(PyHistory& h) {
  py::typing::Dict<py::str, py::float_> last;
  const auto add = [&](const std::string& name, const std::vector<double>& series) {
    if (!series.empty()) last[py::str(name)] = series.back();
  };
  add("loss", h.loss);
  add("val_loss", h.val_loss);
  each_metric(h, [&](const std::string& name, const std::vector<double>& series,
                     GrowingList& /*list*/) { add(name, series); });
  return last;
}

}  // namespace

void register_history(py::module_& module) {
  py::class_<PyHistory>(module, "History",
                        "What a fit saw, epoch by epoch. best_epoch counts from 0.\n\n"
                        "Each series is one list, to which a look at it adds what came since.")
      .def(py::init<>())
      .def_property_readonly(
          "loss", [](PyHistory& self) { return self.loss_list.of(self.loss); },
          "The reduced loss of the samples as training saw them, with R(theta).")
      .def_property_readonly(
          "val_loss", [](PyHistory& self) { return self.val_loss_list.of(self.val_loss); },
          "Validation loss, without R(theta); empty without a validation set.")
      .def_property_readonly(
          "learning_rate",
          [](PyHistory& self) { return self.learning_rate_list.of(self.learning_rate); },
          "That of the epoch's last step.")
      .def_property_readonly(
          "seconds", [](PyHistory& self) { return self.seconds_list.of(self.seconds); },
          "Wall time, with the validation.")
      .def_property_readonly(
          "metrics", &metrics_of,
          "Lists by name: \"accuracy\", \"val_accuracy\", ...; for each of several outputs\n"
          "\"NAME_loss\", \"NAME_accuracy\", \"val_NAME_loss\", ...")
      .def("_last", &last_of, "The losses and the metrics of the last epoch, by name.")
      .def_property_readonly(
          "best_epoch",
          [](const PyHistory& self) -> std::optional<Index> {
            if (self.best_epoch < 0) return std::nullopt;
            return self.best_epoch;
          },
          "The epoch with the lowest monitored loss, counted from 0; of an early stopping with a\n"
          "min_delta the last that fell by more than that below the best before. None before any.")
      .def_readonly("started", &PyHistory::started, "Whether the fit passed its checks and began.")
      .def_property_readonly("epochs", &PyHistory::epochs, "Epochs that were completed.")
      .def(py::pickle(&as_tuple, &from_tuple))
      .def("__len__", &PyHistory::epochs)
      .def("__repr__", [](const PyHistory& self) {
        std::string text = "<History of " + std::to_string(self.epochs()) + " epochs";
        if (self.epochs() > 0) text += ", loss " + number_text(self.loss.back());
        if (!self.val_loss.empty()) text += ", val_loss " + number_text(self.val_loss.back());
        return text + ">";
      });
}

}  // namespace nnbind::bindings
