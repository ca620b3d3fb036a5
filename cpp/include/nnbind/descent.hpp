// Gradient descent by a block of θ's gradient, as that is computed.
#pragma once

#include "nnbind/matrix.hpp"

namespace nnbind {

/// With γ the rate, μ the momentum and g the gradient:
///
///     μ = 0:     θ ← θ - γ g
///     else:      v ← μ v - γ g;  θ ← θ + v
///     nesterov:  v ← μ v - γ g;  θ ← θ + μ v - γ g
template <class T>
struct DescentRule {
  T rate = 0;
  T momentum = 0;
  bool nesterov = false;

  template <class U>
  [[nodiscard]] DescentRule<U> as() const {
    return {static_cast<U>(rate), static_cast<U>(momentum), nesterov};
  }
};

/// A block of θ that is to take such a step; none where its data is null.
template <class T>
struct Descent {
  Panels<T> theta;
  T* velocity = nullptr;                 ///< v, which lies as θ does; nullptr where μ = 0
  const DescentRule<T>* rule = nullptr;  ///< of the step by which it is taken

  /// The velocity of an element of θ and those behind it; nullptr if there is none.
  [[nodiscard]] T* velocity_of(const T* element) const {
    return velocity == nullptr ? nullptr : velocity + (element - theta.data);
  }
  [[nodiscard]] Descent middle_rows(Index first, Index count) const {
    return {theta.middle_rows(first, count), velocity_of(theta.data + first * theta.stride), rule};
  }
};

}  // namespace nnbind
