// The caller's arrays for each input or output of a network.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "nnbind/nnbind.hpp"

namespace nnbind::bindings {

namespace py = pybind11;

/// What a caller has given for one input or output, and what messages call it.
struct Part {
  py::object value;
  std::string what;
};

/// The parts of an X or a y, in the order of `names`. Where there is one name, the object is that
/// part; where there are several, it is a list or tuple of parts in their order. Either way it may
/// be a mapping from the names. `what` is "[Network.fit] X"; a part of several is
/// `[Network.fit] X["name"]`. Raises TypeError or ValueError if it is nothing of that.
std::vector<Part> parts(py::handle object, const std::vector<std::string>& names,
                        const std::string& what);

template <class T>
std::vector<std::string> names_of(const Network<T>& network, const std::vector<NodeId>& nodes) {
  std::vector<std::string> names;
  names.reserve(nodes.size());
  for (const NodeId id : nodes) names.push_back(network.graph().node(id).name);
  return names;
}

/// Those of a network's inputs or outputs.
template <class T>
std::vector<Part> parts(py::handle object, const Network<T>& network,
                        const std::vector<NodeId>& nodes, const std::string& what) {
  if (nodes.size() == 1 && !py::isinstance<py::dict>(object)) {  // the usual case, without names
    return {{py::reinterpret_borrow<py::object>(object), what}};
  }
  return parts(object, names_of(network, nodes), what);
}

}  // namespace nnbind::bindings
