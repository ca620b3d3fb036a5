// Whether the steps of a fit are faster on a team or alone, where nothing but a trial tells.
#pragma once

#include <chrono>

namespace nnbind {

/// Between cores that are far apart (on two chips, say) values take several times as long, and a
/// step on a team may take longer than alone: whether it does depends on the network and the batch.
/// There, and where a team has become slower, both ways are timed now and then for a while, and the
/// faster one is taken. Between cores that are close the estimate of the work is right.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  /// Steps begin or go on, on a team or alone: of a team, `apart` is how long a value takes from
  /// one of its cores to another and back.
  void begin(Clock::time_point now, bool on_team, Clock::duration apart = {});
  /// One more step has been made. Returns whether a team is wanted for the next ones.
  bool wants_team(Clock::time_point now);

 private:
  void begin_while();
  bool choose(bool team);

  /// For which a finding is valid that is new: it may be of a moment's trouble.
  static constexpr Clock::duration shortest = std::chrono::milliseconds(30);

  bool on_team_ = true;
  bool chosen_ = true;     // which way was found to be faster
  bool is_tried_ = false;  // the other one, just now
  bool far_ = false;
  bool is_warm_ = false;              // memory, caches and threads have been found
  Clock::time_point last_;            // end of a step
  Clock::time_point compared_;        // when the other way was tried
  Clock::duration valid_ = shortest;  // for how long what was found then is: longer and longer
  Clock::duration spent_{};           // on the steps of this while
  int steps_ = 0;
  int slow_ = 0;             // whiles in a row that took much longer than the shortest one
  Clock::duration alone_{};  // a step took last
  Clock::duration team_{};   // the least that one took on this team, or the last one; 0: not known
};

}  // namespace nnbind
