// Gradient descent on whole vectors.
#pragma once

#include "kernels/math.hpp"
#include "nnbind/descent.hpp"

namespace nnbind::kernels {

/// A DescentRule's step for vectors of type P. All of it is one form,
///
///     v ← μ v - γ g;  θ ← θ + a v - b γ g,
///
/// with a = 1, b = 0 for plain momentum and a = μ, b = 1 for Nesterov's.
template <class P>
class DescentStep {
 public:
  template <class T>
  EIGEN_ALWAYS_INLINE explicit DescentStep(const DescentRule<T>& rule)
      : minus_rate_(constant<P>(-rule.rate)),
        momentum_(constant<P>(rule.momentum)),
        a_(constant<P>(rule.nesterov ? rule.momentum : 1)),
        b_(constant<P>(rule.nesterov ? 1 : 0)) {}

  /// θ after the step: without a velocity, or with one, which changes.
  EIGEN_ALWAYS_INLINE P operator()(const P& theta, const P& gradient) const {
    return simd::pmadd(minus_rate_, gradient, theta);
  }
  EIGEN_ALWAYS_INLINE P operator()(const P& theta, const P& gradient, P& velocity) const {
    const P pull = simd::pmul(minus_rate_, gradient);
    velocity = simd::pmadd(momentum_, velocity, pull);
    return simd::pmadd(a_, velocity, P(simd::pmadd(b_, pull, theta)));
  }

 private:
  P minus_rate_;
  P momentum_;
  P a_;
  P b_;
};

/// The same for the first `count` elements of a vector in memory, by `gradient`; the velocity may
/// be nullptr.
template <class T>
EIGEN_ALWAYS_INLINE void descend(const DescentStep<Packet<T>>& step, const Packet<T>& gradient,
                                 T* theta, T* velocity, Index count) {
  const Packet<T> w = load_first(theta, count);
  if (velocity == nullptr) {
    store_first(theta, step(w, gradient), count);
  } else {
    Packet<T> v = load_first(velocity, count);
    store_first(theta, step(w, gradient, v), count);
    store_first(velocity, v, count);
  }
}

}  // namespace nnbind::kernels
