// Learning-rate schedules by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "nnbind/error.hpp"
#include "nnbind/schedule.hpp"

namespace nnbind::test {
namespace {

TEST(Schedule, FollowsItsFormula) {
  for (const std::int64_t t : {0, 1, 9, 10, 11, 99, 100, 1000}) {
    const auto steps = static_cast<double>(t);
    EXPECT_DOUBLE_EQ(constant_rate(0.1)->rate(t), 0.1);
    EXPECT_DOUBLE_EQ(step_decay(0.1, 10, 0.5)->rate(t), 0.1 * std::pow(0.5, t / 10));
    EXPECT_DOUBLE_EQ(exponential_decay(0.1, 10, 0.5)->rate(t), 0.1 * std::pow(0.5, steps / 10));
    EXPECT_DOUBLE_EQ(inverse_scaling(0.1, 0.5)->rate(t), 0.1 / std::sqrt(steps + 1));
  }
}

TEST(Schedule, CosineWarmsUpFallsAndStays) {
  const SchedulePointer schedule = cosine_decay(1, 110, 10, 0.2);
  for (int t = 0; t < 10; ++t) EXPECT_DOUBLE_EQ(schedule->rate(t), (t + 1) / 10.0);
  EXPECT_DOUBLE_EQ(schedule->rate(10), 1);
  EXPECT_DOUBLE_EQ(schedule->rate(60), 0.6);
  EXPECT_DOUBLE_EQ(schedule->rate(35), 0.2 + 0.4 * (1 + std::cos(std::numbers::pi / 4)));
  for (const int t : {110, 111, 1000}) EXPECT_DOUBLE_EQ(schedule->rate(t), 0.2);
}

TEST(Schedule, PlateauReducesAfterPatienceAndNotBelowItsLeast) {
  const SchedulePointer schedule = reduce_on_plateau(1, 0.1, 2, 0.5, 0.05);
  std::vector<double> rates;
  // Better; not by more than 0.5, twice; waits anew; better; stands still.
  for (const double loss : {10.0, 9.8, 9.6, 9.7, 5.0, 5.0, 5.0, 5.0, 5.0}) {
    schedule->end_epoch(loss);
    rates.push_back(schedule->rate(0));
  }
  const std::vector<double> expected{1, 1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05};
  for (std::size_t i = 0; i < rates.size(); ++i) EXPECT_DOUBLE_EQ(rates[i], expected[i]) << i;
  schedule->reset();
  EXPECT_EQ(schedule->rate(0), 1);
}

TEST(Schedule, CloneKeepsTheStateAndGoesItsOwnWay) {
  const SchedulePointer schedule = reduce_on_plateau(1, 0.5, 1, 0, 0);
  for (int epoch = 0; epoch < 2; ++epoch) schedule->end_epoch(1);
  const SchedulePointer clone = schedule->clone();
  clone->end_epoch(1);
  EXPECT_EQ(schedule->rate(0), 0.5);
  EXPECT_EQ(clone->rate(0), 0.25);
}

TEST(Schedule, RefusesNumbersOutOfRange) {
  EXPECT_THROW(constant_rate(0), OptionError);
  EXPECT_THROW(constant_rate(std::nan("")), OptionError);
  EXPECT_THROW(step_decay(0.1, 0, 0.5), OptionError);
  EXPECT_THROW(exponential_decay(0.1, 10, 1.5), OptionError);
  EXPECT_THROW(cosine_decay(0.1, 10, 10, 0), OptionError);
  EXPECT_THROW(cosine_decay(0.1, 10, 0, 0.2), OptionError);
  EXPECT_THROW(inverse_scaling(0.1, -1), OptionError);
  EXPECT_THROW(reduce_on_plateau(0.1, 0.5, 0, 0, 0), OptionError);
}

}  // namespace
}  // namespace nnbind::test
