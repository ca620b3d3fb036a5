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

TEST(Crowd, IsThereAfterFiveBadIntervalsInARow) {
  Crowd crowd;
  EXPECT_FALSE(crowd.is_here());
  learn_bad(crowd, 4);
  learn_good(crowd);
  learn_bad(crowd, 4);
  EXPECT_FALSE(crowd.is_here());
  learn_bad(crowd);
  EXPECT_TRUE(crowd.is_here());
  EXPECT_FALSE(lasts(crowd, 110ms));
}

TEST(Crowd, IsMetByLongerAndLongerPausesAndSoonerInTheEnd) {
  Crowd crowd;
  learn_bad(crowd, 5 + 5);
  EXPECT_TRUE(lasts(crowd, 150ms));
  EXPECT_FALSE(lasts(crowd, 210ms));
  learn_bad(crowd, 5);
  EXPECT_TRUE(lasts(crowd, 350ms));
  learn_bad(crowd);
  EXPECT_TRUE(lasts(crowd, 750ms));
  learn_bad(crowd, 20);
  EXPECT_TRUE(lasts(crowd, 1900ms));
  EXPECT_FALSE(lasts(crowd, 2010ms));
}

TEST(Crowd, IsForgottenWhenTeamsHaveRunWellForAsLongAsThePause) {
  Crowd crowd;
  learn_bad(crowd, 5);
  learn_good(crowd, 4);
  learn_bad(crowd, 5);
  EXPECT_TRUE(crowd.is_here());
  EXPECT_FALSE(lasts(crowd, 110ms));
}

TEST(Crowd, IsForgottenOnDemand) {
  Crowd crowd;
  learn_bad(crowd, 15);
  crowd.forget();
  EXPECT_FALSE(crowd.is_here());
  learn_bad(crowd, 4);
  EXPECT_FALSE(crowd.is_here());
}

TEST(Crowd, IsSeenFromManyShortRuns) {
  Crowd crowd;
  for (int k = 0; k < 99; ++k) crowd.learn(2, 1ms, 1ms);
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
