// Teams of threads: barriers, shares and errors. Also run under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "nnbind/error.hpp"
#include "team.hpp"

namespace nnbind::test {
namespace {

TEST(Team, RunsEachMemberOnce) {
  for (int size = 1; size <= 6; ++size) {
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(size));
    run_team(size, [&](const Member& member) {
      ++calls[static_cast<std::size_t>(member.rank())];
      EXPECT_EQ(member.size(), size);
    });
    for (const auto& count : calls) EXPECT_EQ(count, 1) << "in a team of " << size;
  }
}

TEST(Team, BarrierPartsWhatCameBeforeFromWhatComesAfter) {
  constexpr int rounds = 300;
  for (const int size : {2, 3, 5}) {
    std::vector<int> progress(static_cast<std::size_t>(size));  // not atomic: the barrier orders
    std::atomic<int> wrong = 0;
    run_team(size, [&](const Member& member) {
      for (int round = 0; round < rounds; ++round) {
        progress[static_cast<std::size_t>(member.rank())] = round;
        member.barrier();
        for (const int other : progress) wrong += other != round;
        member.barrier();
      }
    });
    EXPECT_EQ(wrong, 0) << "in a team of " << size;
  }
}

TEST(Team, BarrierWaitsForAMemberThatSleeps) {
  bool awake = false;
  std::atomic<int> early = 0;
  run_team(3, [&](const Member& member) {
    if (member.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      awake = true;
    }
    member.barrier();
    early += !awake;
  });
  EXPECT_EQ(early, 0);
}

TEST(Team, AloneRunsOnceAndAllSeeWhatItWrote) {
  int value = 0;
  std::atomic<int> seen = 0;
  run_team(4, [&](const Member& member) {
    EXPECT_TRUE(member.alone([&] { ++value; }));
    seen += value;
  });
  EXPECT_EQ(seen, 4);
}

TEST(Team, AnExceptionInAloneEndsAllMembersAndReachesTheCaller) {
  for (const int size : {1, 4}) {
    std::atomic<int> told = 0;
    const auto run = [&] {
      run_team(size, [&](const Member& member) {
        const bool fine = member.alone([] { throw ShapeError("planted"); });
        told += !fine && member.failed();
      });
    };
    EXPECT_THROW(run(), ShapeError);
    EXPECT_EQ(told, size);
  }
}

TEST(Team, SharesCoverEverythingOnceAndInOrder) {
  for (int size = 1; size <= 9; ++size) {
    TeamState team(size);
    for (const Index grain : {1, 4, 12}) {
      for (Index count = 0; count <= 50; ++count) {
        Index covered = 0;
        for (int rank = 0; rank < size; ++rank) {
          const Range share = Member(team, rank).share(count, grain);
          EXPECT_EQ(share.begin, covered);
          EXPECT_GE(share.size(), 0);
          EXPECT_TRUE(share.begin % grain == 0 || share.size() == 0);
          EXPECT_LE(share.size(), ((count + grain - 1) / grain + size - 1) / size * grain);
          covered = share.end;
        }
        EXPECT_EQ(covered, count);
      }
    }
  }
}

TEST(Team, WithinATeamDoesItsWorkWhole) {
  std::atomic<Index> covered = 0;
  run_team(3, [&](const Member& /*outer*/) {
    run_team(3, [&](const Member& member) { covered += member.share(100).size(); });
  });
  EXPECT_EQ(covered, 3 * 100);
}

}  // namespace
}  // namespace nnbind::test
