#include "crowd.hpp"

#include <algorithm>

namespace nnbind {

void Crowd::learn(int size, Clock::duration ran, Clock::duration waited) {
  using namespace std::chrono_literals;
  constexpr Clock::duration interval = 20ms;  // a few turns of the system's scheduler
  constexpr double alone = 1.25;  // members' work that one alone does in the time of 1: no barriers
  constexpr Clock::duration shortest = 40ms, longest = 2s;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;  // a fork may have left it locked for ever
  // One may be a moment's, and another library's threads may spin for 0.2 s after their last work:
  // the first pauses are short. But not where it was crowded all the time before.
  const int enough = pause_ >= 300ms ? 1 : 3;
  ran_ += ran;
  worked_ += size * ran - waited;
  if (ran_ < interval) return;
  if (std::chrono::duration<double>(worked_) < alone * ran_) {
    ++in_a_row_;
  } else {
    in_a_row_ = 0;
    pause_ -= std::min(ran_, pause_);
  }
  ran_ = worked_ = {};
  if (in_a_row_ < enough) return;
  in_a_row_ = 0;
  pause_ = std::clamp(2 * pause_, shortest, longest);
  until_.store(Clock::now() + pause_, std::memory_order_relaxed);
}

void Crowd::forget() {
  until_.store({}, std::memory_order_relaxed);
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  ran_ = worked_ = pause_ = {};
  in_a_row_ = 0;
}

Crowd& crowd() {
  static Crowd one;
  return one;
}

}  // namespace nnbind
