// Each rule by hand, on blocks of odd widths inside of a longer θ.
#include <gtest/gtest.h>

#include <functional>

#include "data.hpp"
#include "nnbind/error.hpp"
#include "nnbind/optimizer.hpp"

namespace nnbind::test {
namespace {

constexpr double learning_rate = 0.1;

/// One parameter with the two numbers that a rule may keep for it, both 0 at first.
struct Parameter {
  double value;
  double first = 0;
  double second = 0;
};

struct RuleCase {
  std::string name;
  std::function<OptimizerPointer()> make;
  /// Step t = 1, 2, ... with gradient g.
  void (*rule)(Parameter&, double g, double t, bool weight);
};

void adam_rule(Parameter& p, double g, double t) {
  p.first = 0.8 * p.first + 0.2 * g;
  p.second = 0.9 * p.second + 0.1 * g * g;
  const double mean = p.first / (1 - std::pow(0.8, t));
  const double square = p.second / (1 - std::pow(0.9, t));
  p.value -= learning_rate * mean / (std::sqrt(square) + 1e-4);
}

const std::vector<RuleCase> rule_cases{
    {"sgd", [] { return sgd(constant_rate(learning_rate)); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) { p.value -= learning_rate * g; }},
    {"momentum", [] { return sgd(constant_rate(learning_rate), 0.7); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.first = 0.7 * p.first - learning_rate * g;
       p.value += p.first;
     }},
    {"nesterov", [] { return sgd(constant_rate(learning_rate), 0.7, true); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.first = 0.7 * p.first - learning_rate * g;
       p.value += 0.7 * p.first - learning_rate * g;
     }},
    {"adam", [] { return adam(constant_rate(learning_rate), 0.8, 0.9, 1e-4); },
     [](Parameter& p, double g, double t, bool /*weight*/) { adam_rule(p, g, t); }},
    {"adamw", [] { return adamw(constant_rate(learning_rate), 0.8, 0.9, 1e-4, 0.5); },
     [](Parameter& p, double g, double t, bool weight) {
       if (weight) p.value *= 1 - learning_rate * 0.5;
       adam_rule(p, g, t);
     }},
    {"rmsprop", [] { return rmsprop(constant_rate(learning_rate), 0.8, 1e-4); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.second = 0.8 * p.second + 0.2 * g * g;
       p.value -= learning_rate * g / (std::sqrt(p.second) + 1e-4);
     }},
    {"adagrad", [] { return adagrad(constant_rate(learning_rate), 1e-4); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.second += g * g;
       p.value -= learning_rate * g / (std::sqrt(p.second) + 1e-4);
     }},
};

class Rule : public ::testing::TestWithParam<RuleCase> {
 protected:
  /// θ is a (rows × cols) block behind `offset` other parameters.
  static constexpr Index offset = 5;

  template <class T>
  static void begin(Optimizer& optimizer, const std::vector<T>& theta) {
    optimizer.bind(1);
    optimizer.arrange<T>({{.rows = 1, .cols = static_cast<Index>(theta.size())}});
  }

