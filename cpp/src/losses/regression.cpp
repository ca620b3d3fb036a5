// Losses for numbers: squared, absolute, Huber, Poisson.
#include <algorithm>
#include <cmath>
#include <limits>

#include "losses/elementwise.hpp"
#include "nnbind/error.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

class SquaredError final : public LossOf<SquaredError> {
 public:
  SquaredError(Reduction reduction, bool average)
      : LossOf(average ? "mse" : "squared_error", reduction), average_(average) {}
  [[nodiscard]] std::optional<Recipe> recipe() const override { return built_in(); }

  template <class T>
  void rows(const LossRows<T>& rows, bool /*pre_activation*/) const {
    const T divisor = average_ ? static_cast<T>(rows.predictions.cols) : T{1};
    sum_over_outputs(rows, divisor,
                     [](T f, T y) { return Term<T>{(f - y) * (f - y), 2 * (f - y)}; });
  }

 private:
  bool average_;
};

class AbsoluteError final : public LossOf<AbsoluteError> {
 public:
  explicit AbsoluteError(Reduction reduction) : LossOf("absolute_error", reduction) {}
  [[nodiscard]] std::optional<Recipe> recipe() const override { return built_in(); }

  template <class T>
  void rows(const LossRows<T>& rows, bool /*pre_activation*/) const {
    sum_over_outputs(rows, T{1}, [](T f, T y) {
      return Term<T>{std::abs(f - y), static_cast<T>((f > y) - (f < y))};
    });
  }
};

class Huber final : public LossOf<Huber> {
 public:
  Huber(double delta, Reduction reduction) : LossOf("huber", reduction), delta_(delta) {
    require_positive("Huber", "delta", delta);
  }
  [[nodiscard]] std::optional<Recipe> recipe() const override {
    return built_in({{"delta", delta_}});
  }

  template <class T>
  void rows(const LossRows<T>& rows, bool /*pre_activation*/) const {
    const auto delta = static_cast<T>(delta_);
    sum_over_outputs(rows, T{1}, [delta](T f, T y) {
      const T r = f - y;
      if (std::abs(r) <= delta) return Term<T>{r * r / 2, r};
      return Term<T>{delta * (std::abs(r) - delta / 2), std::copysign(delta, r)};
    });
  }

 private:
  double delta_;
};

class Poisson final : public LossOf<Poisson> {
 public:
  Poisson(bool log_input, Reduction reduction)
      : LossOf("poisson", reduction), log_input_(log_input) {}
  [[nodiscard]] std::optional<Recipe> recipe() const override {
    return built_in({{"log_input", log_input_}});
  }

  [[nodiscard]] std::string target_error(const double* row, Index cols) const override {
    const double* const bad = std::find_if(row, row + cols, [](double y) { return y < 0; });
    return bad == row + cols ? "" : "is " + number_text(*bad) + "; expected a count >= 0";
  }

  template <class T>
  void rows(const LossRows<T>& rows, bool /*pre_activation*/) const {
    if (log_input_) {
      sum_over_outputs(rows, T{1}, [](T f, T y) {
        const T rate = std::exp(f);
        return Term<T>{rate - y * f, rate - y};
      });
    } else {
      sum_over_outputs(rows, T{1}, [](T f, T y) {
        const T rate = std::max(f, std::numeric_limits<T>::min());  // log 0 is not to be had
        return Term<T>{f - y * std::log(rate), 1 - y / rate};
      });
    }
  }

 private:
  bool log_input_;
};

}  // namespace

LossPointer squared_error(Reduction reduction) {
  return std::make_shared<SquaredError>(reduction, false);
}
LossPointer mean_squared_error(Reduction reduction) {
  return std::make_shared<SquaredError>(reduction, true);
}
LossPointer absolute_error(Reduction reduction) {
  return std::make_shared<AbsoluteError>(reduction);
}
LossPointer huber(double delta, Reduction reduction) {
  return std::make_shared<Huber>(delta, reduction);
}
LossPointer poisson(bool log_input, Reduction reduction) {
  return std::make_shared<Poisson>(log_input, reduction);
}

}  // namespace nnbind
