// The optimizers: their rules, and the options that are allowed.
#include <cmath>
#include <limits>

#include "kernels/descent.hpp"
#include "kernels/update.hpp"
#include "nnbind/error.hpp"
#include "nnbind/optimizer.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace simd = kernels::simd;
using kernels::constant;

namespace {

constexpr std::size_t none = most_state_vectors;  // of a rule's state vectors

/// A rule is what an optimizer does in one step. on<P>() is that for vectors of type P: a function
/// of θ, g and the state vectors. Its constants are vectors by then: GCC leaves the conversion of a
/// double within a loop.
///
/// Gradient descent without momentum, and with.
struct SgdRule {
  static constexpr std::size_t states = 0;
  static constexpr std::size_t squares = none;
  static constexpr bool treats_all_alike = true;
  DescentRule<double> step;
  template <class P>
  [[nodiscard]] auto on() const {
    return [step = kernels::DescentStep<P>(step)](P& w, const P& g, P& /*first*/, P& /*second*/) {
      w = step(w, g);
    };
  }
};

struct MomentumRule {
  static constexpr std::size_t states = 1;
  static constexpr std::size_t squares = none;
  static constexpr bool treats_all_alike = true;
  DescentRule<double> step;
  template <class P>
  [[nodiscard]] auto on() const {
    return [step = kernels::DescentStep<P>(step)](P& w, const P& g, P& velocity, P& /*second*/) {
      w = step(w, g, velocity);
    };
  }
};

/// A sum of squares that are finite, or the largest number where it is not: an infinite one would
/// never become smaller again. A NaN stays.
template <class P>
EIGEN_ALWAYS_INLINE P finite(const P& v) {
  return simd::pmin(v, constant<P>(std::numeric_limits<kernels::Scalar<P>>::max()));
}

/// The corrections 1 / (1 - βᵗ) are folded into `rate` and `root_scale`; `keep` is 1 - γ λ, of
/// weights, and 1 where there is no λ.
template <bool decays>
struct AdamRule {
  static constexpr std::size_t states = 2;
  static constexpr std::size_t squares = 1;
  static constexpr bool treats_all_alike = !decays;
  double rate;
  double beta1;
  double beta2;
  double root_scale;
  double epsilon;
  double keep;
  template <class P>
  [[nodiscard]] auto on() const {
    return [old1 = constant<P>(beta1), new1 = constant<P>(1 - beta1), old2 = constant<P>(beta2),
            new2 = constant<P>(1 - beta2), scale = constant<P>(root_scale),
            least = constant<P>(epsilon), minus_rate = constant<P>(-rate),
            keep = constant<P>(keep)](P& w, const P& g, P& m, P& v) {
      m = simd::pmadd(old1, m, P(simd::pmul(new1, g)));
      v = finite(P(simd::pmadd(old2, v, P(simd::pmul(new2, P(simd::pmul(g, g)))))));
      const P root = simd::pmadd(kernels::root(v), scale, least);
      if constexpr (decays) w = simd::pmul(keep, w);
      w = simd::pmadd(minus_rate, P(simd::pdiv(m, root)), w);
    };
  }
};

/// θ ← θ - γ g / (√v + ε) with v ← old v + fresh g².
struct RootMeanSquareRule {
  static constexpr std::size_t states = 1;
  static constexpr std::size_t squares = 0;
  static constexpr bool treats_all_alike = true;
  double rate;
  double old;
  double fresh;
  double epsilon;
  template <class P>
  [[nodiscard]] auto on() const {
    return [old = constant<P>(old), fresh = constant<P>(fresh), least = constant<P>(epsilon),
            minus_rate = constant<P>(-rate)](P& w, const P& g, P& v, P& /*second*/) {
      v = finite(P(simd::pmadd(old, v, P(simd::pmul(fresh, P(simd::pmul(g, g)))))));
      const P root = simd::padd(kernels::root(v), least);
      w = simd::pmadd(minus_rate, P(simd::pdiv(g, root)), w);
    };
  }
};

/// An optimizer that makes its rule anew for each step and runs it over blocks.
/// `Make` turns γ, t and whether it is for weights, or for biases, into a rule.
template <class Make>
class RuleOptimizer final : public Optimizer {
 public:
  RuleOptimizer(Recipe recipe, const SchedulePointer& schedule, std::optional<double> clip_norm,
                Make make)
      : Optimizer(recipe.name, schedule, clip_norm), recipe_(std::move(recipe)), make_(make) {
    if (clip_norm) recipe_.options.emplace_back("clip_norm", *clip_norm);
  }
  [[nodiscard]] std::optional<Recipe> recipe() const override { return recipe_; }
  [[nodiscard]] std::size_t state_vectors() const override { return Rule::states; }
  [[nodiscard]] bool sums_squares(std::size_t vector) const override {
    return vector == Rule::squares;
  }

