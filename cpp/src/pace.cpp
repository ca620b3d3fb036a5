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
  constexpr Clock::duration valid = 1s;  // is what has been found: others come and go
  spent_ += now - last_;
  last_ = now;
  if (++steps_ < least_steps || spent_ < a_while) return on_team_;
  const Clock::duration mine = time(on_team_) = spent_ / steps_;
  Clock::duration& other = time(!on_team_);
  spent_ = {};
  steps_ = 0;
  if (on_team_) {
    least_ = least_ == 0ns ? mine : std::min(least_, mine);
    if (mine > 5 * least_ / 4) far_ = true;  // as when the system has moved a thread
    if (!far_) return true;
  }
  if (other == 0ns || now - compared_ > valid) {  // it is timed too
    compared_ = now;
    return !on_team_;
  }
  return on_team_ == (mine <= other);
}

}  // namespace nnbind
