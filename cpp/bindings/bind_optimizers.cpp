// Optimizers and schedules.
#include <pybind11/stl.h>

#include <cctype>

#include "bindings.hpp"
#include "signature.hpp"

namespace nnbind::bindings {

namespace {

/// The options of an optimizer or a schedule: numbers all. Whatever Python makes has a recipe.
using Options = std::vector<std::pair<std::string, std::variant<bool, std::int64_t, double>>>;

py::tuple told(const Recipe& recipe) {
  Options options;
  for (const auto& [name, value] : recipe.options) {
    std::visit(
        [&options, &name = name](const auto& number) {
          if constexpr (std::is_arithmetic_v<std::decay_t<decltype(number)>>) {
            options.emplace_back(name, number);
          }
        },
        value);
  }
  return py::make_tuple(recipe.name, options);
}

Recipe read(const py::tuple& told) {
  Recipe recipe{told[0].cast<std::string>(), {}};
  for (const auto& [name, value] : told[1].cast<Options>()) {
    std::visit([&, &name = name](auto number) { recipe.options.emplace_back(name, number); },
               value);
  }
  return recipe;
}

/// "InverseScaling(rate=0.1, power=0.5)", as in nn.schedules.
std::string text(const Schedule& schedule) {
  const Recipe recipe = schedule.recipe().value();
  std::string name, options;
  bool begins_word = true;
  for (const char letter : recipe.name) {
    if (letter != '_') name += begins_word ? static_cast<char>(std::toupper(letter)) : letter;
    begins_word = letter == '_';
  }
  for (const auto& [option, value] : recipe.options) {
    const auto* const count = std::get_if<std::int64_t>(&value);
    options += (options.empty() ? "" : ", ") + option + "=" +
               (count == nullptr ? number_text(std::get<double>(value)) : std::to_string(*count));
  }
  return name + "(" + options + ")";
}

/// Raises TypeError or ValueError unless it is an integer >= 0, which no bool is.
std::int64_t step_number(const Integer& step) {
  const std::string what = "[Schedule.rate] step is " + std::string(py::repr(step));
  const auto number = py::reinterpret_steal<py::object>(
      PyBool_Check(step.ptr()) != 0 ? nullptr : PyNumber_Index(step.ptr()));
  if (!number) {
    PyErr_Clear();
    throw py::type_error(what + "; expected an integer");
  }
  int overflow = 0;
  const std::int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (value < 0 || overflow != 0) {
    throw OptionError(what + "; expected an integer " + (overflow > 0 ? "< 2^63" : ">= 0"));
  }
  return value;
}

void register_schedules(py::module_& module) {
  py::class_<Schedule, SchedulePointer>(module, "Schedule",
                                        "The learning rate as a function of the step.")
      .def(
          "rate",
          [](const Schedule& self, const Integer& step) { return self.rate(step_number(step)); },
          py::arg("step"),
          "The learning rate of step t = 0, 1, ... Raises TypeError or ValueError for another.")
      .def("__repr__", &text)
      .def(py::pickle([](const Schedule& self) -> State { return told(self.recipe().value()); },
                      [](const State& state) { return make_schedule(read(state)); }));
  module.def("constant_rate", &constant_rate, py::arg("rate"), "Always the same rate.");
  module.def("step_decay", &step_decay, py::arg("rate"), py::arg("every"), py::arg("factor"),
             "rate * factor^floor(t / every).");
  module.def("exponential_decay", &exponential_decay, py::arg("rate"), py::arg("every"),
             py::arg("factor"), "rate * factor^(t / every).");
  module.def("cosine_decay", &cosine_decay, py::arg("rate"), py::arg("steps"), py::arg("warmup"),
             py::arg("final"), "Half a cosine after a linear warm-up.");
  module.def("inverse_scaling", &inverse_scaling, py::arg("rate"), py::arg("power"),
             "rate / (t + 1)^power.");
  module.def("reduce_on_plateau", &reduce_on_plateau, py::arg("rate"), py::arg("factor"),
             py::arg("patience"), py::arg("min_delta"), py::arg("min_rate"),
             "Reduced when the loss no longer falls.");
}

}  // namespace

void register_optimizers(py::module_& module) {
  register_schedules(module);
  py::class_<Optimizer, OptimizerPointer>(module, "Optimizer", "How a gradient moves theta.")
      .def_property_readonly("name", &Optimizer::name, "The name of the optimizer.")
      .def_property_readonly("iterations", &Optimizer::iterations, "Steps made so far.")
      .def_property_readonly("learning_rate", &Optimizer::learning_rate,
                             "The learning rate of the next step.")
      .def("reset", &Optimizer::reset,
           "Forget momenta, network and steps. Raises BusyError during a training.")
      .def(py::pickle(
          [](const Optimizer& self) -> State {
            return py::make_tuple(told(self.recipe().value()),
                                  told(self.schedule().recipe().value()));
          },
          [](const State& state) {
            const py::tuple parts(state);
            return make_optimizer(read(parts[0]), make_schedule(read(parts[1])));
          }));
  module.def("sgd", &sgd, py::arg("schedule"), py::arg("momentum"), py::arg("nesterov"),
             py::arg("clip_norm"), "Stochastic gradient descent, with momentum.");
  module.def("adam", &adam, py::arg("schedule"), py::arg("beta1"), py::arg("beta2"),
             py::arg("epsilon"), py::arg("clip_norm"), "Adam.");
  module.def("adamw", &adamw, py::arg("schedule"), py::arg("beta1"), py::arg("beta2"),
             py::arg("epsilon"), py::arg("weight_decay"), py::arg("clip_norm"),
             "Adam with decoupled weight decay.");
  module.def("rmsprop", &rmsprop, py::arg("schedule"), py::arg("rho"), py::arg("epsilon"),
             py::arg("clip_norm"), "RMSProp.");
  module.def("adagrad", &adagrad, py::arg("schedule"), py::arg("epsilon"), py::arg("clip_norm"),
             "AdaGrad.");
}

}  // namespace nnbind::bindings
