// The C++ side of a fit that a file may keep, which is of either dtype.
#pragma once

#include "nnbind/nnbind.hpp"

namespace nnbind::bindings {

/// A fit of a network: what it was given, and where it stands.
struct PyTraining {
  AnyTraining any;

  /// That of a network of this type. Throws std::bad_variant_access if it is another's.
  template <class T>
  [[nodiscard]] Training<T>& of() {
    return std::get<Training<T>>(any);
  }
  /// Calls f with the Training<float> or the Training<double>.
  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit(f, any);
  }
};

}  // namespace nnbind::bindings