  template <class T>
  static UpdateBlock<T> block(Optimizer& optimizer, std::vector<T>& theta,
                              const Matrix<T>& gradient, Range rows, Range columns,
                              Index weight_rows = 0) {
    const Index stride = gradient.view().cols;
    const auto part = [&](T* all) {
      return MatrixView<T>{all + offset + rows.begin * stride + columns.begin, rows.size(),
                           columns.size(), stride};
    };
    UpdateBlock<T> update;
    update.theta = part(theta.data());
    update.gradient = gradient.view().middle_rows(rows).middle_columns(columns);
    for (std::size_t k = 0; k < optimizer.state_vectors(); ++k) {
      update.state[k] = part(optimizer.state<T>().block(k, 0).data);
    }
    update.weight_rows = weight_rows;
    return update;
  }
};

TEST_P(Rule, StepsAsByHand) {
  for (const Index cols : {1, 2, 7, 8, 16, 19, 33}) {
    for (const Index weight_rows : {0, 1, 3}) {
      const OptimizerPointer optimizer = GetParam().make();
      Random random(1);
      std::vector<double> theta(static_cast<std::size_t>(offset + 3 * cols + offset));
      std::vector<Parameter> expected;
      for (double& value : theta) expected.push_back({value = random.normal()});
      begin(*optimizer, theta);
      for (int t = 1; t <= 4; ++t) {
        const auto gradient = random_matrix<double>(3, cols, random);
        optimizer->begin_step();
        optimizer->update(block(*optimizer, theta, gradient, {0, 3}, {0, cols}, weight_rows));
        optimizer->end_step();
        for (Index k = 0; k < 3 * cols; ++k) {
          GetParam().rule(expected[static_cast<std::size_t>(offset + k)],
                          gradient.view()(k / cols, k % cols), t, k / cols < weight_rows);
        }
      }
      for (std::size_t i = 0; i < theta.size(); ++i) {
        EXPECT_NEAR(theta[i], expected[i].value, 1e-14) << cols << " columns, parameter " << i;
      }
    }
  }
}

// The first steps from θ = 0, by gradients of 10^-12 to 10^12, and 0: in float, where roots and
// quotients are approximations, to a few units in the last place.
TEST_P(Rule, StepsInFloatAsInDouble) {
  std::vector<double> gradients{0};
  for (int power = -12; power <= 12; ++power) {
    gradients.insert(gradients.end(), {std::pow(10, power), -3.7 * std::pow(10, power)});
  }
  const auto count = static_cast<Index>(gradients.size());
  const auto steps = [&]<class T>(T /*type*/) {
    const OptimizerPointer optimizer = GetParam().make();
    std::vector<T> theta(static_cast<std::size_t>(offset + count));
    Matrix<T> gradient(1, count);
    for (Index j = 0; j < count; ++j) {
      gradient.view()(0, j) = static_cast<T>(gradients[static_cast<std::size_t>(j)]);
    }
    begin(*optimizer, theta);
    for (int t = 0; t < 2; ++t) {
      optimizer->begin_step();
      optimizer->update(block(*optimizer, theta, gradient, {0, 1}, {0, count}));
      optimizer->end_step();
    }
    return theta;
  };
  const auto single = steps(0.0F);
  const auto exact = steps(0.0);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_NEAR(single[i], exact[i], 1e-6 * std::abs(exact[i])) << "parameter " << i;
  }
}

TEST_P(Rule, DoesNotDependOnTheBlocks) {
  static constexpr Index rows = 11;
  const auto run = [](Index step) {
    const OptimizerPointer optimizer = GetParam().make();
    Random random(2);
    std::vector<float> theta(offset + rows * 13);
    for (float& value : theta) value = static_cast<float>(random.normal());
    begin(*optimizer, theta);
    for (int t = 0; t < 3; ++t) {
      const auto gradient = random_matrix<float>(rows, 13, random);
      optimizer->begin_step();
      for (Index first = 0; first < rows; first += step) {
        const Range part{first, std::min<Index>(first + step, rows)};
        optimizer->update(block(*optimizer, theta, gradient, part, {0, step}));
        optimizer->update(block(*optimizer, theta, gradient, part, {step, 13}));
      }
      optimizer->end_step();
    }
    return theta;
  };
  for (const Index step : {1, 2, 5, 8})
    EXPECT_EQ(run(step), run(rows)) << "rows at a time: " << step;
}

TEST_P(Rule, ForgetsAllOnReset) {
  const OptimizerPointer optimizer = GetParam().make();
  const auto run = [&] {
    std::vector<double> theta(offset + 3, 1.0);
    Random random(3);
    const auto gradient = random_matrix<double>(1, 3, random);
    begin(*optimizer, theta);
    optimizer->begin_step();
    optimizer->update(block(*optimizer, theta, gradient, {0, 1}, {0, 3}));
    optimizer->end_step();
    return theta;
  };
  const auto first = run();
  EXPECT_EQ(optimizer->iterations(), 1);
  optimizer->reset();
  EXPECT_EQ(optimizer->iterations(), 0);
  EXPECT_EQ(run(), first);
}

INSTANTIATE_TEST_SUITE_P(Each, Rule, ::testing::ValuesIn(rule_cases),
                         [](const auto& test) { return test.param.name; });

TEST(Optimizer, TrainsOneNetworkOnly) {
  const OptimizerPointer optimizer = adam(constant_rate(learning_rate));
  optimizer->bind(1);
  optimizer->bind(1);
  EXPECT_THROW(optimizer->bind(2), OptionError);
  optimizer->reset();
  optimizer->bind(2);
}

TEST(Optimizer, FollowsItsSchedule) {
  const OptimizerPointer optimizer = sgd(step_decay(1, 2, 0.5));
  for (const double expected : {1.0, 1.0, 0.5, 0.5, 0.25}) {
    EXPECT_EQ(optimizer->learning_rate(), expected);
    optimizer->begin_step();
    optimizer->end_step();
  }
}

TEST(Optimizer, RefusesNumbersOutOfRange) {
  EXPECT_THROW(sgd(constant_rate(learning_rate), 1), OptionError);
  EXPECT_THROW(sgd(constant_rate(learning_rate), 0, true), OptionError);
  EXPECT_THROW(sgd(nullptr), OptionError);
  EXPECT_THROW(sgd(constant_rate(learning_rate), 0, false, 0.0), OptionError);
  EXPECT_THROW(adam(constant_rate(learning_rate), 1), OptionError);
  EXPECT_THROW(adam(constant_rate(learning_rate), 0.9, 0.9, 0), OptionError);
  EXPECT_THROW(adamw(constant_rate(learning_rate), 0.9, 0.9, 1e-8, -1), OptionError);
  EXPECT_THROW(rmsprop(constant_rate(learning_rate), 2), OptionError);
  EXPECT_THROW(adagrad(constant_rate(learning_rate), 0), OptionError);
}

}  // namespace
}  // namespace nnbind::test
