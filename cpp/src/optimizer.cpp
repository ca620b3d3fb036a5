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

template <class T>
void Optimizer::bind(std::uint64_t network, Index parameter_count) {
  if (network_ == network) return;
  require(is_free_for(network), name_,
          "this optimizer trains another network; make a new one for this, or reset() it");
  constexpr Index line = line_elements<T>;
  stride_ = (parameter_count + line - 1) / line * line + line;
  state_of<T>().vectors.assign(static_cast<std::size_t>(state_vectors() * stride_), T{0});
  network_ = network;
  parameter_count_ = parameter_count;
}

template <class T>
std::span<T> Optimizer::state_vector(int vector) {
  return {state_of<T>().vectors.data() + vector * stride_,
          static_cast<std::size_t>(parameter_count_)};
}

template <class T>
std::span<const T> Optimizer::state_vector(int vector) const {
  return const_cast<Optimizer*>(this)->state_vector<T>(vector);  // NOLINT: read alone
}

void Optimizer::set_iterations(std::int64_t iterations) {
  constexpr std::int64_t most = std::int64_t{1} << 62;
  require(iterations >= 0 && iterations <= most, name_,
          "iterations is " + std::to_string(iterations) + "; expected 0 to 2^62");
  iterations_ = iterations;
}

void Optimizer::reset() {
  schedule_->reset();
  iterations_ = 0;
  network_ = 0;
  single_state_ = {};
  double_state_ = {};
}

template void Optimizer::bind<float>(std::uint64_t, Index);
template void Optimizer::bind<double>(std::uint64_t, Index);
template std::span<float> Optimizer::state_vector<float>(int);
template std::span<double> Optimizer::state_vector<double>(int);
template std::span<const float> Optimizer::state_vector<float>(int) const;
template std::span<const double> Optimizer::state_vector<double>(int) const;

}  // namespace nnbind
