// Compiled without contraction of a*b+c into one rounding, so that every instruction set draws
// the same numbers.
#include "nnbind/random.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "philox.hpp"

namespace nnbind {

namespace {

// log(x) for a normal x > 0: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and
// log m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172. Only + - * /, hence the same everywhere.
double portable_log(double x) {
  constexpr double ln2 = 0.69314718055994530942;
  constexpr double sqrt_half = 0.70710678118654752440;
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < sqrt_half) {
    mantissa *= 2;
    --exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  const double s2 = s * s;
  double series = 0;
  for (int k = 23; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return exponent * ln2 + 2 * s * series;
}

double polynomial(std::span<const double> coefficients, double x) {
  double sum = 0;
  for (const double c : coefficients) sum = sum * x + c;
  return sum;
}

// The quantile function of the standard normal, routine PPND16 of AS 241: relative accuracy 1e-16.
double normal_quantile(double p) {
  static constexpr std::array a{2509.0809287301226727, 33430.575583588128105, 67265.770927008700853,
                                45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
                                133.14166789178437745, 3.387132872796366608};
  static constexpr std::array b{
      5226.4952788528545610, 28729.085735721942674, 39307.89580009271061,  21213.794301586595867,
      5394.1960214247511077, 687.1870074920579083,  42.313330701600911252, 1.0};
  static constexpr std::array c{7.74545014278341407640e-4, 0.0227238449892691845833,
                                0.24178072517745061177,    1.27045825245236838258,
                                3.64784832476320460504,    5.7694972214606914055,
                                4.6303378461565452959,     1.42343711074968357734};
  static constexpr std::array d{1.05075007164441684324e-9, 5.475938084995344946e-4,
                                0.0151986665636164571966,  0.14810397642748007459,
                                0.68976733498510000455,    1.6763848301838038494,
                                2.05319162663775882187,    1.0};
  static constexpr std::array e{2.01033439929228813265e-7, 2.71155556874348757815e-5,
                                0.0012426609473880784386,  0.026532189526576123093,
                                0.29656057182850489123,    1.7848265399172913358,
                                5.4637849111641143699,     6.6579046435011037772};
  static constexpr std::array f{2.04426310338993978564e-15, 1.4215117583164458887e-7,
                                1.8463183175100546818e-5,   7.868691311456132591e-4,
                                0.0148753612908506148525,   0.13692988092273580531,
                                0.59983220655588793769,     1.0};
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double tail = std::sqrt(-portable_log(q < 0 ? p : 1 - p));
  const double magnitude = tail <= 5 ? polynomial(c, tail - 1.6) / polynomial(d, tail - 1.6)
                                     : polynomial(e, tail - 5) / polynomial(f, tail - 5);
  return q < 0 ? -magnitude : magnitude;
}

}  // namespace

void Random::draw() {
  const std::uint64_t block = position_ / 2;
  philox::Words words;
  philox::draw<0>(seed_,
                  {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32U),
                   static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32U)},
                  words);
  draws_ = std::bit_cast<decltype(draws_)>(words);
}

double Random::uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }

double Random::normal() {
  // The middle of one of 2^53 cells: never 0 or 1, where the quantile is infinite.
  return normal_quantile((static_cast<double>(bits() >> 12U) + 0.5) * 0x1p-52);
}

void Random::shuffle(std::span<std::int64_t> values) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
}

}  // namespace nnbind
