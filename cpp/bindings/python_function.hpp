// Python functions of arrays, called from the core.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cfenv>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "array.hpp"
#include "gil.hpp"
#include "nnbind/matrix.hpp"

namespace nnbind::bindings {

/// What Python code needs on a thread of the core: the GIL, and floats as it knows them, since the
/// core's threads take denormal numbers for zero.
class Interlude {
 public:
  Interlude() {
    std::fegetenv(&floats_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~Interlude() { std::fesetenv(&floats_); }
  Interlude(const Interlude&) = delete;
  Interlude& operator=(const Interlude&) = delete;

 private:
  Gil gil_;
  std::fenv_t floats_{};
};

/// A function of the caller's, from arrays of T to one array of T: an attribute of a Python object,
/// which it does not keep alive, so that Python's garbage collector sees all who do. It may be
/// copied and destroyed on any thread, and called during an Interlude.
template <class T>
class PythonFunction {
 public:
  /// Messages begin with `where`: "[swish] the result of derivative".
  PythonFunction(const py::object& owner, std::string attribute, const std::string& where);

  /// The result, of this shape and contiguous, for arguments (rows × cols), of which the function
  /// gets copies: it may work in them. Raises TypeError or ShapeError if it is anything else,
  /// ValueError if it has a NaN in a row where the arguments have finite numbers alone,
  /// RuntimeError if the owner is gone, and what the function raises.
  [[nodiscard]] py::array_t<T> operator()(std::vector<py::ssize_t> shape,
                                          const std::vector<std::span<const T* const>>& arguments,
                                          Index cols) const;

 private:
  std::shared_ptr<py::weakref> owner_;
  std::string attribute_;
  std::string what_;
};

}  // namespace nnbind::bindings
