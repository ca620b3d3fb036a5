// Derivatives beside the gradient: by the inputs, of each sample, Jacobians, and along a direction.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "dataset_arrays.hpp"
#include "gil.hpp"

namespace nnbind::bindings {

namespace {

/// An array and, for the core, the matrix whose rows are its last dimension.
template <class T>
struct NewArray {
  explicit NewArray(std::vector<py::ssize_t> shape) : array(shape) {
    const Index cols = shape.back();
    Index rows = 1;
    for (std::size_t k = 0; k + 1 < shape.size(); ++k) rows *= shape[k];
    view = {array.mutable_data(), rows, cols, cols};
  }
  py::array_t<T> array;
  MatrixView<T> view;
};

/// The X of a caller alone.
template <class T>
Arrays<T> inputs_of(const py::object& x, Network<T>& network, const std::string& where) {
  Arrays<T> result;
  const std::vector<NodeId>& inputs = network.input_ids();
  const std::vector<Part> xs = parts(x, names_of(network, inputs), "[" + where + "] X");
  for (std::size_t k = 0; k < xs.size(); ++k) {
    result.add_inputs(xs[k], network.graph().node(inputs[k]).shape.cols, network);
  }
  return result;
}

/// What `fill` writes for each input: an array, or a dict by name of several inputs. `shape` comes
/// before the input's columns.
template <class T, class Fill>
py::object by_input(const Network<T>& network, const std::vector<py::ssize_t>& shape, Fill fill) {
  std::vector<NewArray<T>> results;
  std::vector<MatrixView<T>> views;
  for (const NodeId id : network.input_ids()) {
    std::vector<py::ssize_t> whole = shape;
    whole.push_back(network.graph().node(id).shape.cols);
    results.emplace_back(whole);
    views.push_back(results.back().view);
  }
  {
    const WithoutGil released;
    fill(views);
  }
  if (results.size() == 1) return results[0].array;
  const std::vector<std::string> names = names_of(network, network.input_ids());
  py::dict by_name;
  for (std::size_t k = 0; k < names.size(); ++k) by_name[py::str(names[k])] = results[k].array;
  return by_name;
}

template <class T>
py::object input_gradient_of(Network<T>& network, const py::object& x, const py::object& y,
                             const Losses& losses, const py::object& sample_weight) {
  const auto data = arrays<T>(x, y, sample_weight, network, losses, "Network.input_gradient");
  return by_input(network, {data.dataset.size()}, [&](const std::vector<MatrixView<T>>& out) {
    input_gradient<T>(network, data.dataset, losses, out);
  });
}

template <class T>
FloatArray per_sample_gradients_of(Network<T>& network, const py::object& x, const py::object& y,
                                   const Losses& losses, const py::object& sample_weight) {
  const auto data = arrays<T>(x, y, sample_weight, network, losses, "Network.per_sample_gradients");
  NewArray<T> result({data.dataset.size(), network.parameter_count()});
  {
    const WithoutGil released;
    per_sample_gradients(network, data.dataset, losses, result.view);
  }
  return result.array;
}

template <class T>
py::object input_jacobian_of(Network<T>& network, const py::object& x) {
  const auto data = inputs_of(x, network, "Network.jacobian");
  return by_input(network, {data.dataset.size(), network.outputs()},
                  [&](const std::vector<MatrixView<T>>& out) {
                    input_jacobian<T>(network, data.dataset.inputs, out);
                  });
}

template <class T>
FloatArray parameter_jacobian_of(Network<T>& network, const py::object& x) {
  const auto data = inputs_of(x, network, "Network.jacobian");
  NewArray<T> result({data.dataset.size(), network.outputs(), network.parameter_count()});
  {
    const WithoutGil released;
    parameter_jacobian(network, data.dataset.inputs, result.view);
  }
  return result.array;
}

FloatArray hessian_vector_product_of(Network<double>& network, const py::object& x,
                                     const py::object& y, const Losses& losses, const py::object& v,
                                     const Regularizer& regularizer,
                                     const py::object& sample_weight, Differences differences) {
  const std::string where = "Network.hessian_vector_product";
  const auto data = arrays<double>(x, y, sample_weight, network, losses, where);
  const auto direction = vector<double>(v, "[" + where + "] v", network.parameter_count());
  const auto size = static_cast<std::size_t>(network.parameter_count());
  py::array_t<double> result(network.parameter_count());
  const std::span<double> out(result.mutable_data(), size);
  {
    const WithoutGil released;
    hessian_vector_product(network, data.dataset, losses, {direction.data(), size}, out,
                           regularizer, differences);
  }
  return result;
}

void register_of_loss(py::class_<PyNetwork>& network) {
  network
      .def(
          "_input_gradient",
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const OptionalArrayLike& sample_weight) -> Predictions {
            return self.visit([&](auto& net) {
              return input_gradient_of(net, x, y, losses_of(losses), sample_weight);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("sample_weight"),
          "The gradient behind nnbind.Network.input_gradient.")
      .def(
          "_per_sample_gradients",
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const OptionalArrayLike& sample_weight) {
            return self.visit([&](auto& net) {
              return per_sample_gradients_of(net, x, y, losses_of(losses), sample_weight);
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("sample_weight"),
          "The gradients behind nnbind.Network.per_sample_gradients.")
      .def(
          "_hessian_vector_product",
          [](PyNetwork& self, const Parts& x, const Parts& y, const LossTerms& losses,
             const ArrayLike& v, const Regularizer& regularizer,
             const OptionalArrayLike& sample_weight, bool four) {
            return self.visit([&](auto& net) -> FloatArray {
              using T = typename std::remove_reference_t<decltype(net.theta())>::value_type;
              if constexpr (std::is_same_v<T, double>) {
                return hessian_vector_product_of(net, x, y, losses_of(losses), v, regularizer,
                                                 sample_weight,
                                                 four ? Differences::four : Differences::two);
              } else {
                throw py::type_error("[Network.hessian_vector_product] expected a float64 network");
              }
            });
          },
          py::arg("X"), py::arg("y"), py::arg("losses"), py::arg("v"), py::arg("regularizer"),
          py::arg("sample_weight"), py::arg("four"),
          "The product behind nnbind.Network.hessian_vector_product, of a float64 network, from\n"
          "four gradients or two.");
}

void register_jacobians(py::class_<PyNetwork>& network) {
  network
      .def(
          "_input_jacobian",
          [](PyNetwork& self, const Parts& x) -> Predictions {
            return self.visit([&](auto& net) { return input_jacobian_of(net, x); });
          },
          py::arg("X"), "nnbind.Network.jacobian with respect to the inputs.")
      .def(
          "_parameter_jacobian",
          [](PyNetwork& self, const Parts& x) {
            return self.visit([&](auto& net) { return parameter_jacobian_of(net, x); });
          },
          py::arg("X"), "nnbind.Network.jacobian with respect to theta.");
}

}  // namespace

void register_derivatives(py::class_<PyNetwork>& network) {
  register_of_loss(network);
  register_jacobians(network);
}

}  // namespace nnbind::bindings
