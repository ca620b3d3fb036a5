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

/// eˣ for x <= 0, which is all that is needed. Eigen's clamps its argument; here eˣ becomes 0 where
/// it is no longer a normal number, and a NaN stays one.
template <class P>
EIGEN_STRONG_INLINE P exp(const P& x) {
  constexpr double smallest = sizeof(Scalar<P>) == 4 ? -87.33654 : -708.3964185;
  const P e = choose(less(x, constant<P>(smallest)), constant<P>(0), P(simd::pexp(x)));
  return choose(simd::pcmp_eq(x, x), e, x);
}

/// log(1 + x), and eˣ - 1 for x <= 0, accurate near 0 (Kahan's corrections).
template <class P>
EIGEN_STRONG_INLINE P log1p(const P& x) {
  return simd::generic_plog1p(x);
}
template <class P>
EIGEN_STRONG_INLINE P expm1(const P& x) {
  return choose(simd::pcmp_eq(x, x), P(simd::generic_expm1(x)), x);
}

/// n / d for normal d, to about a unit in the last place. A division of 16 floats would keep the
/// divider busy for as long as 32 other operations take.
template <class P>
EIGEN_STRONG_INLINE P quotient(const P& n, const P& d) {
#if defined(EIGEN_VECTORIZE_AVX512)
  if constexpr (sizeof(Scalar<P>) == 4) {
    const P first = _mm512_rcp14_ps(d);  // 14 bits of 1/d; Newton's step makes it 28
    const P inverse =
        simd::pmadd(first, P(simd::psub(constant<P>(1), P(simd::pmul(first, d)))), first);
    const P near = simd::pmul(n, inverse);
    const P rest = simd::pmadd(P(simd::pnegate(near)), d, n);
    return simd::pmadd(rest, inverse, near);
  }
#endif
  return simd::pdiv(n, d);
}

/// 1 / (1 + e⁻ˣ), from e^-|x| <= 1 so that nothing overflows and small values keep their digits.
template <class P>
EIGEN_STRONG_INLINE P sigmoid(const P& x) {
  const P one = constant<P>(1);
  const P e = exp(P(simd::pnegate(P(simd::pabs(x)))));
  return quotient(choose(less(x, constant<P>(0)), e, one), P(simd::padd(one, e)));
}

/// tanh x in single precision: below 0.625 x + x³ p(x²), where p of degree 4 interpolates at
/// Chebyshev's points to a relative error of 1.7e-8; above it 1 - 2 / (e²ˣ + 1), where nothing
/// cancels.
template <class P>
EIGEN_STRONG_INLINE P tanh_single(const P& x) {
  const P magnitude = simd::pabs(x);
  const P s = simd::pmul(x, x);
  P p = simd::pmadd(constant<P>(-0.006104945330653051), s, constant<P>(0.021003638864754814));
  p = simd::pmadd(p, s, constant<P>(-0.05385249677828504));
  p = simd::pmadd(p, s, constant<P>(0.13332782256505368));
  p = simd::pmadd(p, s, constant<P>(-0.333333290993977));
  const P near = simd::pmadd(P(simd::pmul(p, s)), x, x);
  const P bounded = simd::pmin(magnitude, constant<P>(10));  // tanh 10 rounds to 1; keeps a NaN
  const P e = simd::pexp(P(simd::padd(bounded, bounded)));
  const P one = constant<P>(1);
  const P far = simd::psub(one, quotient(constant<P>(2), P(simd::padd(e, one))));
  const P result = choose(less(magnitude, constant<P>(0.625)), near, copy_sign(far, x));
  return choose(simd::pcmp_eq(x, x), result, x);
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
  const P bounded = choose(less(end, magnitude), end, magnitude);
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

}  // namespace nnbind::kernels
