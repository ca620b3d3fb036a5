// Activations and the elementary functions beneath them, against the C library in long double.
#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "gradient_check.hpp"
#include "kernels/math.hpp"
#include "nnbind/activation.hpp"
#include "nnbind/error.hpp"

namespace nnbind::test {
namespace {

using Real = long double;
using Formula = Real (*)(Real);

const std::map<std::string_view, Formula> formulas{
    {"identity", [](Real t) { return t; }},
    {"binary", [](Real t) { return t >= 0 ? Real{1} : 0; }},
    {"sigmoid", [](Real t) { return 1 / (1 + std::exp(-t)); }},
    {"tanh", [](Real t) { return std::tanh(t); }},
    {"relu", [](Real t) { return t > 0 ? t : 0; }},
    {"leaky_relu", [](Real t) { return t > 0 ? t : 0.01L * t; }},
    {"elu", [](Real t) { return t > 0 ? t : std::expm1(t); }},
    {"selu",
     [](Real t) {
       return 1.0507009873554804934193349852946L *
              (t > 0 ? t : 1.6732632423543772848170429916717L * std::expm1(t));
     }},
    {"softplus", [](Real t) { return std::max(t, Real{0}) + std::log1p(std::exp(-std::abs(t))); }},
    {"softsign",
     [](Real t) { return std::isinf(t) ? std::copysign(1.0L, t) : t / (1 + std::abs(t)); }},
    {"gelu", [](Real t) { return t < -200 ? 0 : t * std::erfc(-t / std::sqrt(2.0L)) / 2; }},
    {"silu", [](Real t) { return std::isinf(t) && t < 0 ? 0 : t / (1 + std::exp(-t)); }},
    {"hard_sigmoid", [](Real t) { return std::min(std::max(t / 6 + 0.5L, 0.0L), 1.0L); }},
};

/// |value - exact| in units of the last place of `exact`. What is no longer a normal number may be
/// anything as small, as 0; `scale` is what that was multiplied with.
template <class T>
double ulps(T value, Real exact, Real scale = 1) {
  using Limits = std::numeric_limits<T>;
  const Real least = scale * Limits::min();
  if (static_cast<Real>(value) == exact || static_cast<T>(exact) == value) return 0;
  if (std::abs(exact) < least && std::abs(value) <= least) return 0;
  const Real unit = std::ldexp(Real{1}, std::ilogb(exact) + 1 - Limits::digits);
  return static_cast<double>(std::abs(static_cast<Real>(value) - exact) / unit);
}

/// Units in the last place that anything made of eˣ may be off. Beyond 64 Eigen's own exponential
/// for AVX-512 is off by more than 4 in float: what is so small hardly counts, and a fifth of the
/// speed would.
template <class T>
double allowed_ulps(T x) {
  return sizeof(T) == 4 && std::abs(x) > 64 ? 5 : 4;
}

/// Numbers of either sign from the whole range of T: the special ones, those that a network meets,
/// and random bits.
template <class T>
std::vector<T> arguments(std::size_t count) {
  using Limits = std::numeric_limits<T>;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::vector<T> list{0, Limits::denorm_min(), Limits::min() / 2, Limits::min(), T{0.5}, 1,
                      3, Limits::max(),        Limits::infinity()};
  Random random(4);
  while (list.size() < count) {
    list.push_back(static_cast<T>(random.normal()));
    list.push_back(static_cast<T>(100 * random.uniform()));
    list.push_back(static_cast<T>(800 * random.uniform()));
    const T any = std::abs(std::bit_cast<T>(static_cast<Bits>(random.bits())));
    if (std::isfinite(any)) list.push_back(any);
  }
  for (std::size_t i = list.size(); i-- > 0;) list.push_back(-list[i]);
  return list;
}

template <class T>
std::vector<T> apply(const Activation& g, const std::vector<T>& t) {
  std::vector<T> out(t.size());
  const auto cols = static_cast<Index>(t.size());
  g.forward<T>({t.data(), 1, cols, cols}, {out.data(), 1, cols, cols});
  return out;
}

/// g' at each t.
template <class T>
std::vector<T> slopes(const Activation& g, const std::vector<T>& t) {
  const std::vector<T> out = apply(g, t);
  std::vector<T> grad(t.size(), T{1});
  const auto cols = static_cast<Index>(t.size());
  g.backward<T>({t.data(), 1, cols, cols}, {out.data(), 1, cols, cols},
                {grad.data(), 1, cols, cols});
  return grad;
}

std::vector<std::string_view> elementwise() {
  std::vector<std::string_view> names;
  for (const auto& formula : formulas) names.push_back(formula.first);
  return names;
}

class Elementwise : public ::testing::TestWithParam<std::string_view> {
 protected:
  template <class T>
  static void expect_formula() {
    const std::vector<T> t = arguments<T>(20000);
    const std::vector<T> y = apply<T>(GetParam(), t);
    double worst = 0;
    for (std::size_t i = 0; i < t.size(); ++i) {
      const Real scale = GetParam() == "silu" ? std::max(std::abs(t[i]), T{1}) : T{1};
      const double error = ulps(y[i], formulas.at(GetParam())(t[i]), scale);
      // Without fused multiply-adds the tail of the normal distribution lacks what rounding takes
      // from t².
#ifdef FP_FAST_FMAF
      const double tail = 0;
#else
      const double tail = GetParam() == "gelu" && t[i] < 0 ? 0.5 * t[i] * t[i] : 0;
#endif
      worst = std::max(worst, error);
      ASSERT_LE(error, allowed_ulps(t[i]) + tail) << "at " << t[i] << " came " << y[i];
    }
    RecordProperty(sizeof(T) == 4 ? "float_ulps" : "double_ulps", std::to_string(worst));
  }
};

TEST_P(Elementwise, EqualsItsFormulaOverTheWholeRangeOfFloat) { expect_formula<float>(); }
TEST_P(Elementwise, EqualsItsFormulaOverTheWholeRangeOfDouble) { expect_formula<double>(); }

TEST_P(Elementwise, KeepsANaN) {
  EXPECT_TRUE(std::isnan(apply<float>(GetParam(), {std::nanf("")})[0]));
  EXPECT_TRUE(std::isnan(apply<double>(GetParam(), {std::nan("")})[0]));
}

TEST_P(Elementwise, HasTheSlopeOfCentralDifferences) {
  Random random(5);
  auto t = random_matrix<double>(1, 200, random, -5, 5);
  const std::vector<double> at = flat(t.view());
  const auto sum = [&](double /*changed*/) {
    double total = 0;
    for (const double y : apply<double>(GetParam(), flat(t.view()))) total += y;
    return total;
  };
  EXPECT_LE(relative_error(slopes<double>(GetParam(), at), central_differences(t.view(), sum)),
            gradient_tolerance);
}

TEST_P(Elementwise, HasASlopeAtTheEndsOfTheRange) {
  using Limits = std::numeric_limits<float>;
  const float far = 1e3F;
  const std::vector<float> slope = slopes<float>(
      GetParam(),
      {-Limits::infinity(), Limits::lowest(), -far, far, Limits::max(), Limits::infinity()});
  // Beyond 1000 each of them is a line, or as good as one.
  for (const std::size_t i : {0U, 1U}) EXPECT_NEAR(slope[i], slope[2], 1e-5) << "end " << i;
  for (const std::size_t i : {4U, 5U}) EXPECT_NEAR(slope[i], slope[3], 1e-5) << "end " << i;
}

TEST_P(Elementwise, DoesNotDependOnThePlaceInTheRow) {
  const std::vector<float> t = arguments<float>(60);
  const std::vector<float> y = apply<float>(GetParam(), t);
  const std::vector<float> slope = slopes<float>(GetParam(), t);
  for (std::size_t i = 0; i < t.size(); ++i) {
    EXPECT_TRUE(same_bits(apply<float>(GetParam(), {t[i]}), std::span(&y[i], 1))) << t[i];
    EXPECT_TRUE(same_bits(slopes<float>(GetParam(), {t[i]}), std::span(&slope[i], 1))) << t[i];
  }
}

TEST_P(Elementwise, WorksInPlaceAndWritesNothingElse) {
  for (Index cols = 1; cols <= 40; ++cols) {
    Random random(6);
    const Framed<float> t(3, cols, cols + 2);
    fill_uniform(t.view(), random, -3, 3);
    const auto expected = apply<float>(GetParam(), {t.view().row(2), t.view().row(2) + cols});
    Activation(GetParam()).forward<float>(t.view(), t.view());
    EXPECT_TRUE(same_bits(std::span(t.view().row(2), expected.size()), expected)) << cols;
    EXPECT_TRUE(t.frame_is_whole()) << cols;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Elementwise, ::testing::ValuesIn(elementwise()),
                         [](const auto& test) { return std::string(test.param); });

template <class T>
class Elementary : public ::testing::Test {
 protected:
  template <class F>
  static void expect_exact(F f, Formula exact, T largest = std::numeric_limits<T>::infinity()) {
    std::vector<T> x = arguments<T>(200000);
    std::erase_if(x, [&](T value) { return value > largest; });
    std::vector<T> y(x.size());
    kernels::map_elements(static_cast<Index>(x.size()), y.data(), f, x.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = ulps(y[i], exact(x[i]));
      worst = std::max(worst, error);
      ASSERT_LE(error, allowed_ulps(x[i])) << "at " << x[i] << " came " << y[i];
    }
    ::testing::Test::RecordProperty("ulps", std::to_string(worst));
  }
};

using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Elementary, Types);

TYPED_TEST(Elementary, ExpOfNegativesIsExactToFourUlps) {
  this->expect_exact([](const auto& x) { return kernels::exp(x); },
                     [](Real x) { return std::exp(x); }, 0);
}

TYPED_TEST(Elementary, Expm1OfNegativesIsExactToFourUlps) {
  this->expect_exact([](const auto& x) { return kernels::expm1(x); },
                     [](Real x) { return std::expm1(x); }, 0);
}

TYPED_TEST(Elementary, TanhIsExactToFourUlps) {
  this->expect_exact([](const auto& x) { return kernels::tanh(x); },
                     [](Real x) { return std::tanh(x); });
}

TYPED_TEST(Elementary, SigmoidIsExactToFourUlps) {
  this->expect_exact([](const auto& x) { return kernels::sigmoid(x); },
                     [](Real x) { return 1 / (1 + std::exp(-x)); });
}

TEST(Softmax, AndItsLogarithmEqualTheirFormulasForEveryWidth) {
  Random random(8);
  for (Index cols = 1; cols <= 150; ++cols) {
    const auto t = random_matrix<float>(1, cols, random, -20, 20);
    const std::vector<float> row(t.view().row(0), t.view().row(0) + cols);
    Real sum = 0;
    for (const float x : row) sum += std::exp(Real{x});
    const auto probabilities = apply<float>("softmax", row);
    const auto logarithms = apply<float>("log_softmax", row);
    for (std::size_t j = 0; j < row.size(); ++j) {
      const auto exact = static_cast<float>(std::exp(Real{row[j]}) / sum);
      EXPECT_NEAR(probabilities[j], exact, 3e-6F * exact) << cols;
      EXPECT_NEAR(logarithms[j], static_cast<float>(row[j] - std::log(sum)), 1e-5F) << cols;
    }
  }
}

TEST(Softmax, OfHugeNumbersNeitherOverflowsNorVanishes) {
  const float huge = std::numeric_limits<float>::max() / 2;
  EXPECT_EQ(apply<float>("softmax", {huge, -huge, huge}), (std::vector<float>{0.5F, 0, 0.5F}));
  EXPECT_EQ(apply<float>("log_softmax", {huge, 0}), (std::vector<float>{0, -huge}));
}

TEST(Activation, IsFoundByNameAndRefusesWhatItDoesNotTake) {
  for (const std::string_view name : Activation::names()) EXPECT_EQ(Activation(name).name(), name);
  EXPECT_EQ(Activation("elu", 0.5).alpha(), 0.5);
  EXPECT_THROW(Activation("tahn"), OptionError);
  EXPECT_THROW(Activation("tanh", 0.5), OptionError);
  EXPECT_THROW(Activation("elu", -1), OptionError);
  const char* const none = nullptr;
  EXPECT_THROW(Activation{none}, OptionError);
}

TEST(Activation, HasAFormulaHereForEachElementwiseName) {
  for (const std::string_view name : Activation::names()) {
    EXPECT_EQ(formulas.contains(name), !Activation(name).is_row_wise()) << name;
  }
}

}  // namespace
}  // namespace nnbind::test
