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

  /// For which a finding is valid that is new: it may be of a moment's trouble.
  static constexpr Clock::duration shortest = std::chrono::milliseconds(30);
  /// Which way was found to be faster, when the other one was tried, and for how long that is valid
  /// then: longer and longer.
  struct Finding {
    bool team = true;
    Clock::time_point compared;
    Clock::duration valid = shortest;
  };

  Pace() = default;
  /// Of a fit that begins with what another one has found.
  explicit Pace(const Finding& finding) : finding_(finding) {}

  /// Whether the first steps are to be made on a team: where that was slower, it is tried again
  /// when the finding is no longer valid.
  [[nodiscard]] bool begins_on_team(Clock::time_point now) const;
  /// Steps begin or go on, on a team or alone: of a team, `apart` is how long a value takes from
  /// one of its cores to another and back.
  void begin(Clock::time_point now, bool on_team, Clock::duration apart = {});
  /// One more step has been made. Returns whether a team is wanted for the next ones.
  bool wants_team(Clock::time_point now);
  [[nodiscard]] const Finding& finding() const { return finding_; }

 private:
  void begin_while();
  bool choose(bool team);

  Finding finding_;
  bool on_team_ = true;
  bool is_tried_ = false;  // the other way, just now
  bool far_ = false;
  bool is_warm_ = false;     // memory, caches and threads have been found
  Clock::time_point last_;   // end of a step
  Clock::duration spent_{};  // on the steps of this while
  int steps_ = 0;
  int slow_ = 0;             // whiles in a row that took much longer than the shortest one
  Clock::duration alone_{};  // a step took last
  Clock::duration team_{};   // the least that one took on this team, or the last one; 0: not known
};

/// Keeps what fits have found, of this process, for the next ones of such steps: a short fit has no
/// time to find out by itself, and the fits of a search or of a loop over the data are many. Any
/// number of threads may use it.
class Findings {
 public:
  /// What steps are told apart by.
  struct Steps {
    double flops;  // of one
    int members;   // of the team
    bool operator==(const Steps&) const = default;
  };

  /// What the last fit of such steps has found; that of none if it is not known (any more).
  Pace::Finding of(const Steps& steps);
  void keep(const Steps& steps, const Pace::Finding& finding);

 private:
  struct Entry {
    Steps steps{};
    Pace::Finding finding;
  };

  std::mutex mutex_;
  std::array<Entry, 16> entries_;  // the last ones
  std::size_t next_ = 0;           // to be replaced
};

/// Those of this process.
Findings& findings();

}  // namespace nnbind
