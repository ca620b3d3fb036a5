// Gradient descent, and the gradient of a penalty, on whole vectors.
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

/// PenaltySlopes for vectors of type P where l1 = 0: g + l2 w.
template <class P>
class SquarePenalty {
 public:
  template <class T>
  EIGEN_ALWAYS_INLINE explicit SquarePenalty(const PenaltySlopes<T>& slopes)
      : l2_(constant<P>(slopes.l2)) {}
  EIGEN_ALWAYS_INLINE P operator()(const P& gradient, const P& w) const {
    return simd::pmadd(l2_, w, gradient);
  }

 private:
  P l2_;
};

/// And for any l1: g + l2 w + l1 sign(w). In this order: else a compiler might fuse the addition
/// with a product that is the gradient, and only where it sees that.
template <class P>
class AnyPenalty {
 public:
  template <class T>
  EIGEN_ALWAYS_INLINE explicit AnyPenalty(const PenaltySlopes<T>& slopes)
      : l1_(constant<P>(slopes.l1)), l2_(constant<P>(slopes.l2)) {}
  EIGEN_ALWAYS_INLINE P operator()(const P& gradient, const P& w) const {
    const P signed_l1 = simd::por(l1_, P(simd::pand(w, constant<P>(-0.0))));
    const P slope = simd::pandnot(signed_l1, P(simd::pcmp_eq(w, constant<P>(0))));
    return simd::padd(P(simd::pmadd(l2_, w, gradient)), slope);
  }

 private:
  P l1_;
  P l2_;
};

/// Calls f with the one of the two that suffices; not at all where nothing is penalized.
template <class P, class T, class F>
EIGEN_ALWAYS_INLINE void with_penalty(const PenaltySlopes<T>& slopes, F&& f) {
  if (slopes.are_zero()) return;
  if (slopes.l1 == 0) {
    f(SquarePenalty<P>(slopes));
  } else {
    f(AnyPenalty<P>(slopes));
  }
}

/// A step for the first `count` elements of a vector in memory, by `gradient`; the velocity may
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

/// What becomes of the first `count` elements of a gradient that is complete: penalized by those
/// slopes, if there are any, it takes the step or is stored. theta() is where their θ lies.
template <class T, class F>
EIGEN_ALWAYS_INLINE void finish_gradient(const Descent<T>& descent,
                                         PenaltySlopes<T> BlockPenalty<T>::* slopes,
                                         Packet<T> gradient, T* to, F&& theta, Index count) {
  if (descent.penalty != nullptr) {
    with_penalty<Packet<T>>(descent.penalty->*slopes, [&](const auto& penalty) {
      gradient = penalty(gradient, load_first(theta(), count));
    });
  }
  if (descent.rule == nullptr) return store_first(to, gradient, count);
  T* const w = theta();
  descend(DescentStep<Packet<T>>(*descent.rule), gradient, w, descent.state_of(w), count);
}

}  // namespace nnbind::kernels
