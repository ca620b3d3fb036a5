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

TEST(Team, TellsHowLongARoundTripTakesAsOftenAsItIsAsked) {
  for (const int size : {2, 5}) {
    run_team(size, [&](const Member& member) {
      for (int k = 0; k < 3; ++k) {
        const auto time = member.round_trip();
        if (member.rank() == 0) {
          EXPECT_GT(time.count(), 0);
          EXPECT_LT(time, std::chrono::seconds(10));
        }
        member.barrier();
      }
    });
  }
}

TEST(Team, AloneRunsOnceAndAllSeeWhatItWrote) {
  int value = 0;
  std::atomic<int> seen = 0;
  run_team(4, [&](const Member& member) {
    member.alone([&] { ++value; });
    seen += value;
  });
  EXPECT_EQ(seen, 4);
}

TEST(Team, AnExceptionInAloneEndsAllMembersAndReachesTheCaller) {
  for (const int size : {1, 4}) {
    std::atomic<int> went_on = 0;
    const auto run = [&] {
      run_team(size, [&](const Member& member) {
        member.alone([] { throw ShapeError("planted"); });
        ++went_on;
      });
    };
    EXPECT_THROW(run(), ShapeError);
    EXPECT_EQ(went_on, 0);
  }
}

TEST(Team, AnExceptionOfAnyMemberEndsTheOthersAtTheBarrierThatItDoesNotReach) {
  constexpr int rounds = 20;
  for (const int size : {1, 2, 4}) {
    for (int thrower = 0; thrower < size; ++thrower) {
      std::atomic<int> passed = 0, went_on = 0;
      const auto run = [&] {
        run_team(size, [&](const Member& member) {
          for (int round = 0; round < rounds; ++round) {
            member.barrier();
            ++passed;
          }
          if (member.rank() == thrower) throw ShapeError("planted");
          member.barrier();
          ++went_on;
        });
      };
      EXPECT_THROW(run(), ShapeError);
      EXPECT_EQ(passed, size * rounds);
      EXPECT_EQ(went_on, 0);
    }
  }
}

TEST(Team, AnExceptionWakesMembersThatSleepAtABarrier) {
  const auto run = [] {
    run_team(3, [](const Member& member) {
      if (member.rank() == 2) {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        throw ShapeError("planted");
      }
      member.barrier();
    });
  };
  EXPECT_THROW(run(), ShapeError);
}

TEST(Team, OfSeveralExceptionsOneReachesTheCaller) {
  EXPECT_THROW(run_team(4, [](const Member& /*member*/) { throw ShapeError("planted"); }),
               ShapeError);
}

TEST(Team, PollsOnTheCallersThreadAloneAndEndsWhenThatThrows) {
  for (const int size : {1, 3}) {
    int polls = 0;
    const auto caller = std::this_thread::get_id();
    const auto poll = [&] {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      if (++polls == 5) throw ShapeError("planted");
    };
    const auto run = [&] {
      run_team(
          size,
          [](const Member& member) {
            for (;;) {
              member.poll();
              member.barrier();
            }
          },
          poll);
    };
    EXPECT_THROW(run(), ShapeError);
    EXPECT_EQ(polls, 5);
  }
}

TEST(Team, MembersThatPollLeaveATeamThatIsBrokenUp) {
  const auto run = [] {
    run_team(3, [](const Member& member) {
      if (member.rank() == 1) throw ShapeError("planted");
      while (member.rank() == 2) member.poll();
    });
  };
  EXPECT_THROW(run(), ShapeError);
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
          EXPECT_LE(share.size(), ceil_div(ceil_div(count, grain), size) * grain);
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
