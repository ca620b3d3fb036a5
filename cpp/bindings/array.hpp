// The NumPy boundary: arrays in, arrays out.
//
// A 2-D array of the network's dtype whose rows are contiguous, wherever each of them lies, is
// borrowed. Everything else that holds real numbers (another layout or byte order, integers,
// booleans, other float widths, nested lists) is converted once into a new array. The rest is
// refused.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>

#include "nnbind/error.hpp"
#include "nnbind/matrix.hpp"
#include "signature.hpp"

namespace nnbind::bindings {

namespace py = pybind11;

/// Values and the Python object that owns them.
template <class T>
struct Borrowed {
  py::array owner;
  MatrixView<const T> view;
};

/// The memory of a plain matrix, or nothing: an array of NumPy's own class, of 2 dimensions,
/// C-contiguous and of T in this machine's byte order. It is what most callers have, so it is
/// recognized in a few nanoseconds, without a Python object or an exception being made.
template <class T>
std::optional<MatrixView<T>> plain_matrix(py::handle object);

/// A new (rows × cols) array, not filled.
template <class T>
py::array new_matrix(Index rows, Index cols);

/// Whether it can be written to; of an array.
bool is_writeable(py::handle array);

/// Whether the dtype is that of T. Unpickled dtypes are equal to NumPy's own, but not identical.
template <class T>
bool is_dtype(const py::dtype& dtype) {
  return dtype.is(py::dtype::of<T>()) || dtype.equal(py::dtype::of<T>());
}

/// "(3,)" or "(100, 7)".
std::string shape_text(const py::array& array);

/// "float32" or "complex128".
std::string dtype_text(const py::array& array);

/// Raises TypeError if it is a masked array, whose mask would be ignored.
void refuse_mask(py::handle object, const std::string& what);

/// An array of real numbers out of any object. `what` is "[Network.fit] X".
/// Raises TypeError if there are none in it, or masks; and what the object's own conversion raises.
py::array numbers(py::handle object, const std::string& what);

/// An (n × cols) array of T. Raises ShapeError if it has another shape.
template <class T>
Borrowed<T> matrix(py::handle object, const std::string& what, Index cols);
/// A 2-D array of T. Raises ShapeError, with the `expected` shape in words, if it is none.
template <class T>
Borrowed<T> matrix(py::handle object, const std::string& what, const std::string& expected);

/// Whether the matrix and the other memory may have elements in common.
template <class T>
bool overlap(MatrixView<const T> matrix, std::span<const T> memory);

/// A copy of the matrix.
template <class T>
Borrowed<T> copy_of(const Borrowed<T>& matrix);

/// A 1-D contiguous array of T, `size` long. Raises ShapeError if it is not; of integers also
/// TypeError for other numbers, and OptionError for one that is none of T's.
template <class T>
py::array_t<T> vector(py::handle object, const std::string& what, py::ssize_t size);

template <class T>
bool all_finite(std::span<const T> values) {
  return std::ranges::all_of(values, [](T value) { return std::isfinite(value); });
}

/// Whether the object is an array or a list of integers.
bool is_integer(const py::array& array);

/// A view of memory that keeps `owner` alive.
template <class T>
FloatArray view_of(T* data, std::vector<py::ssize_t> shape, py::handle owner) {
  return py::array_t<T>(std::move(shape), data, owner);
}

}  // namespace nnbind::bindings
