// Network.predict.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "array.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "parts.hpp"
#include "plain_call.hpp"

namespace nnbind::bindings {

namespace {

template <class T>
void check_out(const py::object& out, const std::string& what, Index rows, Index cols) {
  if (!py::isinstance<py::array>(out)) throw py::type_error(what + " is no array");
  refuse_mask(out, what);
  const py::array array = out;
  if (!is_dtype<T>(array.dtype())) {
    throw py::type_error(what + " has dtype " + std::string(py::str(array.dtype())) +
                         "; expected " + std::string(py::str(py::dtype::of<T>())));
  }
  if (array.ndim() != 2 || array.shape(0) != rows || array.shape(1) != cols) {
    throw ShapeError(what + " has shape " + shape_text(array) + "; expected " +
                     nnbind::shape_text(rows, cols));
  }
  const auto refuse_if = [&](bool bad, const char* why) {
    if (bad) throw OptionError(what + why);
  };
  refuse_if((array.flags() & py::array::c_style) == 0, " is not C-contiguous");
  refuse_if(!array.writeable(), " is read-only");
}

template <class T>
py::object predict_one(const Network<T>& network, const py::object& x, const py::object& out) {
  const auto samples = matrix<T>(x, "[Network.predict] X", network.inputs());
  const Index n = samples.view.rows;
  if (out.is_none()) {
    py::array result = new_output(network, n);
    predict_into(network, samples.view, view<T>(result));
    return result;
  }
  check_out<T>(out, "[Network.predict] out", n, network.outputs());
  auto array = py::reinterpret_borrow<py::array>(out);
  const MatrixView<T> to = view<T>(array);
  if (reads<T>(network, samples.view, memory(to))) {
    py::array apart = new_output(network, n);
    predict_into(network, samples.view, view<T>(apart));
    std::copy_n(view<T>(apart).data, apart.size(), to.data);
  } else {
    predict_into(network, samples.view, to);
  }
  return out;
}

template <class T>
std::vector<Borrowed<T>> samples_of(const Network<T>& network, const py::object& x) {
  const std::vector<NodeId>& inputs = network.input_ids();
  std::vector<Borrowed<T>> result;
  for (const Part& part : parts(x, network, inputs, "[Network.predict] X")) {
    const Index width = network.graph().node(inputs[result.size()]).shape.cols;
    result.push_back(matrix<T>(part.value, part.what, width));
    const auto& [array, rows] = result.back();
    if (rows.rows != result[0].view.rows || rows.cols != width) {
      throw ShapeError(part.what + " has shape " + shape_text(array) + "; expected " +
                       nnbind::shape_text(result[0].view.rows, width));
    }
  }
  return result;
}

/// The caller's arrays; where one lies over what is read, or over another one, a new array first.
template <class T>
struct Outs {
  Outs(const Network<T>& network, std::span<const Borrowed<T>> x, const py::object& out) {
    const Index n = x[0].view.rows;
    for (const Part& part : parts(out, network, network.output_ids(), "[Network.predict] out")) {
      const std::size_t k = given.size();
      const NodeId id = network.output_ids()[k];
      check_out<T>(part.value, part.what, n, network.graph().node(id).shape.cols);
      given.push_back(py::reinterpret_borrow<py::array>(part.value));
      const std::span<const T> place = memory(view<T>(given[k]));
      bool shared = std::ranges::any_of(
          x, [&](const auto& input) { return reads(network, input.view, place); });
      for (std::size_t j = 0; j < k; ++j) shared |= overlap<T>(view<T>(given[j]), place);
      written.push_back(shared ? new_output(network, n, k) : given[k]);
    }
  }

  void copy_back() {
    for (std::size_t k = 0; k < given.size(); ++k) {
      if (written[k].is(given[k])) continue;
      std::copy_n(static_cast<const T*>(written[k].data()), written[k].size(),
                  view<T>(given[k]).data);
    }
  }

  std::vector<py::array> given;
  std::vector<py::array> written;
};

template <class T>
void predict_all_into(const Network<T>& network, std::span<const Borrowed<T>> x,
                      std::vector<py::array>& arrays) {
  std::vector<MatrixView<const T>> from;
  std::vector<MatrixView<T>> to;
  from.reserve(x.size());
  to.reserve(arrays.size());
  for (const Borrowed<T>& input : x) from.push_back(input.view);
  for (py::array& array : arrays) to.push_back(view<T>(array));
  const WithoutGil released;
  network.predict(from, to);
}

template <class T>
py::object predict(const Network<T>& network, const py::object& x, const py::object& out) {
  const bool one_output = network.output_ids().size() == 1;
  if (network.input_ids().size() == 1 && one_output && !py::isinstance<py::dict>(x) &&
      !py::isinstance<py::dict>(out)) {
    return predict_one(network, x, out);
  }
  const std::vector<Borrowed<T>> samples = samples_of(network, x);
  if (!out.is_none()) {
    Outs<T> outs(network, samples, out);
    predict_all_into<T>(network, samples, outs.written);
    outs.copy_back();
    return out;
  }
  const std::vector<std::string> names = names_of(network, network.output_ids());
  std::vector<py::array> results;
  results.reserve(names.size());
  for (std::size_t k = 0; k < names.size(); ++k) {
    results.push_back(new_output(network, samples[0].view.rows, k));
  }
  predict_all_into<T>(network, samples, results);
  if (one_output) return results[0];
  py::dict by_name;
  for (std::size_t k = 0; k < names.size(); ++k) by_name[py::str(names[k])] = results[k];
  return by_name;
}

}  // namespace

void register_predict(py::class_<PyNetwork>& network) {
  network.def(
      "predict",
      [](PyNetwork& self, const Parts& x, const OptionalParts& out) -> Predictions {
        return self.visit([&](auto& net) { return predict(net, x, out); });
      },
      py::arg("X"), py::arg("out") = py::none(),
      "f(X; theta), (n, outputs), for X (n, inputs). Any number of threads may call it at once.\n\n"
      "With several inputs X is a list of arrays in their order, or a dict by name. With several\n"
      "outputs the result is a dict by name. It is of new arrays, or `out`: C-contiguous,\n"
      "writeable and of the network's dtype.\n"
      "Raises ShapeError, TypeError or ValueError if X or out does not fit.");
  answer_plain_calls_directly(network);
}

}  // namespace nnbind::bindings
