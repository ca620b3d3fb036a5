// What all optimizers have: their network, and the vectors that belong to it.
#include "nnbind/optimizer.hpp"

#include <cmath>

#include "nnbind/error.hpp"

namespace nnbind {

Optimizer::Optimizer(std::string name, const SchedulePointer& schedule,
                     std::optional<double> clip_norm)
    : name_(std::move(name)),
      schedule_(schedule == nullptr ? nullptr : schedule->clone()),
      clip_norm_(clip_norm) {
  require(schedule_ != nullptr, name_, "has no learning rate");
  require(!clip_norm_ || (std::isfinite(*clip_norm_) && *clip_norm_ > 0), name_,
          "clip_norm is " + number_text(clip_norm_.value_or(0)) + "; expected a positive number");
}

void Optimizer::bind(std::uint64_t network) {
  require(is_free_for(network), name_,
          "this optimizer trains another network; make a new one for this, or reset() it");
  network_ = network;
}

void Optimizer::set_iterations(std::int64_t iterations) {
  constexpr std::int64_t most = std::int64_t{1} << 62;
  require(iterations >= 0 && iterations <= most, name_,
          "iterations is " + std::to_string(iterations) + "; expected 0 to 2^62");
  iterations_ = iterations;
}

TrainingLock Optimizer::lock(std::string_view where) const {
  return {
      training_, where,
      "the optimizer is in use, by another thread or by the fit that calls this; make a new one "
      "instead"};
}

void Optimizer::reset() {
  const TrainingLock lock = this->lock("Optimizer.reset");
  forget();
}

void Optimizer::forget() {
  schedule_->reset();
  iterations_ = 0;
  network_ = 0;
  states_ = {};
}

}  // namespace nnbind
