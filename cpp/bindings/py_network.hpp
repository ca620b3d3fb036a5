// The C++ sides of Python's operators and networks, which are of either dtype.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "nnbind/nnbind.hpp"

namespace nnbind::bindings {

namespace py = pybind11;

/// One operator for networks of either dtype.
struct PyOperator {
  OperatorPointer<float> single;
  OperatorPointer<double> twice;

  template <class T>
  [[nodiscard]] const OperatorPointer<T>& of() const {
    if constexpr (std::is_same_v<T, float>) {
      return single;
    } else {
      return twice;
    }
  }
};

using PyOperatorPointer = std::shared_ptr<PyOperator>;

/// A node of a network to be made: its name, its operator or the width of an input, the numbers of
/// the nodes that it reads, and of the one whose parameters it shares.
using PyNode = std::tuple<std::string, std::variant<Index, PyOperatorPointer>, std::vector<NodeId>,
                          std::optional<NodeId>>;

/// A network of either dtype.
class PyNetwork {
 public:
  PyNetwork(const std::vector<PyNode>& nodes, const std::vector<NodeId>& outputs,
            std::uint64_t seed, const py::dtype& dtype);
  PyNetwork(const PyNetwork& other);
  /// One that was loaded.
  explicit PyNetwork(AnyNetwork network) : network_(std::move(network)) {}

  /// Calls f with the Network<float> or the Network<double>.
  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit([&](auto& network) -> decltype(auto) { return f(*network); }, network_);
  }

  /// Held while parameters are set. Raises BusyError if another thread trains the network. A
  /// callback of a fit may set them: the fit waits for it.
  template <class T>
  [[nodiscard]] std::optional<TrainingLock> writing(const Network<T>& network,
                                                    std::string_view where) const {
    if (in_callback) return std::nullopt;
    return network.lock(where);
  }

  /// Whether a fit is in its callback. Belongs to the GIL.
  bool in_callback = false;

 private:
  AnyNetwork network_;
};

/// One fully connected layer of a network, which it keeps alive.
struct PyLayer {
  py::object network;
  NodeId id;

  template <class F>
  decltype(auto) visit(F&& f) const {
    return network.cast<PyNetwork&>().visit(
        [&](auto& net) -> decltype(auto) { return f(net, net.graph().node(id)); });
  }
};

}  // namespace nnbind::bindings
