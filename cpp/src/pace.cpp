#include "pace.hpp"

#include <algorithm>

namespace nnbind {

using namespace std::chrono_literals;

bool Pace::begins_on_team(Clock::time_point now) const {
  return finding_.team || now - finding_.compared >= finding_.valid;
}

void Pace::begin(Clock::time_point now, bool on_team, Clock::duration apart) {
  constexpr Clock::duration close = 250ns;  // cores of one chip are 50 to 150 apart, others 400
  if (on_team != on_team_) {
    begin_while();
    if (on_team) team_ = {};
    slow_ = 0;
    is_warm_ = false;
  }
  on_team_ = on_team;
  if (on_team) far_ = apart > close;
  last_ = now;
}

bool Pace::wants_team(Clock::time_point now) {
  constexpr Clock::duration a_while = 2ms, warming_up = 1ms;
  constexpr int least_steps = 16;
  constexpr int many = 5;  // whiles
  constexpr Clock::duration longest = 1s;
  spent_ += now - last_;
  last_ = now;
  ++steps_;
  if (!is_warm_) {
    is_warm_ = spent_ >= warming_up;
    if (is_warm_) begin_while();
    return on_team_;
  }
  if (steps_ < least_steps || spent_ < a_while) return on_team_;
  const Clock::duration mine = spent_ / steps_;
  begin_while();
  if (on_team_) {
    // It has become slower, as when the system has moved a thread; but not for a moment alone.
    slow_ = team_ != 0ns && mine > 5 * team_ / 4 ? slow_ + 1 : 0;
    far_ = far_ || slow_ == many;
    team_ = team_ == 0ns || slow_ == many ? mine : std::min(team_, mine);
    if (!far_) return choose(true);
  } else {
    alone_ = mine;
  }
  if (is_tried_) {
    finding_.valid = std::min(2 * finding_.valid, longest);
    return choose(team_ <= alone_);
  }
  if (now - finding_.compared < finding_.valid) return on_team_;
  finding_.compared = now;
  is_tried_ = true;
  return !on_team_;
}

void Pace::begin_while() {
  spent_ = {};
  steps_ = 0;
}

bool Pace::choose(bool team) {
  if (team != finding_.team) finding_.valid = shortest;
  is_tried_ = false;
  return finding_.team = team;
}

// A fork may have left the mutex locked for ever: then there is nothing to find, nor to keep.
Pace::Finding Findings::of(const Steps& steps) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return {};
  const auto* const found = std::ranges::find(entries_, steps, &Entry::steps);
  return found == entries_.end() ? Pace::Finding() : found->finding;
}

void Findings::keep(const Steps& steps, const Pace::Finding& finding) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  auto* entry = std::ranges::find(entries_, steps, &Entry::steps);
  if (entry == entries_.end()) {
    entry = &entries_[next_];
    next_ = (next_ + 1) % entries_.size();
  }
  *entry = {steps, finding};
}

Findings& findings() {
  static Findings all;
  return all;
}

}  // namespace nnbind
