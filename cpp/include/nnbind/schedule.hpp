// Learning-rate schedules: γ as a function of the optimizer's step t = 0, 1, 2, ...
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nnbind/attributes.hpp"

namespace nnbind {

/// A schedule. `reduce_on_plateau` alone looks at the loss and counts in epochs.
class Schedule {
 public:
  Schedule() = default;
  virtual ~Schedule() = default;
  Schedule(const Schedule&) = default;
  Schedule& operator=(const Schedule&) = default;

  /// The learning rate of step t.
  [[nodiscard]] virtual double rate(std::int64_t step) const = 0;
  /// Told the monitored loss after each epoch.
  virtual void end_epoch(double /*monitored*/) {}
  /// As new.
  virtual void reset() {}
  [[nodiscard]] virtual std::shared_ptr<Schedule> clone() const = 0;

  /// From what make_schedule makes it again, as new; nothing unless it is built in.
  [[nodiscard]] virtual std::optional<Recipe> recipe() const { return std::nullopt; }
  /// What the losses have made of it: of reduce_on_plateau (rate, best loss, epochs waited).
  [[nodiscard]] virtual std::vector<double> state() const { return {}; }
  /// Throws OptionError unless they are such numbers.
  virtual void set_state(std::span<const double> numbers);
};

using SchedulePointer = std::shared_ptr<Schedule>;

// Each throws OptionError unless rate > 0, 0 < factor <= 1, every, steps and patience >= 1,
// 0 <= warmup < steps, 0 <= final and min_rate <= rate, and power and min_delta >= 0.

/// γ(t) = rate.
SchedulePointer constant_rate(double rate);
/// γ(t) = rate · factor^⌊t / every⌋.
SchedulePointer step_decay(double rate, std::int64_t every, double factor);
/// γ(t) = rate · factor^(t / every).
SchedulePointer exponential_decay(double rate, std::int64_t every, double factor);
/// γ(t) = rate · (t + 1) / warmup for t < warmup, then half a cosine from rate down to final at
/// t = steps, and final from there on. Loshchilov and Hutter, "SGDR", ICLR 2017.
SchedulePointer cosine_decay(double rate, std::int64_t steps, std::int64_t warmup, double final);
/// γ(t) = rate / (t + 1)^power.
SchedulePointer inverse_scaling(double rate, double power);
/// Multiplies the rate by factor, down to min_rate, whenever the monitored loss (the validation
/// loss if there is one, else the training loss) has not fallen by more than min_delta below its
/// best for `patience` epochs.
SchedulePointer reduce_on_plateau(double rate, double factor, int patience, double min_delta,
                                  double min_rate);

/// The schedule whose recipe() it is. Throws OptionError if there is none such.
SchedulePointer make_schedule(const Recipe& recipe);

}  // namespace nnbind
