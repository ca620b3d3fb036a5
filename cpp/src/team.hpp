// A team of threads that run one function together: the only place that knows OpenMP.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>

#include "crowd.hpp"
#include "denormals.hpp"
#include "nnbind/matrix.hpp"

namespace nnbind {

/// What the members of a team share.
struct TeamState {
  explicit TeamState(int members) : size(members) {}
  const int size;
  alignas(cache_line) std::atomic<int> arrived{0};
  alignas(cache_line) std::atomic<unsigned> phase{0};  // 2 × the barriers passed, + 1: broken up
  alignas(cache_line) std::atomic<std::int64_t> nanoseconds_waited{0};
  alignas(cache_line) std::atomic<unsigned> done{0};    // members that have left the body
  alignas(cache_line) std::atomic<unsigned> throws{0};  // of a ball, between the first two members
  const std::function<void()>* poll = nullptr;
  int processor = -1;                 // that the first member began on
  std::exception_ptr error;           // the first
  Crowd::Clock::time_point reported;  // until when the crowd knows of it
  Crowd::Clock::duration
      first_took{};  // the first member of several, from its beginning to its end

  /// By a member that leaves with an exception: the others leave too, at the next barrier, which
  /// it will not reach. Those that it has reached are passed by all.
  void break_up(const std::exception_ptr& why);
  /// Lets the crowd know how much has been waited since the last time. By the first member.
  void report(Crowd::Clock::time_point now);
};

/// One thread of a team. All members run the same function and meet at its barriers; what they
/// compute in between must be disjoint.
class Member {
 public:
  Member(TeamState& team, int rank) : team_(&team), rank_(rank) {}

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return team_->size; }

  /// This member's part of {0, ..., count - 1}, in multiples of `grain` but for the last.
  [[nodiscard]] Range share(Index count, Index grain = 1) const {
    if (team_->size == 1) return {0, count};
    const Index grains = ceil_div(count, grain);
    const auto at = [&](int rank) { return std::min(count, grains * rank / team_->size * grain); };
    return {at(rank_), at(rank_ + 1)};
  }

  /// Waits for all members. What each wrote before is seen by all after.
  void barrier() const { wait_for_all(true); }
  /// How long a value takes from the first member's core to the second's and back. By all members;
  /// the first one's result counts.
  [[nodiscard]] Crowd::Clock::duration round_trip() const;
  /// In a long run, by the first member: lets the crowd know, now and then, how much was waited.
  void report(Crowd::Clock::time_point now) const;

  /// The first member calls `work`, as the caller's own code, while the others wait.
  template <class F>
  void alone(F&& work) const {
    if (rank_ == 0) {
      const DenormalMode keep(false);
      work();
    }
    wait_for_all(false);
  }
  /// In a long piece of work, about every millisecond: the first member calls what run_team was
  /// given for it, and the others leave if the team has been broken up.
  void poll() const;

 private:
  void wait_for_all(bool counts) const;

  TeamState* team_;
  int rank_;
};

/// Runs `body` on `threads` threads, of which the caller is the first; on the caller alone if it is
/// 1, if the caller is in an OpenMP region already, or if OpenMP gives fewer: so the body goes by
/// Member::size. What a member throws, at any place, is thrown on when all have left: the others do
/// so at their next barrier. `poll` may throw too, to end the work.
void run_team(int threads, const std::function<void(const Member&)>& body,
              const std::function<void()>& poll = nullptr);

/// How many threads a piece of work deserves that takes one as long as so many operations: one for
/// each full share, at least one, since a team has to be called, and the values that travel from
/// core to core cost time too. A step of many in the run of a team pays for these and for barriers
/// alone: its share is smaller. Never more than get_num_threads(); and one for a call while the
/// processors are crowded.
int threads_for(double flops, bool is_step = false);

}  // namespace nnbind
