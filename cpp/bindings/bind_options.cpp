// The small things that networks and fits are made from.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "array.hpp"
#include "bindings.hpp"
#include "metrics.hpp"

namespace nnbind::bindings {

namespace {

using Name = Named<"str">;

/// Raises TypeError if it is no string, ValueError if it is not UTF-8.
std::string text(const Name& name, const std::string& where) {
  const std::string what = "[" + where + "] name is " + std::string(py::repr(name));
  if (!py::isinstance<py::str>(name)) throw py::type_error(what + "; expected a string");
  const char* const utf8 = PyUnicode_AsUTF8(name.ptr());
  if (utf8 != nullptr) return utf8;
  PyErr_Clear();
  throw py::value_error(what + ", which has no UTF-8");
}

void register_activation(py::module_& module) {
  py::class_<Activation>(module, "Activation",
                         "An activation g by name, with the alpha of leaky_relu or elu.")
      .def(py::init([](const Name& given, std::optional<double> alpha) {
             const std::string name = text(given, "Activation");
             return alpha ? Activation(name, *alpha) : Activation(name);
           }),
           py::arg("name"), py::arg("alpha") = py::none(),
           "Raises ValueError if there is no such activation, or it takes no alpha.")
      .def_property_readonly("name", &Activation::name, "The name of the activation.")
      .def_property_readonly("alpha", &Activation::alpha, "The slope or scale below 0.")
      .def_static("names", &Activation::names, "The names of all activations.")
      .def(
          "__eq__",
          [](const Activation& self, const Anything& other) {
            return py::isinstance<Activation>(other) && self == other.cast<const Activation&>();
          },
          py::arg("other"))
      .def("__hash__",
           [](const Activation& a) { return py::hash(py::make_tuple(a.name(), a.alpha())); })
      .def("__str__", &Activation::name)
      .def("__repr__", [](const Activation& a) {
        const std::string alpha = a.alpha() > 0 ? ", alpha=" + number_text(a.alpha()) : "";
        return "Activation(\"" + std::string(a.name()) + "\"" + alpha + ")";
      });
}

void register_initializer(py::module_& module) {
  py::class_<Initializer>(module, "Initializer", "How the weights of a layer are drawn.")
      .def(py::init([](const Name& name) { return Initializer(text(name, "Initializer")); }),
           py::arg("name"), "By name. Raises ValueError if there is no such initializer.")
      .def_static("constant", &Initializer::constant, py::arg("value"), "All weights equal.")
      .def_static("normal", &Initializer::normal, py::arg("std"), py::arg("mean"), "Normal draws.")
      .def_static("uniform", &Initializer::uniform, py::arg("low"), py::arg("high"),
                  "Uniform draws.")
      .def_static(
          "array",
          [](const ArrayLike& object, const std::string& where) {
            const auto values = matrix<double>(object, "[" + where + "] init", "(inputs, units)");
            std::vector<double> copy;
            for (Index i = 0; i < values.view.rows; ++i) {
              copy.insert(copy.end(), values.view.row(i), values.view.row(i) + values.view.cols);
            }
            return Initializer::array(std::move(copy), values.view.rows, values.view.cols);
          },
          py::arg("values"), py::arg("where"), "The user's own weights.")
      .def_property_readonly("name", &Initializer::name, "The name of the initializer.")
      .def_static("names", &Initializer::names, "The names of all initializers.");
}

void register_dense(py::module_& module) {
  py::class_<DenseOptions>(module, "DenseOptions", "What a fully connected layer is made from.")
      .def(py::init([](Index units, const Activation& activation,
                       const std::optional<Initializer>& init, bool bias, double l1, double l2,
                       double dropout) {
             DenseOptions options{units, activation, init, bias, l1, l2, dropout, ""};
             options.check();
             return options;
           }),
           py::arg("units"), py::arg("activation"), py::arg("init"), py::arg("bias"), py::arg("l1"),
           py::arg("l2"), py::arg("dropout"), "Raises ValueError if an option is not allowed.");
}

void register_fit_options(py::module_& module) {
  py::class_<EarlyStopping>(module, "EarlyStopping", "When to end a fit that no longer improves.")
      .def(py::init([](int patience, double min_delta, bool restore_best) {
             const EarlyStopping stopping{patience, min_delta, restore_best};
             stopping.check();
             return stopping;
           }),
           py::arg("patience"), py::arg("min_delta"), py::arg("restore_best"),
           "Raises ValueError unless patience >= 1 and min_delta >= 0.");
  py::class_<FitOptions>(module, "FitOptions", "What a fit is told besides its data.")
      .def(py::init([](Index epochs, Index batch_size,
                       const std::optional<EarlyStopping>& early_stopping,
                       const Regularizer& regularizer, const std::vector<std::string>& metrics,
                       bool shuffle, std::uint64_t seed, const std::string& where) {
             FitOptions options;
             options.epochs = epochs;
             options.batch_size = batch_size;
             options.shuffle = shuffle;
             options.seed = seed;
             options.early_stopping = early_stopping;
             options.regularizer = regularizer;
             options.metrics = metrics_from_names(metrics, where);
             return options;
           }),
           py::kw_only(), py::arg("epochs"), py::arg("batch_size"), py::arg("early_stopping"),
           py::arg("regularizer"), py::arg("metrics"), py::arg("shuffle"), py::arg("seed"),
           py::arg("where"), "Raises ValueError if there is no such metric.");
}

}  // namespace

void register_options(py::module_& module) {
  register_activation(module);
  register_initializer(module);
  register_dense(module);
  py::class_<Regularizer>(module, "Regularizer", "R = l1 |W| + l2/2 |W|^2, added to the loss.")
      .def(py::init([](double l1, double l2, bool bias, bool divide_by_batch_size) {
             const Regularizer regularizer{l1, l2, bias, divide_by_batch_size};
             regularizer.check();
             return regularizer;
           }),
           py::arg("l1") = 0.0, py::arg("l2") = 0.0, py::arg("bias") = false,
           py::arg("divide_by_batch_size") = false,
           "Raises ValueError unless l1 and l2 are finite and >= 0.");
  register_fit_options(module);
}

}  // namespace nnbind::bindings
