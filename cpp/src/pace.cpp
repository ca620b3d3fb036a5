#include "pace.hpp"

#include <algorithm>

namespace nnbind {

using namespace std::chrono_literals;

void Pace::begin(Clock::time_point now, bool on_team, Clock::duration apart) {
  constexpr Clock::duration close = 250ns;  // cores of one chip are 50 to 150 apart, others 400
  if (on_team != on_team_) {
    spent_ = least_ = {};
    steps_ = 0;
  }
  on_team_ = on_team;
  if (on_team) far_ = apart > close;
  last_ = now;
}

bool Pace::wants_team(Clock::time_point now) {
  constexpr Clock::duration a_while = 2ms;
  constexpr int least_steps = 16;
  constexpr Clock::duration longest = 1s;
  spent_ += now - last_;
  last_ = now;
  if (++steps_ < least_steps || spent_ < a_while) return on_team_;
  const Clock::duration mine = time(on_team_) = spent_ / steps_;
  spent_ = {};
  steps_ = 0;
  if (on_team_) {
    least_ = least_ == 0ns ? mine : std::min(least_, mine);
    if (mine > 5 * least_ / 4) far_ = true;  // as when the system has moved a thread
    if (!far_) return choose(true);
  }
  if (is_tried_) {
    valid_ = std::min(2 * valid_, longest);
    return choose(on_team_ == (mine <= time(!on_team_)));
  }
  if (now - compared_ < valid_) return on_team_;
  compared_ = now;
  is_tried_ = true;
  return !on_team_;
}

bool Pace::choose(bool team) {
  if (team != chosen_) valid_ = shortest;
  is_tried_ = false;
  return chosen_ = team;
}

}  // namespace nnbind
