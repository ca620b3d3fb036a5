// Whether the steps of a fit are faster on a team or alone, where nothing but a trial tells.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>

namespace nnbind {

/// Between cores that are far apart (on two chips, say) values take several times as long, and a
/// step on a team may take longer than alone: whether it does depends on the network and the batch.
/// There, and where a team has become slower, both ways are timed now and then for a while, and the
/// faster one is taken. Between cores that are close the estimate of the work is right.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  /// A fit begins. Returns whether its first steps are made on a team: where that was slower, it is
  /// tried again when the finding is no longer valid.
  bool begin_fit(Clock::time_point now);
  /// Its steps begin or go on, on a team or alone: of a team, `apart` is how long a value takes
  /// from one of its cores to another and back.
  void begin(Clock::time_point now, bool on_team, Clock::duration apart = {});
  /// One more step has been made. Returns whether a team is wanted for the next ones.
  bool wants_team(Clock::time_point now);
  /// Whether both ways have ever been timed.
  [[nodiscard]] bool has_compared() const { return compared_ != Clock::time_point(); }

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

/// Keeps what fits have found, of this process, for the next ones of such steps: a short fit has no
/// time to find out by itself, and the fits of a search or of a loop over the data are many. Any
/// number of threads may use it.
class Paces {
 public:
  /// What steps are told apart by.
  struct Steps {
    double flops;  // of one
    int members;   // of the team
    bool operator==(const Steps&) const = default;
  };

  /// As the last fit of such steps has left it; a new one if that is not known (any more).
  Pace of(const Steps& steps);
  void keep(const Steps& steps, const Pace& pace);

 private:
  struct Entry {
    Steps steps{};
    Pace pace;
  };

  std::mutex mutex_;
  std::array<Entry, 16> entries_;  // the last ones
  std::size_t next_ = 0;           // to be replaced
};

/// Those of this process.
Paces& paces();

}  // namespace nnbind
