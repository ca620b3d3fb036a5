// Optimizers: how a gradient moves θ.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "nnbind/attributes.hpp"
#include "nnbind/descent.hpp"
#include "nnbind/matrix.hpp"
#include "nnbind/schedule.hpp"
#include "nnbind/state_vectors.hpp"
#include "nnbind/training_lock.hpp"

namespace nnbind {

/// A rectangle of θ, its gradient and the optimizer's state, to be updated in one go.
template <class T>
struct UpdateBlock {
  MatrixView<T> theta;
  MatrixView<const T> gradient;
  std::array<MatrixView<T>, most_state_vectors> state;  ///< of those vectors that it keeps
  Index weight_rows = 0;  ///< its first rows, which are weights; the others are biases
};

/// With γ the learning rate of the step, g the gradient, t = 1, 2, ... the number of the step, and
/// all products elementwise:
///
/// | name          | update                                                                   |
/// |---------------|--------------------------------------------------------------------------|
/// | sgd           | θ ← θ - γ g                                                              |
/// | momentum      | v ← μ v - γ g;  θ ← θ + v                                                |
/// | nesterov      | v ← μ v - γ g;  θ ← θ + μ v - γ g                                        |
/// | adam          | m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;                          |
/// |               | θ ← θ - γ (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)                       |
/// | adamw         | θ ← (1 - γ λ) θ for the weights, then as adam                            |
/// | rmsprop       | v ← ρ v + (1 - ρ) g²;  θ ← θ - γ g / (√v + ε)                            |
/// | adagrad       | v ← v + g²;  θ ← θ - γ g / (√v + ε)                                      |
///
/// With `clip_norm` c, g is first multiplied by min(1, c / ‖g‖₂), over the whole of θ (Pascanu,
/// Mikolov, Bengio, ICML 2013). Sources: Polyak 1964; Nesterov 1983 in the form of Sutskever et
/// al., ICML 2013; Kingma and Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019; Tieleman and
/// Hinton, lecture 6.5, 2012; Duchi, Hazan, Singer, JMLR 2011.
///
/// The momenta (v, m) and the steps of the schedule live here and belong to one network: the first
/// that it trains. So the optimizer has a copy of the schedule to itself.
class Optimizer {
 public:
  Optimizer(std::string name, const SchedulePointer& schedule, std::optional<double> clip_norm);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::optional<double> clip_norm() const { return clip_norm_; }
  [[nodiscard]] Schedule& schedule() { return *schedule_; }
  [[nodiscard]] const Schedule& schedule() const { return *schedule_; }
  /// Steps made so far.
  [[nodiscard]] std::int64_t iterations() const { return iterations_; }
  /// The learning rate of the next step.
  [[nodiscard]] double learning_rate() const { return schedule_->rate(iterations_); }

  /// Whether it may train that network: it has no other.
  [[nodiscard]] bool is_free_for(std::uint64_t network) const {
    return network_ == 0 || network_ == network;
  }
  [[nodiscard]] bool trains(std::uint64_t network) const { return network_ == network; }
  /// From now on it trains that network. Throws OptionError if it trains another.
  void bind(std::uint64_t network);
  /// Holds it for one training. Throws BusyError if a fit or a step is using it.
  [[nodiscard]] TrainingLock lock(std::string_view where) const;
  /// Forgets state, network and steps. Throws BusyError if a fit or a step is using it.
  void reset();
  /// The same, for the training that holds it.
  void forget();

  /// From what make_optimizer makes it again; nothing unless it is built in.
  [[nodiscard]] virtual std::optional<Recipe> recipe() const { return std::nullopt; }
  /// Vectors of θ's size that the rule needs, v or m and v: up to most_state_vectors.
  [[nodiscard]] virtual std::size_t state_vectors() const = 0;
  /// Whether that vector sums squares, so that no step makes an element of it negative.
  [[nodiscard]] virtual bool sums_squares(std::size_t /*vector*/) const { return false; }
  /// Brings its state for a θ of type T into a layout, all zeros if it has none. Throws OptionError
  /// for more than most_state_vectors.
  template <class T>
  void arrange(const ThetaLayout& layout) {
    state<T>().arrange(state_vectors(), layout);
  }
  /// Its state: the vectors of a θ of type T.
  template <class T>
  [[nodiscard]] StateVectors<T>& state() {
    return std::get<StateVectors<T>>(states_);
  }
  template <class T>
  [[nodiscard]] const StateVectors<T>& state() const {
    return std::get<StateVectors<T>>(states_);
  }
  /// To go on from there. Throws OptionError unless 0 <= iterations <= 2^62.
  void set_iterations(std::int64_t iterations);

  /// One step: begin_step once, then update for every part of θ (from any thread), then end_step.
  virtual void begin_step() = 0;
  virtual void update(const UpdateBlock<float>& block) = 0;
  virtual void update(const UpdateBlock<double>& block) = 0;
  /// Whether all of its steps are gradient descent and nothing else: then they may be taken without
  /// update. The velocity is the first vector; without momentum there is none.
  [[nodiscard]] virtual bool descends() const { return false; }
  /// This step, of an optimizer that descends.
  [[nodiscard]] virtual DescentRule<double> descent() const { return {}; }
  void end_step() { ++iterations_; }

 private:
  std::string name_;
  SchedulePointer schedule_;
  std::optional<double> clip_norm_;
  std::int64_t iterations_ = 0;
  std::uint64_t network_ = 0;
  mutable std::atomic<bool> training_{false};
  std::tuple<StateVectors<float>, StateVectors<double>> states_;
};

using OptimizerPointer = std::shared_ptr<Optimizer>;

// Each throws OptionError if there is no schedule, and unless 0 <= momentum, beta1, beta2, rho < 1
// (with nesterov, momentum > 0), epsilon >= 1.2e-38, a normal float, weight_decay >= 0 and
// clip_norm > 0.

OptimizerPointer sgd(const SchedulePointer& schedule, double momentum = 0, bool nesterov = false,
                     std::optional<double> clip_norm = {});
OptimizerPointer adam(const SchedulePointer& schedule, double beta1 = 0.9, double beta2 = 0.999,
                      double epsilon = 1e-8, std::optional<double> clip_norm = {});
OptimizerPointer adamw(const SchedulePointer& schedule, double beta1 = 0.9, double beta2 = 0.999,
                       double epsilon = 1e-8, double weight_decay = 1e-2,
                       std::optional<double> clip_norm = {});
OptimizerPointer rmsprop(const SchedulePointer& schedule, double rho = 0.9, double epsilon = 1e-8,
                         std::optional<double> clip_norm = {});
OptimizerPointer adagrad(const SchedulePointer& schedule, double epsilon = 1e-10,
                         std::optional<double> clip_norm = {});

/// The optimizer whose recipe() it is. Throws OptionError if there is none such.
OptimizerPointer make_optimizer(const Recipe& recipe, const SchedulePointer& schedule);

}  // namespace nnbind
