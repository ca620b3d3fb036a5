// Networks in files and as bytes, and the nodes of those that come from there.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "bindings.hpp"
#include "gil.hpp"
#include "py_training.hpp"

namespace nnbind::bindings {

namespace {

std::unique_ptr<PyNetwork> from_bytes(const py::bytes& bytes) {
  const std::string_view text(bytes);
  const WithoutGil released;
  return std::make_unique<PyNetwork>(load_any_network(std::as_bytes(std::span(text))));
}

/// In the system's own bytes: a name need not be UTF-8.
std::string bytes_of(const FilePath& path) { return path.cast<std::filesystem::path>().string(); }

std::unique_ptr<PyNetwork> from_file(const FilePath& file) {
  const std::string path = bytes_of(file);
  const WithoutGil released;
  return std::make_unique<PyNetwork>(load_any_network(path));
}

/// Reads into a training of its own, which another thread cannot see before it is whole.
std::unique_ptr<PyNetwork> from_file_with_training(const FilePath& file, PyTraining& training) {
  const std::string path = bytes_of(file);
  AnyTraining read;
  auto network = [&] {
    const WithoutGil released;
    return std::make_unique<PyNetwork>(load_any_network(path, read, "resume"));
  }();
  training.any = std::move(read);
  return network;
}

/// Calls write(net, path) without the GIL.
template <class Write>
void write_to(PyNetwork& self, const FilePath& file, Write write) {
  const std::string path = bytes_of(file);
  self.visit([&](auto& net) {
    const auto lock = self.writing(net, "Network.save");
    const WithoutGil released;
    write(net, path);
  });
}

void save_to(PyNetwork& self, const FilePath& file) {
  write_to(self, file, [](auto& net, const std::string& path) { save(net, path); });
}

void save_with_training(PyNetwork& self, const FilePath& file, PyTraining& training) {
  write_to(self, file, [&]<class T>(Network<T>& net, const std::string& path) {
    const Training<T>& fit = training.of<T>();
    std::optional<TrainingLock> lock;  // a fit that waits for its callback holds the optimizer
    if (!self.in_callback && fit.optimizer != nullptr) lock = fit.optimizer->lock("Network.save");
    save(net, fit, path);
  });
}

py::bytes to_bytes(PyNetwork& self) {
  return self.visit([&](auto& net) -> py::bytes {
    const auto lock = self.writing(net, "Network");
    return save_bytes(net);
  });
}

/// The operator for networks of either dtype, made anew from its attributes.
template <class T>
PyOperatorPointer either(const Operator<T>& op) {
  const std::string kind(op.kind());
  const Attributes attributes = op.attributes().value_or(Attributes{});
  return std::make_shared<PyOperator>(
      PyOperator{make_operator<float>(kind, attributes), make_operator<double>(kind, attributes)});
}

/// The nodes from which such a network can be made: of a network that was loaded.
std::vector<PyNode> entries(PyNetwork& self) {
  return self.visit([](auto& net) {
    std::vector<PyNode> nodes;
    std::vector<PyOperatorPointer> operators;  // of each node; none for an input
    for (NodeId id = 0; id < net.graph().nodes().size(); ++id) {
      const auto& node = net.graph().node(id);
      if (net.graph().is_input(id)) {
        operators.emplace_back();
        nodes.emplace_back(node.name, node.shape.cols, node.inputs, std::nullopt);
        continue;
      }
      const bool owner = node.owner == id;
      operators.push_back(owner ? either(*node.op) : operators[node.owner]);
      nodes.emplace_back(node.name, operators.back(), node.inputs,
                         owner ? std::nullopt : std::optional(node.owner));
    }
    return nodes;
  });
}

}  // namespace

void register_model_file(py::class_<PyNetwork>& network) {
  network
      .def(py::init(&from_bytes), py::arg("contents"),
           "From what _to_bytes made. Raises FileError if it is anything else.")
      .def(py::init(&from_file), py::arg("path"),
           "From a file. Raises FileError if it is damaged, OSError if it cannot be read.")
      .def(py::init(&from_file_with_training), py::arg("path"), py::arg("training"),
           "From a file, with the fit that is in it.")
      .def("_save", &save_to, py::arg("path"), "Write a file.")
      .def("_save_with_training", &save_with_training, py::arg("path"), py::arg("training"),
           "Write a file that has a fit of the network, too.")
      .def("_to_bytes", &to_bytes, "The contents of a file.")
      .def("_entries", &entries,
           "The nodes of a network that was loaded, as the constructor takes them.")
      .def(
          "_output_places",
          [](PyNetwork& self) { return self.visit([](auto& net) { return net.output_ids(); }); },
          "The numbers of the outputs among the nodes.");
}

}  // namespace nnbind::bindings
