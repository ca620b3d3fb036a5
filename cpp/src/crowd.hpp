// Whether other programs need the processors that a team would have.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>

namespace nnbind {

/// Learns from how long the members of teams have waited for each other, and tells whether a thread
/// had better work alone: a member that somebody else's work keeps from running holds up all
/// others, at each barrier. Then teams are given up for a while, and tried again; each time that
/// this fails, the while is twice as long. Any number of threads may use it.
class Crowd {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool is_here(Clock::time_point now = Clock::now()) const {
    return now < until_.load(std::memory_order_relaxed);
  }
  /// A team of that size has run for so long; its members, taken together, have waited for each
  /// other for so long.
  void learn(int size, Clock::duration ran, Clock::duration waited);
  /// As if nothing had been learned.
  void forget();

 private:
  std::atomic<Clock::time_point> until_{};  // when a team may be tried again
  std::mutex mutex_;                        // of what follows
  Clock::duration ran_{};                   // teams, in this interval
  Clock::duration worked_{};                // their members in it
  int in_a_row_ = 0;                        // intervals in which alone would have been faster
  Clock::duration pause_{};                 // the last one; less what teams have run well since
};

/// The one of this process.
Crowd& crowd();

}  // namespace nnbind
