// Elementary functions on vector registers, right over the whole range of the type.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/packet.hpp"

namespace nnbind::kernels {

template <class P>
using Scalar = typename simd::unpacket_traits<P>::type;

template <class P>
EIGEN_STRONG_INLINE P constant(double value) {
  return simd::pset1<P>(static_cast<Scalar<P>>(value));
}

/// `condition` (all bits of a lane set or clear) ? yes : no.
template <class P>
EIGEN_STRONG_INLINE P choose(const P& condition, const P& yes, const P& no) {
  return simd::pselect(condition, yes, no);
}

template <class P>
EIGEN_STRONG_INLINE P less(const P& a, const P& b) {
  return simd::pcmp_lt(a, b);
}

/// a < b ? yes : no. Eigen's comparisons make vectors of AVX-512's masks, and masks of those again.
template <class P>
EIGEN_STRONG_INLINE P if_less(const P& a, const P& b, const P& yes, const P& no) {
#if defined(EIGEN_VECTORIZE_AVX512)
  if constexpr (sizeof(Scalar<P>) == 4) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
  } else {
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_LT_OQ), no, yes);
  }
#else
  return choose(less(a, b), yes, no);
#endif
}

template <class P>
EIGEN_STRONG_INLINE P copy_sign(const P& magnitude, const P& sign) {
  const P sign_bit = constant<P>(-0.0);
  return simd::por(magnitude, simd::pand(sign, sign_bit));
}

/// √x, correctly rounded. Eigen's own is an approximation on x86, and NaN for infinity.
template <class P>
EIGEN_STRONG_INLINE P sqrt(const P& x) {
#if defined(EIGEN_VECTORIZE_AVX512)
  if constexpr (sizeof(Scalar<P>) == 4) return _mm512_sqrt_ps(x);
  if constexpr (sizeof(Scalar<P>) == 8) return _mm512_sqrt_pd(x);
#elif defined(EIGEN_VECTORIZE_AVX)
  if constexpr (sizeof(Scalar<P>) == 4) return _mm256_sqrt_ps(x);
  if constexpr (sizeof(Scalar<P>) == 8) return _mm256_sqrt_pd(x);
#elif defined(EIGEN_VECTORIZE_SSE)
  if constexpr (sizeof(Scalar<P>) == 4) return _mm_sqrt_ps(x);
  if constexpr (sizeof(Scalar<P>) == 8) return _mm_sqrt_pd(x);
#else
  return simd::psqrt(x);
#endif
}

/// √x for x >= 0 but infinity, to about a unit in the last place. A root of 16 floats would keep
/// the divider busy for as long as 20 other operations take.
template <class P>
EIGEN_STRONG_INLINE P root(const P& x) {
#if defined(EIGEN_VECTORIZE_AVX512)
  if constexpr (sizeof(Scalar<P>) == 4) {
    constexpr double smallest = std::numeric_limits<float>::min();
    const P inverse = _mm512_rsqrt14_ps(simd::pmax(x, constant<P>(smallest)));  // 14 bits of 1/√x
    const P near = simd::pmul(x, inverse);  // Newton's step makes it 28
    const P rest = _mm512_fnmadd_ps(near, near, x);
    return simd::pmadd(rest, P(simd::pmul(constant<P>(0.5), inverse)), near);
  }
#endif
  return sqrt(x);
}

/// 2ⁿ for a whole number n, -126 <= n <= 127, that has been added to 1.5 · 2²³: its bits end in n.
template <class P>
EIGEN_STRONG_INLINE P power_of_two(const P& shifted) {
  if constexpr (simd::unpacket_traits<P>::size == 1) {
    return std::ldexp(P{1}, static_cast<int>(shifted - P{0x1.8p23}));
  } else {
    using Integers = typename simd::unpacket_traits<P>::integer_packet;
    const auto bits = simd::plogical_shift_left<23>(simd::preinterpret<Integers>(shifted));
    return simd::preinterpret<P>(simd::padd(bits, simd::preinterpret<Integers>(constant<P>(1))));
  }
}

/// eˣ = scale · (1 + rest) in single precision, |x| <= 87: scale is 2ⁿ, and rest = eʳ - 1 with
/// r = x - n ln 2, |r| <= ln 2 / 2, keeps its digits near 0. Eigen's pexp is exact to a unit in the
/// last place for all x, and takes twice as long.
template <class P>
struct Exponential {
  P scale;
  P rest;

