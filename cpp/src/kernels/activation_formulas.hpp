// g and g' of each elementwise activation, on vector registers. A formula with `from_output`
// computes the slope from y = g(t), the others from t.
#pragma once

#include "kernels/math.hpp"

namespace nnbind::kernels {

template <class P>
EIGEN_STRONG_INLINE P one_where(const P& condition) {
  return simd::pand(condition, constant<P>(1));
}

struct Binary {
  static constexpr bool from_output = true;
  template <class P>
  P value(const P& t) const {
    return choose(simd::pcmp_eq(t, t), one_where(P(simd::pcmp_le(constant<P>(0), t))), t);
  }
  template <class P>
  P slope(const P& /*y*/) const {
    return constant<P>(0);
  }
};

struct Sigmoid {
  static constexpr bool from_output = true;
  template <class P>
  P value(const P& t) const {
    return sigmoid(t);
  }
  template <class P>
  P slope(const P& y) const {
    return simd::pmul(y, P(simd::psub(constant<P>(1), y)));
  }
};

struct Tanh {
  static constexpr bool from_output = true;
  template <class P>
  P value(const P& t) const {
    return tanh(t);
  }
  template <class P>
  P slope(const P& y) const {  // (1 - y)(1 + y) keeps more digits than 1 - y²
    const P one = constant<P>(1);
    return simd::pmul(P(simd::psub(one, y)), P(simd::padd(one, y)));
  }
};

struct Relu {
  static constexpr bool from_output = true;
  template <class P>
  P value(const P& t) const {  // a NaN is not less than 0, and stays
    return if_less(t, constant<P>(0), constant<P>(0), t);
  }
  template <class P>
  P slope(const P& y) const {
    return one_where(less(constant<P>(0), y));
  }
};

struct LeakyRelu {
  static constexpr bool from_output = true;
  double alpha;
  template <class P>
  P value(const P& t) const {
    return if_less(t, constant<P>(0), P(simd::pmul(constant<P>(alpha), t)), t);
  }
  template <class P>
  P slope(const P& y) const {
    return if_less(constant<P>(0), y, constant<P>(1), constant<P>(alpha));
  }
};

/// λ t above 0, λ α (eᵗ - 1) below: elu with λ = 1, selu with its own two numbers.
struct ScaledElu {
  static constexpr bool from_output = true;
  double alpha;
  double lambda;
  template <class P>
  P value(const P& t) const {
    const P zero = constant<P>(0);
    const P below = simd::pmul(constant<P>(lambda * alpha), expm1(P(simd::pmin(t, zero))));
    return if_less(t, zero, below, P(simd::pmul(constant<P>(lambda), t)));
  }
  template <class P>
  P slope(const P& y) const {
    return if_less(constant<P>(0), y, constant<P>(lambda),
                   P(simd::padd(y, constant<P>(lambda * alpha))));
  }
};

struct Softplus {  // max(t, 0) + log(1 + e^-|t|)
  static constexpr bool from_output = true;
  template <class P>
  P value(const P& t) const {
    const P above = Relu{}.value(t);
    return simd::padd(above, log1p(exp(P(simd::pnegate(P(simd::pabs(t)))))));
  }
  template <class P>
  P slope(const P& y) const {
    return simd::pnegate(expm1(P(simd::pnegate(y))));
  }
};

struct Softsign {
  static constexpr bool from_output = false;
  template <class P>
  P value(const P& t) const {
    const P one = constant<P>(1);
    const P magnitude = simd::pabs(t);
    const P infinite = simd::pcmp_eq(magnitude, constant<P>(HUGE_VAL));  // ∞ / ∞ would be NaN
    return choose(infinite, copy_sign(one, t), P(simd::pdiv(t, P(simd::padd(one, magnitude)))));
  }
  template <class P>
  P slope(const P& t) const {
    const P s = simd::pdiv(constant<P>(1), P(simd::padd(constant<P>(1), P(simd::pabs(t)))));
    return simd::pmul(s, s);
  }
};

struct Silu {
  static constexpr bool from_output = false;
  template <class P>
  P value(const P& t) const {
    const P s = sigmoid(t);  // -inf · 0 would be NaN where the limit is 0
    return choose(simd::pcmp_eq(s, constant<P>(0)), constant<P>(0), P(simd::pmul(t, s)));
  }
  template <class P>
  P slope(const P& t) const {
    const P s = sigmoid(t);
    const P rise = simd::pmul(s, P(simd::psub(constant<P>(1), s)));  // ±∞ · 0 would be NaN
    return choose(simd::pcmp_eq(rise, constant<P>(0)), s, P(simd::pmadd(t, rise, s)));
  }
};

struct HardSigmoid {
  static constexpr bool from_output = true;
  template <class P>
  P value(const P& t) const {
    const P zero = constant<P>(0);
    const P one = constant<P>(1);
    const P line = simd::pmul(P(simd::padd(t, constant<P>(3))), constant<P>(1.0 / 6));
    return if_less(line, zero, zero, if_less(one, line, one, line));
  }
  template <class P>
  P slope(const P& y) const {
    const P inside = simd::pand(less(constant<P>(0), y), less(y, constant<P>(1)));
    return simd::pand(inside, constant<P>(1.0 / 6));
  }
};

struct Gelu {  // t Φ(t)
  static constexpr bool from_output = false;
  template <class P>
  P value(const P& t) const {
    const P bounded = simd::pmax(t, constant<P>(-40));  // -∞ · 0 would be NaN
    return simd::pmul(bounded, Normal<P>(t).cdf);
  }
  template <class P>
  P slope(const P& t) const {  // Φ(t) + t φ(t)
    const Normal<P> normal(t);
    const P density =
        simd::pmul(normal.e, constant<P>(std::numbers::inv_sqrtpi / std::numbers::sqrt2));
    return simd::pmadd(normal.t, density, normal.cdf);
  }
};

}  // namespace nnbind::kernels
