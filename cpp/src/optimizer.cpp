#include "nnbind/optimizer.hpp"

#include <cmath>

#include "kernels/update.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

namespace simd = kernels::simd;
using kernels::constant;

Optimizer::Optimizer(std::string name, SchedulePointer schedule, std::optional<double> clip_norm)
    : name_(std::move(name)), schedule_(std::move(schedule)), clip_norm_(clip_norm) {
  require(schedule_ != nullptr, name_, "has no learning rate");
  require(!clip_norm_ || (std::isfinite(*clip_norm_) && *clip_norm_ > 0), name_,
          "clip_norm is " + number_text(clip_norm_.value_or(0)) + "; expected a positive number");
}

template <>
Optimizer::State<float>& Optimizer::state_of<float>() {
  return single_state_;
}
template <>
Optimizer::State<double>& Optimizer::state_of<double>() {
  return double_state_;
}

template <class T>
T* Optimizer::state(int vector) {
  return vector < state_vectors() ? state_of<T>().vectors.data() + vector * stride_ : nullptr;
}

template <class T>
void Optimizer::bind(std::uint64_t network, Index parameter_count) {
  if (network_ == network) return;
  require(network_ == 0, name_,
          "this optimizer trains another network; make a new one for this, or reset() it");
  constexpr Index line = line_elements<T>;
  stride_ = (parameter_count + line - 1) / line * line + line;
  state_of<T>().vectors.assign(static_cast<std::size_t>(state_vectors() * stride_), T{0});
  network_ = network;
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

namespace {

/// v ← μ v - γ g, θ ← θ + v, or Nesterov's look ahead θ ← θ + μ v - γ g.
template <bool nesterov>
struct MomentumRule {
  static constexpr int states = 1;
  static constexpr bool treats_all_alike = true;
  double rate;
  double momentum;
  template <class P>
  void operator()(P& w, const P& g, P& velocity, P& /*second*/) const {
    const P pull = simd::pmul(constant<P>(-rate), g);
    velocity = simd::pmadd(constant<P>(momentum), velocity, pull);
    if constexpr (nesterov) {
      w = simd::padd(w, P(simd::pmadd(constant<P>(momentum), velocity, pull)));
    } else {
      w = simd::padd(w, velocity);
    }
  }
};

struct SgdRule {
  static constexpr int states = 0;
  static constexpr bool treats_all_alike = true;
  double rate;
  template <class P>
  void operator()(P& w, const P& g, P& /*first*/, P& /*second*/) const {
    w = simd::pmadd(constant<P>(-rate), g, w);
  }
};

/// The corrections 1 / (1 - βᵗ) are folded into `rate` and `root_scale`; `keep` is 1 - γ λ.
struct AdamRule {
  static constexpr int states = 2;
  static constexpr bool treats_all_alike = false;
  double rate;
  double beta1;
  double beta2;
  double root_scale;
  double epsilon;
  double keep;
  template <class P>
  void operator()(P& w, const P& g, P& m, P& v) const {
    m = simd::pmadd(constant<P>(beta1), m, P(simd::pmul(constant<P>(1 - beta1), g)));
    v = simd::pmadd(constant<P>(beta2), v,
                    P(simd::pmul(constant<P>(1 - beta2), P(simd::pmul(g, g)))));
    const P root = simd::pmadd(kernels::sqrt(v), constant<P>(root_scale), constant<P>(epsilon));
    w = simd::pmadd(constant<P>(-rate), P(simd::pdiv(m, root)),
                    P(simd::pmul(constant<P>(keep), w)));
  }
};

/// θ ← θ - γ g / (√v + ε) with v ← old v + fresh g².
struct RootMeanSquareRule {
  static constexpr int states = 1;
  static constexpr bool treats_all_alike = true;
  double rate;
  double old;
  double fresh;
  double epsilon;
  template <class P>
  void operator()(P& w, const P& g, P& v, P& /*second*/) const {
    v = simd::pmadd(constant<P>(old), v, P(simd::pmul(constant<P>(fresh), P(simd::pmul(g, g)))));
    const P root = simd::padd(kernels::sqrt(v), constant<P>(epsilon));
    w = simd::pmadd(constant<P>(-rate), P(simd::pdiv(g, root)), w);
  }
};

/// An optimizer that makes its rule anew for each step and runs it over blocks.
/// `Make` turns (γ, t) into a rule for weights and one for biases, which may be the same.
template <class Make>
class RuleOptimizer final : public Optimizer {
 public:
  RuleOptimizer(std::string name, SchedulePointer schedule, std::optional<double> clip_norm,
                Make make)
      : Optimizer(std::move(name), std::move(schedule), clip_norm), make_(make) {}

  void begin_step() override {
    const auto step = static_cast<double>(iterations() + 1);
    weight_rule_ = make_(learning_rate(), step, true);
    bias_rule_ = make_(learning_rate(), step, false);
  }
  void update(const UpdateBlock<float>& block) override { run(block); }
  void update(const UpdateBlock<double>& block) override { run(block); }

 private:
  using Rule = std::invoke_result_t<Make, double, double, bool>;

  [[nodiscard]] int state_vectors() const override { return Rule::states; }

  template <class T>
  void run(const UpdateBlock<T>& block) {
    if constexpr (Rule::treats_all_alike) {
      kernels::update_block(block, state<T>(0), state<T>(1), weight_rule_);
    } else {
      kernels::update_block(rows(block, {0, block.weight_rows}), state<T>(0), state<T>(1),
                            weight_rule_);
      kernels::update_block(rows(block, {block.weight_rows, block.theta.rows}), state<T>(0),
                            state<T>(1), bias_rule_);
    }
  }

  template <class T>
  static UpdateBlock<T> rows(const UpdateBlock<T>& block, Range range) {
    UpdateBlock<T> part = block;
    part.theta = block.theta.middle_rows(range.begin, range.size());
    part.gradient = block.gradient.middle_rows(range.begin, range.size());
    part.offset += range.begin * block.stride;
    return part;
  }

  Make make_;
  Rule weight_rule_{};
  Rule bias_rule_{};
};

template <class Make>
OptimizerPointer make_optimizer(std::string name, SchedulePointer schedule,
                                std::optional<double> clip_norm, Make make) {
  return std::make_shared<RuleOptimizer<Make>>(std::move(name), std::move(schedule), clip_norm,
                                               make);
}

void require_fraction(const std::string& where, const std::string& name, double value) {
  require(value >= 0 && value < 1, where,
          name + " is " + number_text(value) + "; expected 0 <= " + name + " < 1");
}

void require_positive(const std::string& where, const std::string& name, double value) {
  require(std::isfinite(value) && value > 0, where,
          name + " is " + number_text(value) + "; expected a positive number");
}

OptimizerPointer adam_with_decay(std::string name, SchedulePointer schedule, double beta1,
                                 double beta2, double epsilon, double weight_decay,
                                 std::optional<double> clip_norm) {
  require_fraction(name, "beta1", beta1);
  require_fraction(name, "beta2", beta2);
  require_positive(name, "epsilon", epsilon);
  require(std::isfinite(weight_decay) && weight_decay >= 0, name,
          "weight_decay is " + number_text(weight_decay) + "; expected a number >= 0");
  return make_optimizer(
      std::move(name), std::move(schedule), clip_norm, [=](double rate, double t, bool weights) {
        return AdamRule{
            rate / (1 - std::pow(beta1, t)),       beta1,   beta2,
            1 / std::sqrt(1 - std::pow(beta2, t)), epsilon, weights ? 1 - rate * weight_decay : 1};
      });
}

}  // namespace

OptimizerPointer sgd(SchedulePointer schedule, double momentum, bool nesterov,
                     std::optional<double> clip_norm) {
  require_fraction("SGD", "momentum", momentum);
  require(!nesterov || momentum > 0, "SGD", "nesterov needs a momentum > 0");
  if (momentum == 0) {
    return make_optimizer(
        "SGD", std::move(schedule), clip_norm,
        [](double rate, double /*t*/, bool /*weights*/) { return SgdRule{rate}; });
  }
  if (nesterov) {
    return make_optimizer("SGD", std::move(schedule), clip_norm,
                          [momentum](double rate, double /*t*/, bool /*weights*/) {
                            return MomentumRule<true>{rate, momentum};
                          });
  }
  return make_optimizer("SGD", std::move(schedule), clip_norm,
                        [momentum](double rate, double /*t*/, bool /*weights*/) {
                          return MomentumRule<false>{rate, momentum};
                        });
}

OptimizerPointer adam(SchedulePointer schedule, double beta1, double beta2, double epsilon,
                      std::optional<double> clip_norm) {
  return adam_with_decay("Adam", std::move(schedule), beta1, beta2, epsilon, 0, clip_norm);
}

OptimizerPointer adamw(SchedulePointer schedule, double beta1, double beta2, double epsilon,
                       double weight_decay, std::optional<double> clip_norm) {
  return adam_with_decay("AdamW", std::move(schedule), beta1, beta2, epsilon, weight_decay,
                         clip_norm);
}

OptimizerPointer rmsprop(SchedulePointer schedule, double rho, double epsilon,
                         std::optional<double> clip_norm) {
  require_fraction("RMSProp", "rho", rho);
  require_positive("RMSProp", "epsilon", epsilon);
  return make_optimizer("RMSProp", std::move(schedule), clip_norm,
                        [=](double rate, double /*t*/, bool /*weights*/) {
                          return RootMeanSquareRule{rate, rho, 1 - rho, epsilon};
                        });
}

OptimizerPointer adagrad(SchedulePointer schedule, double epsilon,
                         std::optional<double> clip_norm) {
  require_positive("AdaGrad", "epsilon", epsilon);
  return make_optimizer("AdaGrad", std::move(schedule), clip_norm,
                        [=](double rate, double /*t*/, bool /*weights*/) {
                          return RootMeanSquareRule{rate, 1, 1, epsilon};
                        });
}

}  // namespace nnbind
