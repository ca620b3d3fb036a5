// Each rule by hand, on blocks of odd widths inside of a longer θ.
#include <gtest/gtest.h>

#include <functional>

#include "data.hpp"
#include "nnbind/error.hpp"
#include "nnbind/optimizer.hpp"

namespace nnbind::test {
namespace {

constexpr double rate = 0.1;

/// One parameter with the two numbers that a rule may keep for it, both 0 at first.
struct Parameter {
  double value;
  double first = 0;
  double second = 0;
};

struct Case {
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
  p.value -= rate * mean / (std::sqrt(square) + 1e-4);
}

const std::vector<Case> cases{
    {"sgd", [] { return sgd(constant_rate(rate)); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) { p.value -= rate * g; }},
    {"momentum", [] { return sgd(constant_rate(rate), 0.7); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.first = 0.7 * p.first - rate * g;
       p.value += p.first;
     }},
    {"nesterov", [] { return sgd(constant_rate(rate), 0.7, true); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.first = 0.7 * p.first - rate * g;
       p.value += 0.7 * p.first - rate * g;
     }},
    {"adam", [] { return adam(constant_rate(rate), 0.8, 0.9, 1e-4); },
     [](Parameter& p, double g, double t, bool /*weight*/) { adam_rule(p, g, t); }},
    {"adamw", [] { return adamw(constant_rate(rate), 0.8, 0.9, 1e-4, 0.5); },
     [](Parameter& p, double g, double t, bool weight) {
       if (weight) p.value *= 1 - rate * 0.5;
       adam_rule(p, g, t);
     }},
    {"rmsprop", [] { return rmsprop(constant_rate(rate), 0.8, 1e-4); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.second = 0.8 * p.second + 0.2 * g * g;
       p.value -= rate * g / (std::sqrt(p.second) + 1e-4);
     }},
    {"adagrad", [] { return adagrad(constant_rate(rate), 1e-4); },
     [](Parameter& p, double g, double /*t*/, bool /*weight*/) {
       p.second += g * g;
       p.value -= rate * g / (std::sqrt(p.second) + 1e-4);
     }},
};

class Rule : public ::testing::TestWithParam<Case> {
 protected:
  /// θ is a (rows × cols) block behind `offset` other parameters.
  static constexpr Index offset = 5;

  template <class T>
  static UpdateBlock<T> block(std::vector<T>& theta, const Matrix<T>& gradient, Range rows,
                              Range columns, Index weight_rows = 0) {
    UpdateBlock<T> part;
    part.stride = gradient.view().cols;
    part.offset = offset + rows.begin * part.stride + columns.begin;
    part.theta = {theta.data() + part.offset, rows.size(), columns.size(), part.stride};
    part.gradient = gradient.view()
                        .middle_rows(rows.begin, rows.size())
                        .middle_columns(columns.begin, columns.size());
    part.weight_rows = weight_rows;
    return part;
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
      optimizer->bind<double>(1, static_cast<Index>(theta.size()));
      for (int t = 1; t <= 4; ++t) {
        const auto gradient = random_matrix<double>(3, cols, random);
        optimizer->begin_step();
        optimizer->update(block(theta, gradient, {0, 3}, {0, cols}, weight_rows));
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

TEST_P(Rule, DoesNotDependOnTheBlocks) {
  static constexpr Index rows = 11;
  const auto run = [](Index step) {
    const OptimizerPointer optimizer = GetParam().make();
    Random random(2);
    std::vector<float> theta(offset + rows * 13);
    for (float& value : theta) value = static_cast<float>(random.normal());
    optimizer->bind<float>(1, static_cast<Index>(theta.size()));
    for (int t = 0; t < 3; ++t) {
      const auto gradient = random_matrix<float>(rows, 13, random);
      optimizer->begin_step();
      for (Index first = 0; first < rows; first += step) {
        const Range part{first, std::min<Index>(first + step, rows)};
        optimizer->update(block(theta, gradient, part, {0, step}));
        optimizer->update(block(theta, gradient, part, {step, 13}));
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
    optimizer->bind<double>(1, offset + 3);
    optimizer->begin_step();
    optimizer->update(block(theta, gradient, {0, 1}, {0, 3}));
    optimizer->end_step();
    return theta;
  };
  const auto first = run();
  EXPECT_EQ(optimizer->iterations(), 1);
  optimizer->reset();
  EXPECT_EQ(optimizer->iterations(), 0);
  EXPECT_EQ(run(), first);
}

INSTANTIATE_TEST_SUITE_P(Each, Rule, ::testing::ValuesIn(cases),
                         [](const auto& test) { return test.param.name; });

TEST(Optimizer, TrainsOneNetworkOnly) {
  const OptimizerPointer optimizer = adam(constant_rate(rate));
  optimizer->bind<float>(1, 10);
  optimizer->bind<float>(1, 10);
  EXPECT_THROW(optimizer->bind<float>(2, 10), OptionError);
  optimizer->reset();
  optimizer->bind<float>(2, 10);
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
  EXPECT_THROW(sgd(constant_rate(rate), 1), OptionError);
  EXPECT_THROW(sgd(constant_rate(rate), 0, true), OptionError);
  EXPECT_THROW(sgd(nullptr), OptionError);
  EXPECT_THROW(sgd(constant_rate(rate), 0, false, 0.0), OptionError);
  EXPECT_THROW(adam(constant_rate(rate), 1), OptionError);
  EXPECT_THROW(adam(constant_rate(rate), 0.9, 0.9, 0), OptionError);
  EXPECT_THROW(adamw(constant_rate(rate), 0.9, 0.9, 1e-8, -1), OptionError);
  EXPECT_THROW(rmsprop(constant_rate(rate), 2), OptionError);
  EXPECT_THROW(adagrad(constant_rate(rate), 0), OptionError);
}

}  // namespace
}  // namespace nnbind::test
