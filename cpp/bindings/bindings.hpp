// What the binding files share: the Python classes' C++ sides, and the list of registrations.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <variant>

#include "nnbind/nnbind.hpp"
#include "signature.hpp"

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

  /// Held while parameters are set. Raises BusyError if another thread trains the network. A
  /// callback of a fit may set them: the fit waits for it.
  template <class T>
  [[nodiscard]] auto writing(const Network<T>& network, const std::string& where) const {
    using Lock = typename Network<T>::TrainingLock;
    return in_callback ? nullptr : std::make_unique<Lock>(network, where);
  }

  /// Whether a fit is in its callback. Belongs to the GIL.
  bool in_callback = false;

 private:
  std::variant<std::unique_ptr<Network<float>>, std::unique_ptr<Network<double>>> network_;
};

void register_errors(py::module_& module);
void register_options(py::module_& module);
void register_losses(py::module_& module);
void register_optimizers(py::module_& module);
void register_network(py::module_& module);
void register_history(py::module_& module);
void register_fit(py::class_<PyNetwork>& network);
void register_training(py::module_& module, py::class_<PyNetwork>& network);
void register_config(py::module_& module);

}  // namespace nnbind::bindings
