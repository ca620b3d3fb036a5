// Vectors in the order of θ that come from outside.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "kernels/finite.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

/// Throws ShapeError, "[where] name ...", unless the vector has `size` entries, as θ.
template <class T>
void check_size(std::span<T> v, Index size, const std::string& where, const std::string& name) {
  if (std::ssize(v) == size) return;
  throw ShapeError("[" + where + "] " + name + " has " + std::to_string(v.size()) +
                   " entries; expected " + std::to_string(size) + ", as theta");
}

/// The same, and OptionError unless they are finite.
template <class T>
void check_vector(std::span<const T> v, Index size, const std::string& where,
                  const std::string& name) {
  check_size(v, size, where, name);
  if (kernels::all_finite<T>({v.data(), 1, size, size})) return;
  const auto bad = std::ranges::find_if(v, [](T x) { return !std::isfinite(x); });
  throw OptionError("[" + where + "] " + name + " has " +
                    (std::isnan(*bad) ? "a NaN" : "an infinity") + " at " +
                    std::to_string(bad - v.begin()));
}

}  // namespace nnbind
