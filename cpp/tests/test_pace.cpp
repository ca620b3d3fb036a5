// When a fit works on a team: as its work deserves, and as a trial shows.
#include <gtest/gtest.h>

#include "batch_run.hpp"
#include "nnbind/nnbind.hpp"
#include "pace.hpp"

namespace nnbind::test {
namespace {

using namespace std::chrono_literals;

TEST(Team, IsAsLargeAsTheTimeOfTheWorkDeserves) {
  set_num_threads(2);
  const auto members = [](const Network<float>& network, Index batch_size, bool in_fit) {
    return training_members(network, cross_entropy(), batch_size, in_fit);
  };
  const auto thin = mlp<float>(8, {9, 9, 9}, 4, "relu", "softmax");  // 40 ns a sample
  EXPECT_EQ(members(thin, 32, true), 1);
  EXPECT_EQ(members(thin, 512, true), 2);
  EXPECT_EQ(members(thin, 512, false), 1);
  EXPECT_EQ(members(thin, 1024, false), 2);
  const auto wide = mlp<float>(784, {128}, 10, "relu", "softmax");  // 2 µs
  EXPECT_EQ(members(wide, 2, true), 1);
  EXPECT_EQ(members(wide, 8, true), 2);
  const auto neuron = mlp<float>(784, {}, 1, "relu", "sigmoid");  // 40 ns
  EXPECT_EQ(members(neuron, 32, true), 1);
  EXPECT_EQ(members(neuron, 512, true), 2);
  reset_num_threads();
}

/// Fits on a machine where a step takes so long, alone or on a team.
struct Steps {
  Pace::Clock::duration alone, team, apart;
  Pace pace;
  Pace::Clock::time_point now = Pace::Clock::now();
  bool on_team = true;

  void begin() { pace.begin(now, on_team, on_team ? apart : 0ns); }
  /// Returns whether it begins on a team.
  bool begin_fit() {
    pace = Pace(pace.finding());
    on_team = pace.begins_on_team(now);
    begin();
    return on_team;
  }
  /// Steps for that long; returns which part of them were made on a team.
  double run(Pace::Clock::duration time) {
    Pace::Clock::duration on_teams{};
    const auto start = now;
    while (now - start < time) {
      const auto step = on_team ? team : alone;
      now += step;
      if (on_team) on_teams += step;
      if (const bool wanted = pace.wants_team(now); wanted != on_team) {
        on_team = wanted;
        begin();
      }
    }
    return std::chrono::duration<double>(on_teams) / (now - start);
  }
};

TEST(Pace, StaysOnATeamOfCloseCores) {
  Steps steps{.alone = 10us, .team = 12us, .apart = 120ns, .pace = {}};
  steps.begin();
  EXPECT_EQ(steps.run(3s), 1);
}

TEST(Pace, TriesBothWaysBetweenCoresThatAreFarApart) {
  for (const auto team : {15us, 25us}) {
    Steps steps{.alone = 20us, .team = team, .apart = 550ns, .pace = {}};
    steps.begin();
    (void)steps.run(10ms);
    EXPECT_EQ(steps.on_team, team == 15us);
    const double part = steps.run(5s);
    EXPECT_NEAR(part, team == 15us ? 1 : 0, 0.01);
    EXPECT_NE(part, team == 15us ? 1 : 0) << "nothing is found out any more";
  }
}

TEST(Pace, FindsOutThatATeamHasBecomeSlower) {
  Steps steps{.alone = 20us, .team = 12us, .apart = 120ns, .pace = {}};
  steps.begin();
  EXPECT_EQ(steps.run(1s), 1);
  steps.team = 30us;
  steps.apart = 550ns;
  (void)steps.run(30ms);
  EXPECT_FALSE(steps.on_team);
}

TEST(Pace, IsSoonBackOnATeamAfterAMomentsTrouble) {
  Steps steps{.alone = 20us, .team = 12us, .apart = 120ns, .pace = {}};
  steps.begin();
  (void)steps.run(100ms);
  steps.team = 90us;
  EXPECT_EQ(steps.run(8ms), 1);
  (void)steps.run(20ms);
  EXPECT_FALSE(steps.on_team);
  steps.team = 12us;
  (void)steps.run(50ms);
  EXPECT_EQ(steps.run(3s), 1);
}

TEST(Pace, FindsOutThatCoresAreCloseAgain) {
  Steps steps{.alone = 20us, .team = 30us, .apart = 550ns, .pace = {}};
  steps.begin();
  (void)steps.run(1s);
  EXPECT_FALSE(steps.on_team);
  steps.team = 12us;
  steps.apart = 120ns;
  (void)steps.run(1100ms);
  EXPECT_TRUE(steps.on_team);
  EXPECT_EQ(steps.run(2s), 1);
}

TEST(Pace, KeepsItsFindingForTheNextFits) {
  Steps steps{.alone = 20us, .team = 30us, .apart = 550ns, .pace = {}};
  EXPECT_TRUE(steps.begin_fit());
  double parts = 0;
  for (int fit = 0; fit < 100; ++fit) {  // 2 s; without that, a part of 0.2 in each
    (void)steps.begin_fit();
    parts += steps.run(20ms);
  }
  EXPECT_LT(parts / 100, 0.02);
  EXPECT_FALSE(steps.begin_fit());
  steps.now += 1s;
  EXPECT_TRUE(steps.begin_fit()) << "no finding is valid for longer";
}

TEST(Pace, FindsOutInShortFitsThatCoresAreCloseAgain) {
  Steps steps{.alone = 20us, .team = 30us, .apart = 550ns, .pace = {}};
  const auto fits = [&](int count) {
    for (int fit = 0; fit < count; ++fit) {
      (void)steps.begin_fit();
      (void)steps.run(10ms);
    }
  };
  fits(10);
  EXPECT_FALSE(steps.on_team);
  steps.team = 12us;
  steps.apart = 120ns;
  fits(100);
  EXPECT_TRUE(steps.on_team);
}

TEST(Findings, AreKeptByWhatAStepIs) {
  Steps slow{.alone = 20us, .team = 30us, .apart = 550ns, .pace = {}};
  (void)slow.begin_fit();
  (void)slow.run(20ms);
  Findings findings;
  const Findings::Steps steps{.flops = 1e6, .members = 2};
  const auto begins_on_team = [&](const Findings::Steps& some) {
    return Pace(findings.of(some)).begins_on_team(slow.now);
  };
  EXPECT_TRUE(begins_on_team(steps));
  findings.keep(steps, slow.pace.finding());
  EXPECT_FALSE(begins_on_team(steps));
  EXPECT_TRUE(begins_on_team({.flops = 2e6, .members = 2}));
  EXPECT_TRUE(begins_on_team({.flops = 1e6, .members = 3}));
  for (int k = 0; k < 15; ++k) findings.keep({.flops = 3e6 + k, .members = 2}, {});
  EXPECT_FALSE(begins_on_team(steps));
  findings.keep(steps, slow.pace.finding());  // in its place
  EXPECT_FALSE(begins_on_team(steps));
  findings.keep({.flops = 9e6, .members = 2}, {});
  EXPECT_TRUE(begins_on_team(steps)) << "the oldest one is forgotten";
}

}  // namespace
}  // namespace nnbind::test