  EIGEN_STRONG_INLINE explicit Exponential(const P& x) {
    const P shift = constant<P>(0x1.8p23);
    const P shifted = simd::pmadd(x, constant<P>(std::numbers::log2e), shift);
    const P n = simd::psub(shifted, shift);
    P r = simd::pmadd(n, constant<P>(-0.693359375), x);  // ln 2 in two parts: n times the first is
    r = simd::pmadd(n, constant<P>(2.12194440054690583e-4), r);  // exact
    // rest = r + r² p(r), where p has the least largest error, 1.7e-8 of rest.
    P p = simd::pmadd(constant<P>(0.0013882521590670948), r, constant<P>(0.008366520665698929));
    p = simd::pmadd(p, r, constant<P>(0.04166719986082862));
    p = simd::pmadd(p, r, constant<P>(0.1666654362035131));
    p = simd::pmadd(p, r, constant<P>(0.499999981540355));
    rest = simd::pmadd(P(simd::pmul(r, r)), p, r);
    scale = power_of_two(shifted);
  }
  [[nodiscard]] EIGEN_STRONG_INLINE P value() const { return simd::pmadd(scale, rest, scale); }
  /// eˣ - 1, which keeps its digits near 0.
  [[nodiscard]] EIGEN_STRONG_INLINE P minus_one() const {
    return simd::pmadd(scale, rest, P(simd::psub(scale, constant<P>(1))));
  }
};

/// eˣ for x <= 0, which is all that is needed; 0 where it is no longer a normal number, and a NaN
/// stays one.
template <class P>
EIGEN_STRONG_INLINE P exp(const P& x) {
  if constexpr (sizeof(Scalar<P>) == 4) {
    return if_less(x, constant<P>(-87.33654), constant<P>(0), Exponential<P>(x).value());
  } else {  // Eigen's clamps its argument
    const P e = if_less(x, constant<P>(-708.3964185), constant<P>(0), P(simd::pexp(x)));
    return choose(simd::pcmp_eq(x, x), e, x);
  }
}

/// log(1 + x) for 0 <= x <= 1, accurate near 0. In single precision 2 artanh s with
/// s = x / (2 + x) <= 1/3, as a polynomial of s² with an error of 1.6e-8.
template <class P>
EIGEN_STRONG_INLINE P log1p(const P& x) {
  if constexpr (sizeof(Scalar<P>) == 4) {
    const P s = simd::pdiv(x, P(simd::padd(x, constant<P>(2))));
    const P z = simd::pmul(s, s);
    P p = simd::pmadd(constant<P>(0.13425749011418576), z, constant<P>(0.14118309902655241));
    p = simd::pmadd(p, z, constant<P>(0.20003780322455603));
    p = simd::pmadd(p, z, constant<P>(0.3333332016834962));
    const P twice = simd::padd(s, s);
    return simd::pmadd(twice, P(simd::pmul(z, p)), twice);
  } else {
    return simd::generic_plog1p(x);
  }
}

/// eˣ - 1 for x <= 0, accurate near 0.
template <class P>
EIGEN_STRONG_INLINE P expm1(const P& x) {
  if constexpr (sizeof(Scalar<P>) == 4) {
    return Exponential<P>(P(simd::pmax(x, constant<P>(-20)))).minus_one();  // that rounds to -1
  } else {
    return choose(simd::pcmp_eq(x, x), P(simd::generic_expm1(x)), x);
  }
}

/// 1 / (1 + e⁻ˣ), from e^-|x| <= 1 so that nothing overflows and small values keep their digits.
template <class P>
EIGEN_STRONG_INLINE P sigmoid(const P& x) {
  const P one = constant<P>(1);
  const P e = exp(P(simd::pnegate(P(simd::pabs(x)))));
  return simd::pdiv(if_less(x, constant<P>(0), e, one), P(simd::padd(one, e)));
}

/// tanh x in single precision: (e²ˣ - 1) / (e²ˣ - 1 + 2).
template <class P>
EIGEN_STRONG_INLINE P tanh_single(const P& x) {
  // tanh 10 rounds to 1. In this order of arguments a NaN stays one.
  const P bounded = simd::pmax(P(simd::pmin(x, constant<P>(10))), constant<P>(-10));
  const P d = Exponential<P>(P(simd::padd(bounded, bounded))).minus_one();
  return simd::pdiv(d, P(simd::padd(d, constant<P>(2))));
}

