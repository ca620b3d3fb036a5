// What signatures, and so the stub, call the types that pybind11 knows as `object`.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <cstddef>

namespace nnbind::bindings {

namespace py = pybind11;

/// A string as a template argument. pybind11's own is not there for Clang.
template <std::size_t Size>
struct TypeName {
  // NOLINTNEXTLINE(google-explicit-constructor): so that a literal can stand in its place.
  constexpr TypeName(const char (&literal)[Size]) { std::copy_n(literal, Size, text); }
  char text[Size] = {};
};

/// A Python object under the name of its type. Nothing is enforced at run time.
template <TypeName Name>
class Named : public py::object {
 public:
  Named() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): it is that object, under a name.
  Named(py::object value) : py::object(std::move(value)) {}
  Named(py::handle value, borrowed_t tag) : py::object(value, tag) {}
  Named(py::handle value, stolen_t tag) : py::object(value, tag) {}
  /// Every object passes.
  static bool check_(py::handle value) { return value.ptr() != nullptr; }
};

/// What NumPy makes an array of.
using ArrayLike = Named<"numpy.typing.ArrayLike">;
using OptionalArrayLike = Named<"numpy.typing.ArrayLike | None">;
/// An array of float32 or float64.
using FloatArray = Named<"numpy.typing.NDArray[numpy.floating[typing.Any]]">;
using OptionalFloatArray = Named<"numpy.typing.NDArray[numpy.floating[typing.Any]] | None">;
using FloatDtype = Named<"numpy.dtype[numpy.floating[typing.Any]]">;
/// (X, y) or (X, y, sample_weight).
using Batch = Named<"tuple[numpy.typing.ArrayLike, ...]">;
using OptionalBatch = Named<"tuple[numpy.typing.ArrayLike, ...] | None">;
/// X, or batches if y is None.
using Samples =
    Named<"numpy.typing.ArrayLike | collections.abc.Iterable[tuple[numpy.typing.ArrayLike, ...]]">;
/// bool(end_epoch()), after an epoch.
using EndEpoch = Named<"collections.abc.Callable[[], bool] | None">;
using Anything = Named<"builtins.object">;

}  // namespace nnbind::bindings

namespace pybind11::detail {

template <nnbind::bindings::TypeName Name>
struct handle_type_name<nnbind::bindings::Named<Name>> {
  static constexpr auto name = const_name(Name.text);
};

}  // namespace pybind11::detail
