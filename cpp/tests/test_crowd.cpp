// When teams are given up for a while, and for how long.
#include <gtest/gtest.h>

#include "crowd.hpp"

namespace nnbind::test {
namespace {

using namespace std::chrono_literals;

/// The members of a team of two have waited for most of the time, or not at all.
void learn_bad(Crowd& crowd, int times = 1) {
  for (int k = 0; k < times; ++k) crowd.learn(2, 25ms, 20ms);
}
void learn_good(Crowd& crowd, int times = 1) {
  for (int k = 0; k < times; ++k) crowd.learn(2, 25ms, 1ms);
}

bool lasts(const Crowd& crowd, Crowd::Clock::duration time) {
  return crowd.is_here(Crowd::Clock::now() + time);
}

TEST(Crowd, IsThereAfterThreeBadIntervalsInARow) {
  Crowd crowd;
  EXPECT_FALSE(crowd.is_here());
  learn_bad(crowd, 2);
  learn_good(crowd);
  learn_bad(crowd, 2);
  EXPECT_FALSE(crowd.is_here());
  learn_bad(crowd);
  EXPECT_TRUE(crowd.is_here());
  EXPECT_FALSE(lasts(crowd, 50ms));
}

TEST(Crowd, IsMetByLongerAndLongerPausesAndSoonerInTheEnd) {
  Crowd crowd;
  learn_bad(crowd, 3 + 3 + 3);
  EXPECT_TRUE(lasts(crowd, 90ms));
  EXPECT_FALSE(lasts(crowd, 170ms));
  learn_bad(crowd, 3);
  EXPECT_TRUE(lasts(crowd, 200ms));
  learn_bad(crowd);
  EXPECT_TRUE(lasts(crowd, 400ms));
  learn_bad(crowd, 20);
  EXPECT_TRUE(lasts(crowd, 1500ms));
  EXPECT_FALSE(lasts(crowd, 2010ms));
}

TEST(Crowd, IsForgottenWhenTeamsHaveRunWellForAsLongAsThePause) {
  Crowd crowd;
  learn_bad(crowd, 3);
  learn_good(crowd, 2);
  learn_bad(crowd, 3);
  EXPECT_TRUE(crowd.is_here());
  EXPECT_FALSE(lasts(crowd, 50ms));
}

TEST(Crowd, IsForgottenOnDemand) {
  Crowd crowd;
  learn_bad(crowd, 15);
  crowd.forget();
  EXPECT_FALSE(crowd.is_here());
  learn_bad(crowd, 2);
  EXPECT_FALSE(crowd.is_here());
}

TEST(Crowd, IsSeenFromManyShortRuns) {
  Crowd crowd;
  for (int k = 0; k < 59; ++k) crowd.learn(2, 1ms, 1ms);
  EXPECT_FALSE(crowd.is_here());
  crowd.learn(2, 1ms, 1ms);
  EXPECT_TRUE(crowd.is_here());
}

TEST(Crowd, IsNotWhereALargeTeamStillDoesMoreThanOne) {
  Crowd crowd;
  for (int k = 0; k < 9; ++k) crowd.learn(64, 25ms, 63 * 12ms);
  EXPECT_FALSE(crowd.is_here());
}

}  // namespace
}  // namespace nnbind::test
