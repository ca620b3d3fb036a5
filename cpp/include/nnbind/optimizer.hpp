// Optimizers: how a gradient moves θ.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nnbind/matrix.hpp"
#include "nnbind/schedule.hpp"

namespace nnbind {

/// A rectangle of θ and its gradient, that an optimizer updates in one go.
template <class T>
struct UpdateBlock {
  MatrixView<T> theta;
  MatrixView<const T> gradient;
  Index offset = 0;       ///< where the block begins in θ, and so in the optimizer's state
  Index stride = 0;       ///< from one row of the block to the next in θ
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
/// that it trains.
class Optimizer {
 public:
  Optimizer(std::string name, SchedulePointer schedule, std::optional<double> clip_norm);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::optional<double> clip_norm() const { return clip_norm_; }
  [[nodiscard]] Schedule& schedule() { return *schedule_; }
  /// Steps made so far.
  [[nodiscard]] std::int64_t iterations() const { return iterations_; }
  /// The learning rate of the next step.
  [[nodiscard]] double learning_rate() const { return schedule_->rate(iterations_); }

  /// Makes the state for a network's θ of type T, unless it has it already.
  /// Throws OptionError if it trains another network.
  template <class T>
  void bind(std::uint64_t network, Index parameter_count);
  /// Forgets state, network and steps.
  void reset();

  /// One step: begin_step once, then update for every part of θ (from any thread), then end_step.
  virtual void begin_step() = 0;
  virtual void update(const UpdateBlock<float>& block) = 0;
  virtual void update(const UpdateBlock<double>& block) = 0;
  void end_step() { ++iterations_; }

 protected:
  /// Vectors of the size of θ that the rule needs: 0, 1 or 2.
  [[nodiscard]] virtual int state_vectors() const = 0;
  template <class T>
  [[nodiscard]] T* state(int vector);

 private:
  template <class T>
  struct State {
    AlignedVector<T> vectors;  // one behind the other, `stride_` elements apart
  };
  template <class T>
  State<T>& state_of();

  std::string name_;
  SchedulePointer schedule_;
  std::optional<double> clip_norm_;
  std::int64_t iterations_ = 0;
  std::uint64_t network_ = 0;
  Index stride_ = 0;
  State<float> single_state_;
  State<double> double_state_;
};

using OptimizerPointer = std::shared_ptr<Optimizer>;

OptimizerPointer sgd(SchedulePointer schedule, double momentum = 0, bool nesterov = false,
                     std::optional<double> clip_norm = {});
OptimizerPointer adam(SchedulePointer schedule, double beta1 = 0.9, double beta2 = 0.999,
                      double epsilon = 1e-8, std::optional<double> clip_norm = {});
OptimizerPointer adamw(SchedulePointer schedule, double beta1 = 0.9, double beta2 = 0.999,
                       double epsilon = 1e-8, double weight_decay = 1e-2,
                       std::optional<double> clip_norm = {});
OptimizerPointer rmsprop(SchedulePointer schedule, double rho = 0.9, double epsilon = 1e-8,
                         std::optional<double> clip_norm = {});
OptimizerPointer adagrad(SchedulePointer schedule, double epsilon = 1e-10,
                         std::optional<double> clip_norm = {});

}  // namespace nnbind
