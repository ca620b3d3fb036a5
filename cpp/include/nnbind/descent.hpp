// Gradient descent by a block of θ's gradient, as that is computed.
#pragma once

#include <array>
#include <cstddef>

#include "nnbind/matrix.hpp"
#include "nnbind/regularizer.hpp"

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

/// Vectors of θ's size that an optimizer may keep.
inline constexpr std::size_t most_state_vectors = 2;

/// A block of θ that is to take such a step; none where its data is null. Without a rule its
/// gradient is stored, for a step of another kind that follows: what that will change is fetched
/// meanwhile. Of what is penalized the gradient, to step by or to be stored, is that of L + R.
template <class T>
struct Descent {
  Panels<T> theta;
  std::array<T*, most_state_vectors> state = {};  ///< the optimizer's, which lie as θ does: v first
  const DescentRule<T>* rule = nullptr;           ///< of the step by which it is taken
  const BlockPenalty<T>* penalty = nullptr;       ///< on it; null: none

  /// State k of an element of θ and those behind it; null where there is none.
  [[nodiscard]] T* state_of(const T* element, std::size_t k = 0) const {
    return state[k] == nullptr ? nullptr : state[k] + (element - theta.data);
  }
  [[nodiscard]] Descent middle_rows(Index first, Index count) const {
    const T* const row = theta.data + first * theta.stride;
    return {theta.middle_rows(first, count), {state_of(row), state_of(row, 1)}, rule, penalty};
  }
};

}  // namespace nnbind
