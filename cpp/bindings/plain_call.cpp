// `predict` as the interpreter calls it. pybind11 takes 150 to 250 ns to hand over the arguments,
// about as long as the smallest networks take to predict; a method of CPython's own kind, a tenth.
#include "plain_call.hpp"

#include <optional>
#include <vector>

namespace nnbind::bindings {

namespace {

// Of this module, as long as the process lives.
PyObject* registered = nullptr;  // the method that pybind11 knows
PyObject* name_of_out = nullptr;

/// The arguments of predict(X, out=None); X is nullptr if they are others.
struct Arguments {
  PyObject* x = nullptr;
  PyObject* out = Py_None;

  Arguments(PyObject* const* values, Py_ssize_t positional, PyObject* names) {
    const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    if (positional < 1 || positional + named > 2) return;
    if (named == 1 && PyTuple_GET_ITEM(names, 0) != name_of_out) return;
    x = values[0];
    if (positional + named == 2) out = values[1];
  }
};

/// The network of an object of that class, or of a Python class derived from it and no other.
PyNetwork* network_of(PyObject* self) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(self);
  return instance->simple_layout ? static_cast<PyNetwork*>(instance->simple_value_holder[0])
                                 : nullptr;
}

template <class T>
struct PlainCall {
  MatrixView<const T> x;
  std::optional<MatrixView<T>> out;  ///< or a new array
};

/// The call, if X, and `out` where it is not None, are plain arrays of the right shapes that have
/// no memory in common: nothing is to be converted, and nothing to be refused.
template <class T>
std::optional<PlainCall<T>> plain_call(const Network<T>& network, const Arguments& arguments) {
  if (network.input_ids().size() != 1 || network.output_ids().size() != 1) return std::nullopt;
  const auto x = plain_matrix<T>(arguments.x);
  if (!x || x->cols != network.inputs()) return std::nullopt;
  if (arguments.out == Py_None) return PlainCall<T>{*x, std::nullopt};
  const auto out = plain_matrix<T>(arguments.out);
  if (!out || !is_writeable(arguments.out) || out->rows != x->rows ||
      out->cols != network.outputs() || reads<T>(network, *x, memory(*out))) {
    return std::nullopt;
  }
  return PlainCall<T>{*x, out};
}

/// The prediction if the call is plain; else an empty object, and nothing has happened.
template <class T>
py::object plain_prediction(const Network<T>& network, const Arguments& arguments) {
  const auto call = plain_call(network, arguments);
  if (!call) return {};
  if (call->out) {
    predict_into(network, call->x, *call->out);
    return py::reinterpret_borrow<py::object>(arguments.out);
  }
  py::array result = new_output(network, call->x.rows);
  predict_into(network, call->x, view<T>(result));
  return result;
}

PyObject* hand_on(PyObject* self, PyObject* const* values, Py_ssize_t positional, PyObject* names) {
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  std::vector<PyObject*> all{self};
  all.insert(all.end(), values, values + positional + named);
  return PyObject_Vectorcall(registered, all.data(), static_cast<std::size_t>(positional + 1),
                             names);
}

PyObject* predict_call(PyObject* self, PyObject* const* values, Py_ssize_t positional,
                       PyObject* names) noexcept {
  try {
    const Arguments arguments(values, positional, names);
    PyNetwork* const network = network_of(self);
    if (arguments.x != nullptr && network != nullptr) {
      py::object result =
          network->visit([&](const auto& net) { return plain_prediction(net, arguments); });
      if (result) return result.release().ptr();
    }
    return hand_on(self, values, positional, names);
  } catch (...) {
    py::detail::try_translate_exceptions();
    return nullptr;
  }
}

}  // namespace

void answer_plain_calls_directly(py::class_<PyNetwork>& network) {
  const py::object method = network.attr("predict");
  static const std::string doc = py::cast<std::string>(method.attr("__doc__"));
  registered = method.inc_ref().ptr();
  name_of_out = PyUnicode_InternFromString("out");
  static PyMethodDef definition{
      "predict", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&predict_call)),
      METH_FASTCALL | METH_KEYWORDS, doc.c_str()};
  auto* const type = reinterpret_cast<PyTypeObject*>(network.ptr());
  auto direct = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &definition));
  if (!direct) throw py::error_already_set();
  network.attr("predict") = direct;
}

}  // namespace nnbind::bindings
