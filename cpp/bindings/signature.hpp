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
/// An array of any dtype.
using AnyArray = Named<"numpy.typing.NDArray[typing.Any]">;
/// An array of float32 or float64.
using FloatArray = Named<"numpy.typing.NDArray[numpy.floating[typing.Any]]">;
using OptionalFloatArray = Named<"numpy.typing.NDArray[numpy.floating[typing.Any]] | None">;
using FloatDtype = Named<"numpy.dtype[numpy.floating[typing.Any]]">;
/// An X or a y: an array, or for several inputs or outputs a list of arrays or a dict by name.
using Parts =
    Named<"numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike]">;
using OptionalParts = Named<
    "numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike] | "
    "None">;
/// An array, or a dict of arrays by name: a type checker, which cannot know, takes both.
using Predictions = Named<"numpy.typing.NDArray[typing.Any] | typing.Any">;
/// (X, y) or (X, y, sample_weight).
using OptionalBatch = Named<"tuple[typing.Any, ...] | None">;
/// X, or batches if y is None.
using Samples = Named<
    "numpy.typing.ArrayLike | collections.abc.Mapping[builtins.str, numpy.typing.ArrayLike] | "
    "collections.abc.Iterable[tuple[typing.Any, ...]]">;
/// bool(end_epoch()), after an epoch.
using EndEpoch = Named<"collections.abc.Callable[[], bool] | None">;
/// What stands for an object in a pickle.
using State = Named<"tuple[typing.Any, ...]">;
using FilePath = Named<"os.PathLike[builtins.str]">;
using Integer = Named<"typing.SupportsIndex">;
using Anything = Named<"builtins.object">;

}  // namespace nnbind::bindings

namespace pybind11::detail {

template <nnbind::bindings::TypeName Name>
struct handle_type_name<nnbind::bindings::Named<Name>> {
  static constexpr auto name = const_name(Name.text);
};

}  // namespace pybind11::detail
