// Losses outside of a network: gradients against central differences, and values by hand.
#include <gtest/gtest.h>

#include <numeric>

#include "gradient_check.hpp"
#include "nnbind/error.hpp"

namespace nnbind::test {
namespace {

enum class Targets { real, sign, zero_one, count, distribution };

struct LossCase {
  std::string name;
  LossPointer (*make)(Reduction);
  Targets targets;
  bool pre_activation;
  double low, high;  // of the predictions
};

const std::vector<LossCase> loss_cases{
    {"squared_error", [](Reduction r) { return squared_error(r); }, Targets::real, false, -2, 2},
    {"mse", [](Reduction r) { return mean_squared_error(r); }, Targets::real, false, -2, 2},
    {"absolute_error", [](Reduction r) { return absolute_error(r); }, Targets::real, false, -2, 2},
    {"huber", [](Reduction r) { return huber(0.7, r); }, Targets::real, false, -2, 2},
    {"hinge", [](Reduction r) { return hinge(r); }, Targets::sign, false, -2, 2},
    {"perceptron", [](Reduction r) { return perceptron_criterion(r); }, Targets::sign, false, -2,
     2},
    {"perceptron_of_pre_activation", [](Reduction r) { return perceptron_criterion(r); },
     Targets::sign, true, -2, 2},
    {"poisson", [](Reduction r) { return poisson(false, r); }, Targets::count, false, 0.2, 3},
    {"poisson_of_log", [](Reduction r) { return poisson(true, r); }, Targets::count, false, -2, 2},
    {"binary_cross_entropy", [](Reduction r) { return binary_cross_entropy(false, r); },
     Targets::zero_one, false, 0.05, 0.95},
    {"binary_cross_entropy_of_pre_activation",
     [](Reduction r) { return binary_cross_entropy(false, r); }, Targets::zero_one, true, -5, 5},
    {"cross_entropy", [](Reduction r) { return cross_entropy(false, 0, r); }, Targets::distribution,
     false, 0.05, 0.95},
    {"cross_entropy_of_pre_activation", [](Reduction r) { return cross_entropy(false, 0, r); },
     Targets::distribution, true, -5, 5},
    {"cross_entropy_smoothed", [](Reduction r) { return cross_entropy(false, 0.2, r); },
     Targets::distribution, true, -5, 5},
};

double target(Targets kind, Random& random) {
  switch (kind) {
    case Targets::sign:
      return random.below(2) == 0 ? -1 : 1;
    case Targets::count:
      return static_cast<double>(random.below(5));
    case Targets::real:
      return 4 * random.uniform() - 2;
    case Targets::zero_one:
    case Targets::distribution:
      break;
  }
  return random.uniform();
}

class LossGradient : public ::testing::TestWithParam<LossCase> {};

TEST_P(LossGradient, IsRightForEachReductionWidthAndWeights) {
  constexpr Index samples = 6;
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    for (const Index outputs : {1, 3, 5}) {
      Random random(static_cast<std::uint64_t>(outputs));
      auto f = random_matrix<double>(samples, outputs, random, GetParam().low, GetParam().high);
      Matrix<double> y(samples, outputs);
      for (Index i = 0; i < samples; ++i) {
        double* const row = y.view().row(i);
        std::generate_n(row, outputs, [&] { return target(GetParam().targets, random); });
        if (GetParam().targets != Targets::distribution) continue;
        const double sum = std::accumulate(row, row + outputs, 0.0);
        std::for_each(row, row + outputs, [sum](double& value) { value /= sum; });
      }
      const auto weights = random_matrix<double>(1, samples, random, 0, 3);
      for (const double* w : {static_cast<const double*>(nullptr), weights.view().data}) {
        LossRows<double> rows;
        rows.predictions = f.view();
        rows.targets = y.rows().row;
        rows.weights = w;
        EXPECT_LE(check_loss(*GetParam().make(reduction), rows, GetParam().pre_activation),
                  gradient_tolerance)
            << outputs << " outputs" << (w == nullptr ? "" : ", weighted");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, LossGradient, ::testing::ValuesIn(loss_cases),
                         [](const auto& test) { return test.param.name; });

/// The loss of one sample.
template <class T>
T value(const LossPointer& loss, std::vector<T> f, std::vector<T> y, bool pre_activation = false) {
  T result = 0;
  const T* target = y.data();
  LossRows<T> rows;
  rows.predictions = {f.data(), 1, static_cast<Index>(f.size()), static_cast<Index>(f.size())};
  rows.targets = &target;
  rows.losses = &result;
  loss->evaluate(rows, pre_activation);
  return result;
}

TEST(Losses, HaveTheValuesOfTheirFormulas) {
  using V = std::vector<double>;
  EXPECT_DOUBLE_EQ(value(squared_error(), V{1, 4}, V{3, 1}), 4 + 9);
  EXPECT_DOUBLE_EQ(value(mean_squared_error(), V{1, 4}, V{3, 1}), 6.5);
  EXPECT_DOUBLE_EQ(value(absolute_error(), V{1, 4}, V{3, 1}), 5);
  EXPECT_DOUBLE_EQ(value(huber(2), V{0, 4}, V{1, 1}), 0.5 + 2 * (3 - 1));
  EXPECT_DOUBLE_EQ(value(hinge(), V{0.5, 3}, V{-1, 1}), 1.5);
  EXPECT_DOUBLE_EQ(value(perceptron_criterion(), V{0.5, 3}, V{-1, 1}), 0.5);
  EXPECT_NEAR(value(poisson(), V{2}, V{3}), 2 - 3 * std::log(2.0), 1e-15);
  EXPECT_DOUBLE_EQ(value(poisson(true), V{2}, V{3}), std::exp(2.0) - 6);
  EXPECT_DOUBLE_EQ(value(binary_cross_entropy(), V{0.25}, V{1}), std::log(4.0));
  EXPECT_DOUBLE_EQ(value(binary_cross_entropy(), V{0}, V{1}, true), std::log(2.0));
  EXPECT_DOUBLE_EQ(value(cross_entropy(), V{0.25, 0.75}, V{1, 0}), std::log(4.0));
  EXPECT_DOUBLE_EQ(value(cross_entropy(), V{0, 0, 0, 0}, V{0, 0, 1, 0}, true), std::log(4.0));
}

TEST(Losses, OfPreActivationsHoldOverTheWholeFloatRange) {
  using V = std::vector<float>;
  for (const float t : {90.0F, 1e4F, 1e30F, 3e38F}) {
    EXPECT_NEAR(value(binary_cross_entropy(), V{t}, V{1}, true), 0, 1e-38);
    EXPECT_EQ(value(binary_cross_entropy(), V{t}, V{0}, true), t);
    EXPECT_EQ(value(binary_cross_entropy(), V{-t}, V{1}, true), t);
    EXPECT_EQ(value(cross_entropy(), V{t, 0}, V{1, 0}, true), 0);
    EXPECT_EQ(value(cross_entropy(), V{t, 0}, V{0, 1}, true), t);
    EXPECT_EQ(value(cross_entropy(), V{-t, 0}, V{1, 0}, true), t);
  }
}

TEST(Losses, OfProbabilitiesStayFiniteAtZeroAndOne) {
  using V = std::vector<float>;
  EXPECT_TRUE(std::isfinite(value(binary_cross_entropy(), V{0}, V{1})));
  EXPECT_TRUE(std::isfinite(value(binary_cross_entropy(), V{1}, V{0})));
  EXPECT_TRUE(std::isfinite(value(cross_entropy(), V{0, 1}, V{1, 0})));
  EXPECT_TRUE(std::isfinite(value(poisson(), V{0}, V{2})));
}

TEST(Losses, NeverHideANaN) {
  const float nan = std::nanf("");
  for (const LossCase& c : loss_cases) {
    EXPECT_TRUE(std::isnan(value<float>(c.make(Reduction::mean), {nan}, {1}, c.pre_activation)))
        << c.name;
  }
}

TEST(Losses, TakeALabelForItsOneHotRow) {
  for (const bool pre_activation : {false, true}) {
    const LossPointer loss = cross_entropy(false, 0.1);
    std::vector<double> f{0.2, 0.5, 0.3};
    const std::int64_t label = 1;
    double from_label = 0;
    LossRows<double> rows;
    rows.predictions = {f.data(), 1, 3, 3};
    rows.labels = &label;
    rows.losses = &from_label;
    loss->evaluate(rows, pre_activation);
    EXPECT_EQ(from_label, value<double>(loss, f, {0, 1, 0}, pre_activation));
  }
}

TEST(Losses, TakePreActivationsWhereTheyFit) {
  EXPECT_TRUE(binary_cross_entropy()->takes_pre_activation("sigmoid"));
  EXPECT_FALSE(binary_cross_entropy()->takes_pre_activation("identity"));
  EXPECT_TRUE(binary_cross_entropy(true)->takes_pre_activation("identity"));
  EXPECT_TRUE(cross_entropy()->takes_pre_activation("softmax"));
  EXPECT_TRUE(cross_entropy()->takes_pre_activation("log_softmax"));
  EXPECT_TRUE(perceptron_criterion()->takes_pre_activation("binary"));
  EXPECT_FALSE(squared_error()->takes_pre_activation("sigmoid"));
  EXPECT_THROW((void)cross_entropy(true)->takes_pre_activation("softmax"), OptionError);
}

TEST(Losses, SayWhereAnOutputIsPositive) {
  const auto expect = [](const LossPointer& loss, const char* output, double usual, double signs) {
    const DecisionThreshold threshold = loss->decision_threshold(output);
    EXPECT_EQ(threshold.usual, usual) << loss->name() << " " << output;
    EXPECT_EQ(threshold.of_signs, signs) << loss->name() << " " << output;
  };
  expect(mean_squared_error(), "tanh", 0.5, 0);
  expect(mean_squared_error(), "sigmoid", 0.5, 0.5);
  expect(hinge(), "identity", 0, 0);
  expect(perceptron_criterion(), "binary", 0.5, 0.5);
  expect(binary_cross_entropy(true), "identity", 0, 0);
  expect(cross_entropy(true), "identity", 0, 0);
  expect(cross_entropy(), "log_softmax", std::log(0.5), std::log(0.5));
}

TEST(Losses, AreFoundByNameAndRefusedByOptions) {
  for (const std::string_view name : loss_names()) EXPECT_EQ(loss_from_name(name)->name(), name);
  EXPECT_THROW(loss_from_name("hinje"), OptionError);
  EXPECT_THROW(huber(0), OptionError);
  EXPECT_THROW(cross_entropy(false, 1), OptionError);
  EXPECT_THROW((void)reduction_from_name("average"), OptionError);
}

}  // namespace
}  // namespace nnbind::test