/// tanh x in double precision: below 0.625 Lambert's continued fraction x/(1 + x²/(3 + x²/(5 +
/// ...))) as a quotient of polynomials, eight levels for a relative error of 6e-18; above it (e²ˣ -
/// 1) / (e²ˣ + 1), where nothing cancels. One division serves both.
template <class P>
EIGEN_STRONG_INLINE P tanh_double(const P& x) {
  const P magnitude = simd::pabs(x);
  const P square = simd::pmul(magnitude, magnitude);
  P upper = simd::pmadd(constant<P>(36), square, constant<P>(6930));
  upper = simd::pmadd(upper, square, constant<P>(270270));
  upper = simd::pmadd(upper, square, constant<P>(2027025));
  upper = simd::pmul(upper, magnitude);
  P lower = simd::padd(square, constant<P>(630));
  lower = simd::pmadd(lower, square, constant<P>(51975));
  lower = simd::pmadd(lower, square, constant<P>(945945));
  lower = simd::pmadd(lower, square, constant<P>(2027025));
  // Beyond 19 the quotient rounds to 1: there e²ˣ stays far from overflow.
  const P end = constant<P>(19);
  const P bounded = if_less(end, magnitude, end, magnitude);
  const P e = simd::pexp(P(simd::padd(bounded, bounded)));
  const P one = constant<P>(1);
  const P small = less(magnitude, constant<P>(0.625));
  const P ratio = simd::pdiv(choose(small, upper, P(simd::psub(e, one))),
                             choose(small, lower, P(simd::padd(e, one))));
  return choose(simd::pcmp_eq(x, x), copy_sign(ratio, x), x);
}

template <class P>
EIGEN_STRONG_INLINE P tanh(const P& x) {
  if constexpr (sizeof(Scalar<P>) == 4) {
    return tanh_single(x);
  } else {
    return tanh_double(x);
  }
}

/// The standard normal distribution: e^{-t²/2} and Φ(t), where the tail Φ(-|t|) is e^{-t²/2} M(|t|)
/// with Mills' ratio M. M(a) (a + 4) is a polynomial of q = (a - 4) / (a + 4), which runs from -1
/// to 1, with an error of 1.2e-8 in single precision and 3.5e-17 in double.
template <class P>
struct Normal {
  P t;  // within ±40, beyond which both are constant
  P e;
  P cdf;

  EIGEN_STRONG_INLINE explicit Normal(const P& any)
      : t(simd::pmax(P(simd::pmin(any, constant<P>(40))), constant<P>(-40))) {
    // With what rounding takes from t², if multiply-adds are fused: the tail is steep in it.
    const P square = simd::pmul(t, t);
    const P rest = simd::pmadd(t, t, P(simd::pnegate(square)));
    e = exp(P(simd::pmul(square, constant<P>(-0.5))));
    e = simd::pmadd(e, P(simd::pmul(rest, constant<P>(-0.5))), e);
    // q = 1 - 8 r with r = 1 / (a + 4), and with what rounding takes from a + 4 and from r.
    const P one = constant<P>(1);
    const P a = simd::pabs(t);
    const P sum = simd::padd(a, constant<P>(4));
    const P r = simd::pdiv(one, sum);
    const P lost = simd::psub(a, P(simd::psub(sum, constant<P>(4))));
    P left = simd::pmadd(P(simd::pnegate(sum)), r, one);  // 1 - (a + 4) r
    left = simd::pmadd(P(simd::pnegate(lost)), r, left);
    const P shift = simd::pmul(constant<P>(-8), r);
    const P q = simd::pmadd(shift, left, P(simd::padd(shift, one)));
    const P tail = simd::pmul(e, P(simd::pmul(r, polynomial(q))));
    cdf = if_less(constant<P>(0), t, P(simd::psub(one, tail)), tail);
  }

 private:
  static EIGEN_STRONG_INLINE P polynomial(const P& q) {
    if constexpr (sizeof(Scalar<P>) == 4) {
      return horner(
          q, {-0.0001158436368378645, 0.00021157929197385193, 0.0015777092622287001,
              -0.0035297601783369509, -0.0075325209821336376, 0.060406850575779438,
              -0.18652220515779946, 0.38713670505535233, -0.60789663552620845, 0.7552851378731665});
    } else {
      return horner(q, {-9.296105524114009e-10, 1.622685652233515e-10,   1.3873375557245197e-8,
                        1.4298375970272416e-8,  -7.6429668445512044e-8,  -1.5389191979555253e-7,
                        2.6384422193908153e-7,  1.0195334851488973e-6,   -6.2528963381510765e-7,
                        -5.918773309451216e-6,  7.1508701587247067e-7,   3.5144148726728536e-5,
                        -1.9078912934884323e-6, -0.00023109481296147702, 0.00013334425849033725,
                        0.0016308184413790381,  -0.003479692362699694,   -0.0075401889655676717,
                        0.060396574890722983,   -0.1865218579596947,     0.38713740074221841,
                        -0.60789664197189176,   0.75528513041575148});
    }
  }
  template <std::size_t n>
  static EIGEN_STRONG_INLINE P horner(const P& q, const double (&highest_first)[n]) {
    P sum = constant<P>(highest_first[0]);
    for (std::size_t k = 1; k < n; ++k) sum = simd::pmadd(sum, q, constant<P>(highest_first[k]));
    return sum;
  }
};

}  // namespace nnbind::kernels
