// Fits that files may keep.
#include <pybind11/stl.h>

#include <map>

#include "bindings.hpp"
#include "dataset_arrays.hpp"
#include "py_training.hpp"

namespace nnbind::bindings {

namespace {

using Notes = std::map<std::string, std::variant<bool, std::int64_t, double, std::string>>;

Attributes attributes_of(const Notes& notes) {
  Attributes attributes;
  for (const auto& [name, value] : notes) {
    std::visit([&, &key = name](const auto& v) { attributes.emplace_back(key, v); }, value);
  }
  return attributes;
}

Notes notes_of(const Attributes& attributes) {
  Notes notes;
  for (const auto& [name, value] : attributes) {
    std::visit(
        [&, &key = name](const auto& v) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(v)>, AttributeArray>) notes[key] = v;
        },
        value);
  }
  return notes;
}

PyTraining new_training(PyNetwork& network, const LossTerms& losses,
                        const OptimizerPointer& optimizer, const FitOptions& options,
                        const Notes& notes) {
  return network.visit([&]<class T>(Network<T>& /*net*/) {
    Training<T> training;
    training.losses = losses_of(losses);
    training.optimizer = optimizer;
    training.options = options;
    training.notes = attributes_of(notes);
    return PyTraining{std::move(training)};
  });
}

}  // namespace

void register_training_state(py::module_& module) {
  const auto read = [](auto get) {
    return [get](PyTraining& self) {
      return self.visit([&](auto& training) { return get(training); });
    };
  };
  py::class_<PyTraining>(module, "Training", "A fit: what it was given, and where it stands.")
      .def(py::init<>(), "One that a file is to fill.")
      .def(py::init(&new_training), py::arg("network"), py::kw_only(), py::arg("losses"),
           py::arg("optimizer"), py::arg("options"), py::arg("notes"), "A fit that has not begun.")
      .def_property(
          "epochs", read([](auto& training) { return training.options.epochs; }),
          [](PyTraining& self, Index epochs) {
            self.visit([&](auto& training) { training.options.epochs = epochs; });
          },
          "Those to be made in all.")
      .def_property_readonly("epochs_done",
                             read([](auto& training) { return training.state.epoch; }),
                             "Those completed.")
      .def_property_readonly("batch_size",
                             read([](auto& training) { return training.options.batch_size; }),
                             "0: the whole set.")
      .def_property_readonly("shuffle",
                             read([](auto& training) { return training.options.shuffle; }),
                             "Whether each epoch has an order of its own.")
      .def_property_readonly("seed",
                             read([](auto& training) { return training.options.seed.value_or(0); }),
                             "That of the orders and of the dropout.")
      .def_property_readonly("notes", read([](auto& training) { return notes_of(training.notes); }),
                             "What its caller wanted to know again.");
}

}  // namespace nnbind::bindings
