// What the binding files share: the Python classes' C++ sides, and the list of registrations.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <variant>

#include "nnbind/nnbind.hpp"

namespace nnbind::bindings {

namespace py = pybind11;

/// A network of either dtype.
class PyNetwork {
 public:
  PyNetwork(Index inputs, std::vector<DenseOptions> layers, std::uint64_t seed,
            const py::dtype& dtype);
  PyNetwork(const PyNetwork& other);

  /// Calls f with the Network<float> or the Network<double>.
  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit([&](auto& network) -> decltype(auto) { return f(*network); }, network_);
  }

 private:
  std::variant<std::unique_ptr<Network<float>>, std::unique_ptr<Network<double>>> network_;
};

/// X, y and sample_weight of a caller, checked as far as NumPy is concerned.
template <class T>
struct Arrays {
  std::vector<py::object> owners;
  Dataset<T> dataset;
};
/// `prefix` is "" or "validation "; see check(Dataset).
template <class T>
Arrays<T> arrays(py::handle x, py::handle y, py::handle sample_weight, const Network<T>& network,
                 const Loss& loss, const std::string& where, const std::string& prefix = "");

void register_errors(py::module_& module);
void register_options(py::module_& module);
void register_losses(py::module_& module);
void register_optimizers(py::module_& module);
void register_network(py::module_& module);
void register_training(py::module_& module, py::class_<PyNetwork>& network);
void register_config(py::module_& module);

}  // namespace nnbind::bindings
