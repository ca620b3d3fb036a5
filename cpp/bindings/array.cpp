#include "array.hpp"

#include <limits>

namespace nnbind::bindings {

std::string shape_text(const py::array& array) { return py::str(py::tuple(array.attr("shape"))); }

std::string dtype_text(const py::array& array) {
  return array.dtype().attr("name").cast<std::string>();
}

py::array numbers(py::handle object, const std::string& what) {
  if (py::isinstance(object, py::module_::import("numpy.ma").attr("MaskedArray"))) {
    throw py::type_error(what + " is a masked array; fill it first");
  }
  py::array array;
  try {
    array = py::module_::import("numpy").attr("asarray")(object);
  } catch (const py::error_already_set&) {
    throw py::type_error(what + " is no array; expected one of real numbers");
  }
  constexpr std::string_view real = "fiub";
  if (real.find(array.dtype().kind()) == std::string_view::npos) {
    throw py::type_error(what + " has dtype " + dtype_text(array) + "; expected real numbers");
  }
  return array;
}

bool is_integer(const py::array& array) {
  return array.dtype().kind() == 'i' || array.dtype().kind() == 'u';
}

namespace {

template <class T>
bool is_borrowable(const py::array& array) {
  constexpr auto item = static_cast<py::ssize_t>(sizeof(T));
  return array.dtype().is(py::dtype::of<T>()) && array.strides(1) == item &&
         array.strides(0) >= item * array.shape(1) && array.strides(0) % item == 0 &&
         reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0;
}

template <class T>
py::array converted(const py::array& array) {
  // A value too large for T becomes an infinity, which is refused by name and row where it
  // matters: so NumPy's own warning is not wanted.
  const auto quiet = py::module_::import("numpy").attr("errstate")(py::arg("over") = "ignore");
  quiet.attr("__enter__")();
  py::array result =
      array.attr("astype")(py::dtype::of<T>(), py::arg("order") = "C", py::arg("copy") = true);
  quiet.attr("__exit__")(py::none(), py::none(), py::none());
  return result;
}

}  // namespace

template <class T>
Borrowed<T> matrix(py::handle object, const std::string& what, const std::string& expected) {
  py::array array = numbers(object, what);
  if (array.ndim() != 2) {
    throw ShapeError(what + " has shape " + shape_text(array) + "; expected " + expected);
  }
  if (!is_borrowable<T>(array)) array = converted<T>(array);
  const auto* data = static_cast<const T*>(array.data());
  const auto stride = static_cast<Index>(array.strides(0) / static_cast<py::ssize_t>(sizeof(T)));
  return {array, {data, array.shape(0), array.shape(1), stride}};
}

template <class T>
py::array_t<T> vector(py::handle object, const std::string& what, py::ssize_t size) {
  const py::array array = numbers(object, what);
  if (array.ndim() != 1 || array.shape(0) != size) {
    throw ShapeError(what + " has shape " + shape_text(array) + "; expected (" +
                     std::to_string(size) + ",)");
  }
  if (std::numeric_limits<T>::is_integer && !is_integer(array)) {
    throw py::type_error(what + " has dtype " + dtype_text(array) + "; expected integers");
  }
  return py::array_t<T>(converted<T>(array));
}

template Borrowed<float> matrix<float>(py::handle, const std::string&, const std::string&);
template Borrowed<double> matrix<double>(py::handle, const std::string&, const std::string&);
template py::array_t<float> vector<float>(py::handle, const std::string&, py::ssize_t);
template py::array_t<double> vector<double>(py::handle, const std::string&, py::ssize_t);
template py::array_t<std::int64_t> vector<std::int64_t>(py::handle, const std::string&,
                                                        py::ssize_t);

}  // namespace nnbind::bindings