  void begin_step() override {
    const auto step = static_cast<double>(iterations() + 1);
    weight_rule_ = make_(learning_rate(), step, true);
    if constexpr (!Rule::treats_all_alike) bias_rule_ = make_(learning_rate(), step, false);
  }
  void update(const UpdateBlock<float>& block) override { run(block); }
  void update(const UpdateBlock<double>& block) override { run(block); }
  [[nodiscard]] bool descends() const override { return is_descent; }
  [[nodiscard]] DescentRule<double> descent() const override {
    if constexpr (is_descent) return weight_rule_.step;
    return {};
  }

 private:
  using Rule = std::invoke_result_t<Make, double, double, bool>;
  static constexpr bool is_descent = requires(Rule rule) { DescentRule<double>(rule.step); };

  template <class T>
  void run(const UpdateBlock<T>& block) {
    if constexpr (Rule::treats_all_alike) {
      kernels::update_block(block, weight_rule_);
    } else {
      kernels::update_block(rows(block, {0, block.weight_rows}), weight_rule_);
      kernels::update_block(rows(block, {block.weight_rows, block.theta.rows}), bias_rule_);
    }
  }

  template <class T>
  static UpdateBlock<T> rows(UpdateBlock<T> block, Range range) {
    block.theta = block.theta.middle_rows(range);
    block.gradient = block.gradient.middle_rows(range);
    for (auto& part : block.state) part = part.middle_rows(range);
    return block;
  }

  Recipe recipe_;
  Make make_;
  Rule weight_rule_{};  // or that of all
  Rule bias_rule_{};
};

template <class Make>
OptimizerPointer with_rule(Recipe recipe, const SchedulePointer& schedule,
                           std::optional<double> clip_norm, Make make) {
  return std::make_shared<RuleOptimizer<Make>>(std::move(recipe), schedule, clip_norm, make);
}

/// Of Adam, where λ is no option and 0, and of AdamW.
template <bool decays>
OptimizerPointer adam_with_decay(std::string name, const SchedulePointer& schedule, double beta1,
                                 double beta2, double epsilon, std::optional<double> weight_decay,
                                 std::optional<double> clip_norm) {
  const double decay = weight_decay.value_or(0);
  require_fraction(name, "beta1", beta1);
  require_fraction(name, "beta2", beta2);
  require_epsilon(name, epsilon);
  require_not_negative(name, "weight_decay", decay);
  Recipe recipe{std::move(name), {{"beta1", beta1}, {"beta2", beta2}, {"epsilon", epsilon}}};
  if (weight_decay) recipe.options.emplace_back("weight_decay", decay);
  return with_rule(
      std::move(recipe), schedule, clip_norm, [=](double rate, double t, bool weights) {
        return AdamRule<decays>{
            rate / (1 - std::pow(beta1, t)),       beta1,   beta2,
            1 / std::sqrt(1 - std::pow(beta2, t)), epsilon, weights ? 1 - rate * decay : 1};
      });
}

}  // namespace

OptimizerPointer sgd(const SchedulePointer& schedule, double momentum, bool nesterov,
                     std::optional<double> clip_norm) {
  require_fraction("SGD", "momentum", momentum);
  require(!nesterov || momentum > 0, "SGD", "nesterov needs a momentum > 0");
  Recipe recipe{"SGD", {{"momentum", momentum}, {"nesterov", nesterov}}};
  if (momentum == 0) {
    return with_rule(std::move(recipe), schedule, clip_norm,
                     [](double rate, double /*t*/, bool /*weights*/) { return SgdRule{{rate}}; });
  }
  return with_rule(std::move(recipe), schedule, clip_norm,
                   [=](double rate, double /*t*/, bool /*weights*/) {
                     return MomentumRule{{rate, momentum, nesterov}};
                   });
}

OptimizerPointer adam(const SchedulePointer& schedule, double beta1, double beta2, double epsilon,
                      std::optional<double> clip_norm) {
  return adam_with_decay<false>("Adam", schedule, beta1, beta2, epsilon, std::nullopt, clip_norm);
}

OptimizerPointer adamw(const SchedulePointer& schedule, double beta1, double beta2, double epsilon,
                       double weight_decay, std::optional<double> clip_norm) {
  return adam_with_decay<true>("AdamW", schedule, beta1, beta2, epsilon, weight_decay, clip_norm);
}

OptimizerPointer rmsprop(const SchedulePointer& schedule, double rho, double epsilon,
                         std::optional<double> clip_norm) {
  require_fraction("RMSProp", "rho", rho);
  require_epsilon("RMSProp", epsilon);
  return with_rule({"RMSProp", {{"rho", rho}, {"epsilon", epsilon}}}, schedule, clip_norm,
                   [=](double rate, double /*t*/, bool /*weights*/) {
                     return RootMeanSquareRule{rate, rho, 1 - rho, epsilon};
                   });
}

OptimizerPointer adagrad(const SchedulePointer& schedule, double epsilon,
                         std::optional<double> clip_norm) {
  require_epsilon("AdaGrad", epsilon);
  return with_rule({"AdaGrad", {{"epsilon", epsilon}}}, schedule, clip_norm,
                   [=](double rate, double /*t*/, bool /*weights*/) {
                     return RootMeanSquareRule{rate, 1, 1, epsilon};
                   });
}

}  // namespace nnbind
