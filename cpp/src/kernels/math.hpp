// Elementary functions on vector registers, right over the whole range of the type.
#pragma once

#include <cmath>
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

/// 1 / (1 + e⁻ˣ), from e^-|x| <= 1 so that nothing overflows and small values keep their digits.
template <class P>
EIGEN_STRONG_INLINE P sigmoid(const P& x) {
  const P one = constant<P>(1);
  const P e = exp(P(simd::pnegate(P(simd::pabs(x)))));
  return simd::pdiv(choose(less(x, constant<P>(0)), e, one), P(simd::padd(one, e)));
}

/// tanh x: below 0.625 Lambert's continued fraction x/(1 + x²/(3 + x²/(5 + ...))) as a quotient of
/// polynomials, above it (e²ˣ - 1) / (e²ˣ + 1), where nothing cancels. One division serves both.
template <class P>
EIGEN_STRONG_INLINE P tanh(const P& x) {
  constexpr bool single = sizeof(Scalar<P>) == 4;
  const P magnitude = simd::pabs(x);
  const P square = simd::pmul(magnitude, magnitude);
  P upper;
  P lower;
  if constexpr (single) {  // five levels: relative error 1e-9 at 0.625
    upper = simd::pmadd(simd::padd(square, constant<P>(105)), square, constant<P>(945));
    lower = simd::pmadd(simd::pmadd(constant<P>(15), square, constant<P>(420)), square,
                        constant<P>(945));
  } else {  // eight levels: relative error 6e-18 at 0.625
    upper = simd::pmadd(constant<P>(36), square, constant<P>(6930));
    upper = simd::pmadd(upper, square, constant<P>(270270));
    upper = simd::pmadd(upper, square, constant<P>(2027025));
    lower = simd::padd(square, constant<P>(630));
    lower = simd::pmadd(lower, square, constant<P>(51975));
    lower = simd::pmadd(lower, square, constant<P>(945945));
    lower = simd::pmadd(lower, square, constant<P>(2027025));
  }
  upper = simd::pmul(upper, magnitude);
  // Beyond 9 (19 in double) the quotient rounds to 1: there e²ˣ stays far from overflow.
  const P bounded = choose(less(constant<P>(single ? 9 : 19), magnitude),
                           constant<P>(single ? 9 : 19), magnitude);
  const P e = simd::pexp(P(simd::padd(bounded, bounded)));
  const P one = constant<P>(1);
  const P small = less(magnitude, constant<P>(0.625));
  const P quotient = simd::pdiv(choose(small, upper, P(simd::psub(e, one))),
                                choose(small, lower, P(simd::padd(e, one))));
  return choose(simd::pcmp_eq(x, x), copy_sign(quotient, x), x);
}

}  // namespace nnbind::kernels
