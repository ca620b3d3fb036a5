// A team of threads that run one function together: the only place that knows OpenMP.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>

#include "nnbind/matrix.hpp"

namespace nnbind {

/// What the members of a team share.
struct TeamState {
  explicit TeamState(int members) : size(members) {}
  const int size;
  alignas(cache_line) std::atomic<int> arrived{0};
  alignas(cache_line) std::atomic<unsigned> phase{0};
  alignas(cache_line) std::atomic<std::int64_t> nanoseconds_waited{0};
  alignas(cache_line) std::atomic<unsigned> done{0};  // members that have left the body
  std::exception_ptr error;
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
    const Index grains = (count + grain - 1) / grain;
    const auto at = [&](int rank) { return std::min(count, grains * rank / team_->size * grain); };
    return {at(rank_), at(rank_ + 1)};
  }

  /// Waits for all members. What each wrote before is seen by all after.
  void barrier() const { wait_for_all(true); }
  /// The time that members have waited at barriers for others which did not run: of all members
  /// together, waits too short to have been for that left out.
  [[nodiscard]] double seconds_waited() const {
    return 1e-9 * static_cast<double>(team_->nanoseconds_waited.load(std::memory_order_relaxed));
  }

  /// The first member calls `work` while the others wait. False, for all, if it threw; run_team
  /// throws it on when the members have left.
  [[nodiscard]] bool alone(const std::function<void()>& work) const;
  /// Whether a call of `alone` has thrown; to be asked after a barrier.
  [[nodiscard]] bool failed() const { return team_->error != nullptr; }

 private:
  void wait_for_all(bool counts) const;

  TeamState* team_;
  int rank_;
};

/// Runs `body` on `threads` threads, of which the caller is the first; on the caller alone if it is
/// 1, if the caller is in an OpenMP region already, or if OpenMP gives fewer: so the body goes by
/// Member::size. It may throw only within Member::alone, unless it is alone.
void run_team(int threads, const std::function<void(const Member&)>& body);

/// How many threads a piece of work deserves: one thread for each full `flops_per_thread`, at least
/// one, since barriers, and values that travel from core to core, cost as much as some 10⁶
/// operations. Never more than get_num_threads().
int threads_for(double flops);

}  // namespace nnbind
