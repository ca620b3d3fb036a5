#include "nnbind/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "nnbind/error.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

void require_factor(const std::string& where, double factor) {
  require(factor > 0 && factor <= 1, where,
          "factor is " + number_text(factor) + "; expected 0 < factor <= 1");
}

/// A schedule that is a formula γ(t) and keeps no state.
template <class Formula>
class FormulaSchedule final : public Schedule {
 public:
  FormulaSchedule(Recipe recipe, Formula formula) : recipe_(std::move(recipe)), formula_(formula) {}
  [[nodiscard]] double rate(std::int64_t step) const override {
    return formula_(static_cast<double>(step));
  }
  [[nodiscard]] SchedulePointer clone() const override {
    return std::make_shared<FormulaSchedule>(*this);
  }
  [[nodiscard]] std::optional<Recipe> recipe() const override { return recipe_; }

 private:
  Recipe recipe_;
  Formula formula_;
};

template <class Formula>
SchedulePointer from_formula(Recipe recipe, Formula formula) {
  return std::make_shared<FormulaSchedule<Formula>>(std::move(recipe), formula);
}

class ReduceOnPlateau final : public Schedule {
 public:
  ReduceOnPlateau(double rate, double factor, int patience, double min_delta, double min_rate)
      : start_(rate),
        rate_(rate),
        factor_(factor),
        patience_(patience),
        min_delta_(min_delta),
        min_rate_(min_rate) {}

  [[nodiscard]] double rate(std::int64_t /*step*/) const override { return rate_; }

  void end_epoch(double monitored) override {
    if (monitored < best_ - min_delta_) {
      best_ = monitored;
      waited_ = 0;
    } else if (++waited_ >= patience_) {
      rate_ = std::max(rate_ * factor_, min_rate_);
      waited_ = 0;
    }
  }

  void reset() override {
    rate_ = start_;
    best_ = std::numeric_limits<double>::infinity();
    waited_ = 0;
  }

  [[nodiscard]] SchedulePointer clone() const override {
    return std::make_shared<ReduceOnPlateau>(*this);
  }

  [[nodiscard]] std::optional<Recipe> recipe() const override {
    return Recipe{"reduce_on_plateau",
                  {{"rate", start_},
                   {"factor", factor_},
                   {"patience", std::int64_t{patience_}},
                   {"min_delta", min_delta_},
                   {"min_rate", min_rate_}}};
  }

  [[nodiscard]] std::vector<double> state() const override {
    return {rate_, best_, static_cast<double>(waited_)};
  }

  void set_state(std::span<const double> numbers) override {
    const bool fits = numbers.size() == 3 && numbers[0] >= min_rate_ && numbers[0] <= start_ &&
                      !std::isnan(numbers[1]) && numbers[2] >= 0 && numbers[2] < patience_ &&
                      numbers[2] == std::floor(numbers[2]);
    require(fits, "Schedule", "expected its rate, its best loss and the epochs it has waited");
    rate_ = numbers[0];
    best_ = numbers[1];
    waited_ = static_cast<int>(numbers[2]);
  }

 private:
  double start_;
  double rate_;
  double factor_;
  int patience_;
  double min_delta_;
  double min_rate_;
  double best_ = std::numeric_limits<double>::infinity();
  int waited_ = 0;
};

}  // namespace

void Schedule::set_state(std::span<const double> numbers) {
  require(numbers.empty(), "Schedule", "this one has no state");
}

SchedulePointer constant_rate(double rate) {
  require_positive("Schedule", "learning_rate", rate);
  return from_formula({"constant", {{"rate", rate}}}, [rate](double /*t*/) { return rate; });
}

SchedulePointer step_decay(double rate, std::int64_t every, double factor) {
  require_positive("Step", "rate", rate);
  require_factor("Step", factor);
  require_count("Step", "every", every, 1);
  return from_formula({"step", {{"rate", rate}, {"every", every}, {"factor", factor}}},
                      [rate, factor, period = static_cast<double>(every)](double t) {
                        return rate * std::pow(factor, std::floor(t / period));
                      });
}

SchedulePointer exponential_decay(double rate, std::int64_t every, double factor) {
  require_positive("Exponential", "rate", rate);
  require_factor("Exponential", factor);
  require_count("Exponential", "every", every, 1);
  return from_formula({"exponential", {{"rate", rate}, {"every", every}, {"factor", factor}}},
                      [rate, factor, period = static_cast<double>(every)](double t) {
                        return rate * std::pow(factor, t / period);
                      });
}

SchedulePointer cosine_decay(double rate, std::int64_t steps, std::int64_t warmup, double final) {
  require_positive("Cosine", "rate", rate);
  require_count("Cosine", "steps", steps, 1);
  require_count("Cosine", "warmup", warmup, 0);
  require(warmup < steps, "Cosine",
          "warmup is " + std::to_string(warmup) + " and steps is " + std::to_string(steps) +
              "; expected warmup < steps");
  require(final >= 0 && final <= rate, "Cosine",
          "final is " + number_text(final) + "; expected 0 <= final <= rate");
  Recipe recipe{"cosine", {{"rate", rate}, {"steps", steps}, {"warmup", warmup}, {"final", final}}};
  return from_formula(std::move(recipe), [rate, final, start = static_cast<double>(warmup),
                                          end = static_cast<double>(steps)](double t) {
    if (t < start) return rate * (t + 1) / start;
    const double progress = std::min(1.0, (t - start) / (end - start));
    return final + (rate - final) * (1 + std::cos(std::numbers::pi * progress)) / 2;
  });
}

SchedulePointer inverse_scaling(double rate, double power) {
  require_positive("InverseScaling", "rate", rate);
  require_not_negative("InverseScaling", "power", power);
  return from_formula({"inverse_scaling", {{"rate", rate}, {"power", power}}},
                      [rate, power](double t) { return rate / std::pow(t + 1, power); });
}

SchedulePointer reduce_on_plateau(double rate, double factor, int patience, double min_delta,
                                  double min_rate) {
  require_positive("ReduceOnPlateau", "rate", rate);
  require_factor("ReduceOnPlateau", factor);
  require_count("ReduceOnPlateau", "patience", patience, 1);
  require_not_negative("ReduceOnPlateau", "min_delta", min_delta);
  require(min_rate >= 0 && min_rate <= rate, "ReduceOnPlateau",
          "min_rate is " + number_text(min_rate) + "; expected 0 <= min_rate <= rate");
  return std::make_shared<ReduceOnPlateau>(rate, factor, patience, min_delta, min_rate);
}

}  // namespace nnbind
