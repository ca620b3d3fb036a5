#include "array.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

namespace nnbind::bindings {

std::string shape_text(const py::array& array) { return py::str(py::tuple(array.attr("shape"))); }

std::string dtype_text(const py::array& array) {
  return array.dtype().attr("name").cast<std::string>();
}

void refuse_mask(py::handle object, const std::string& what) {
  if (py::isinstance(object, py::module_::import("numpy.ma").attr("MaskedArray"))) {
    throw py::type_error(what + " is a masked array; fill it first");
  }
}

namespace {

/// Whether it is an array and of no class derived from it: neither masked nor to be converted.
bool is_plain_array(py::handle object) {
  return Py_TYPE(object.ptr()) == py::detail::npy_api::get().PyArray_Type_;
}

/// NumPy makes an array of a list of masked arrays too, and ignores their masks.
void refuse_masks(py::handle object, const std::string& what) {
  refuse_mask(object, what);
  if (!py::isinstance<py::list>(object) && !py::isinstance<py::tuple>(object)) return;
  for (const py::handle item : object) {
    if (py::isinstance<py::array>(item) && !is_plain_array(item)) refuse_mask(item, what);
  }
}

py::array as_array(py::handle object, const std::string& what) {
  if (is_plain_array(object)) return py::reinterpret_borrow<py::array>(object);
  refuse_masks(object, what);
  try {
    return py::module_::import("numpy").attr("asarray")(object);
  } catch (py::error_already_set& error) {
    // What NumPy says of rows of different lengths; anything else is not about the shape.
    if (!error.matches(PyExc_ValueError)) throw;
    const std::string message = what + " is no array; expected one of real numbers";
    py::raise_from(error, PyExc_TypeError, message.c_str());
    throw py::error_already_set();
  }
}

}  // namespace

py::array numbers(py::handle object, const std::string& what) {
  py::array array = as_array(object, what);
  constexpr std::string_view real = "fiub";
  if (real.find(array.dtype().kind()) == std::string_view::npos) {
    throw py::type_error(what + " has dtype " + dtype_text(array) + "; expected real numbers");
  }
  return array;
}

bool is_integer(const py::array& array) {
  return array.dtype().kind() == 'i' || array.dtype().kind() == 'u';
}

template <class T>
std::optional<MatrixView<T>> plain_matrix(py::handle object) {
  if (!is_plain_array(object)) return std::nullopt;
  using Api = py::detail::npy_api;
  constexpr int good = Api::NPY_ARRAY_C_CONTIGUOUS_ | Api::NPY_ARRAY_ALIGNED_;
  constexpr int number = sizeof(T) == 4 ? Api::NPY_FLOAT_ : Api::NPY_DOUBLE_;
  const auto* const array = py::detail::array_proxy(object.ptr());
  const auto* const descr = py::detail::array_descriptor_proxy(array->descr);
  if (array->nd != 2 || (array->flags & good) != good || descr->type_num != number ||
      descr->byteorder != '=') {
    return std::nullopt;
  }
  const Index cols = array->dimensions[1];
  return MatrixView<T>{reinterpret_cast<T*>(array->data), array->dimensions[0], cols, cols};
}

bool is_writeable(py::handle array) {
  return py::detail::check_flags(array.ptr(), py::detail::npy_api::NPY_ARRAY_WRITEABLE_);
}

template <class T>
py::array new_matrix(Index rows, Index cols) {
  const auto& api = py::detail::npy_api::get();
  const std::array<Py_intptr_t, 2> shape{rows, cols};
  PyObject* const array =
      api.PyArray_NewFromDescr_(api.PyArray_Type_, py::dtype::of<T>().release().ptr(), 2,
                                shape.data(), nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(array);
}

namespace {

/// Rows may lie anywhere, one over the other or backwards: the core reads them one by one.
template <class T>
bool is_borrowable(const py::array& array) {
  constexpr auto item = static_cast<py::ssize_t>(sizeof(T));
  const bool contiguous_rows = array.shape(1) <= 1 || array.strides(1) == item;
  return contiguous_rows && is_dtype<T>(array.dtype()) && array.strides(0) % item == 0 &&
         reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0;
}

template <class T>
py::array converted(const py::array& array) {
  // A value too large for T becomes an infinity, which is refused by name and row where it
  // matters: so NumPy's own warning is not wanted.
  const auto quietly = py::module_::import("numpy").attr("errstate")(py::arg("over") = "ignore");
  const auto astype = quietly(array.attr("astype"));
  return astype(py::dtype::of<T>(), py::arg("order") = "C", py::arg("copy") = true);
}

template <class T>
Borrowed<T> borrowed(py::array array) {
  const auto* data = static_cast<const T*>(array.data());
  const auto stride = static_cast<Index>(array.strides(0) / static_cast<py::ssize_t>(sizeof(T)));
  const MatrixView<const T> view{data, array.shape(0), array.shape(1), stride};
  return {std::move(array), view};
}

}  // namespace

template <class T>
Borrowed<T> matrix(py::handle object, const std::string& what, Index cols) {
  py::array array = numbers(object, what);
  // Before it is converted: it may claim more than memory holds.
  if (array.ndim() != 2 || array.shape(1) != cols) {
    throw ShapeError(what + " has shape " + shape_text(array) + "; expected (n, " +
                     std::to_string(cols) + ")");
  }
  return borrowed<T>(is_borrowable<T>(array) ? std::move(array) : converted<T>(array));
}

template <class T>
Borrowed<T> matrix(py::handle object, const std::string& what, const std::string& expected) {
  const py::array array = numbers(object, what);
  if (array.ndim() != 2) {
    throw ShapeError(what + " has shape " + shape_text(array) + "; expected " + expected);
  }
  return matrix<T>(array, what, Index{array.shape(1)});
}

template <class T>
Borrowed<T> copy_of(const Borrowed<T>& matrix) {
  return borrowed<T>(converted<T>(matrix.owner));
}

template <class T>
bool overlap(MatrixView<const T> matrix, std::span<const T> memory) {
  if (matrix.rows == 0) return false;
  const auto [first, last] =
      std::minmax({matrix.row(0), matrix.row(matrix.rows - 1)}, std::less<>());
  return std::less<>()(first, memory.data() + memory.size()) &&
         std::less<>()(memory.data(), last + matrix.cols);
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
  if (std::numeric_limits<T>::is_integer && array.dtype().kind() == 'u') {
    const auto most = array.attr("max")(py::arg("initial") = 0).template cast<std::uint64_t>();
    if (most > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      throw OptionError(what + " has the entry " + std::to_string(most) +
                        "; expected less than 2^63");
    }
  }
  return py::array_t<T>(converted<T>(array));
}

#define NNBIND_INSTANTIATE(T)                                                         \
  template std::optional<MatrixView<T>> plain_matrix<T>(py::handle);                  \
  template py::array new_matrix<T>(Index, Index);                                     \
  template Borrowed<T> matrix<T>(py::handle, const std::string&, Index);              \
  template Borrowed<T> matrix<T>(py::handle, const std::string&, const std::string&); \
  template Borrowed<T> copy_of<T>(const Borrowed<T>&);                                \
  template bool overlap<T>(MatrixView<const T>, std::span<const T>);                  \
  template py::array_t<T> vector<T>(py::handle, const std::string&, py::ssize_t);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE
template py::array_t<std::int64_t> vector<std::int64_t>(py::handle, const std::string&,
                                                        py::ssize_t);

}  // namespace nnbind::bindings
