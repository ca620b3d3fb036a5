// Losses d(y, f): what a prediction f costs when the target is y.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nnbind/activation.hpp"
#include "nnbind/attributes.hpp"
#include "nnbind/matrix.hpp"

namespace nnbind {

/// "mean" divides the sum over a batch by its number of samples m; "sum" is Σ_i d(y_i, f(x_i)).
/// Sample weights multiply d and do not change the divisor.
enum class Reduction : unsigned char { mean, sum };

/// By name. Throws OptionError if it is neither "mean" nor "sum".
Reduction reduction_from_name(std::string_view name);

/// From where on a prediction says "positive": if the targets are 0 and 1, and if they are -1
/// and 1.
struct DecisionThreshold {
  double usual = 0.5;
  double of_signs = 0;
};

/// Some rows of a batch, for which a loss computes its value and gradient.
template <class T>
struct LossRows {
  MatrixView<T> predictions;             ///< f, or pre-activations t where the loss takes those
  const T* const* targets = nullptr;     ///< a row of y for each row; or else
  const std::int64_t* labels = nullptr;  ///< the index of the right class for each row
  const T* weights = nullptr;            ///< w for each row; nullptr for all 1
  T scale = 1;                           ///< of the gradient: the loss's weight / m, or weight
  T* losses = nullptr;                   ///< gets w d(y, f) for each row, before `scale`
  MatrixView<T> gradient;  ///< gets scale · w · ∂d/∂f (∂d/∂t); not wanted if data is null
};

/// A loss. All sum over a sample's outputs k, and only `mse` averages over them as well:
///
/// | name                 | d(y, f)                                                        |
/// |----------------------|----------------------------------------------------------------|
/// | squared_error        | Σ (y - f)²                                                     |
/// | mse                  | (1/outputs) Σ (y - f)²                                         |
/// | absolute_error       | Σ |y - f|, slope 0 at y = f                                    |
/// | huber                | Σ r²/2 where |r| <= δ, else δ (|r| - δ/2), r = f - y           |
/// | hinge                | Σ max(0, 1 - y f), y = ±1                                      |
/// | perceptron           | Σ max(0, -y f), y = ±1; slope -y where y f <= 0                |
/// | poisson              | Σ f - y log f; with log_input Σ eᶠ - y f                       |
/// | binary_cross_entropy | -Σ y log f + (1 - y) log(1 - f), 0 <= y <= 1                   |
/// | cross_entropy        | -Σ y log f, y a distribution over the classes or a label       |
///
/// A loss may take the pre-activation of the output layer instead of its output, where together
/// they are simpler and stable: binary cross-entropy after a sigmoid, cross-entropy after a
/// softmax or log-softmax, and the perceptron criterion after the binary activation, whose own
/// slope is nil (Rosenblatt's rule). Where another node reads the output, log p ends where p rounds
/// to 0, and log(1 - p) where it rounds to 1. Sources: Huber 1964; Rosenblatt 1958; Bishop,
/// "Pattern Recognition and Machine Learning", 2006, sections 4.1.7, 4.3 and 5.2.
class Loss {
 public:
  Loss(std::string name, Reduction reduction) : name_(std::move(name)), reduction_(reduction) {}
  virtual ~Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Reduction reduction() const { return reduction_; }
  /// What that multiplies a sum over so many samples with.
  [[nodiscard]] double scale(Index samples) const {
    return reduction_ == Reduction::mean ? 1 / static_cast<double>(samples) : 1;
  }

  /// Whether it wants t rather than f = g(t) of an output layer with activation g.
  /// Throws OptionError if the two do not go together.
  [[nodiscard]] virtual bool takes_pre_activation(const Activation& /*output*/) const {
    return false;
  }
  /// Whether it has no form for the output itself, so that t is the only way; it can be so only
  /// where it takes t.
  [[nodiscard]] virtual bool needs_pre_activation(const Activation& output) const {
    return takes_pre_activation(output);
  }
  /// Whether a target may be the index of a class.
  [[nodiscard]] virtual bool takes_labels() const { return false; }
  /// "" if the row of targets is allowed, else what is wrong with it.
  [[nodiscard]] virtual std::string target_error(const double* /*row*/, Index /*cols*/) const {
    return "";
  }
  /// Whether f has to be probabilities.
  [[nodiscard]] virtual bool takes_probabilities() const { return false; }
  /// Whether an output says "positive" from 0 on, as a margin or a logit does.
  [[nodiscard]] virtual bool parts_at_zero() const { return false; }
  /// From where on an output of that activation says so, in binary accuracy.
  [[nodiscard]] DecisionThreshold decision_threshold(const Activation& output) const;

  /// Whether it runs code that only the calling thread may run, as Python's.
  [[nodiscard]] virtual bool runs_alone() const { return false; }

  /// From what make_loss makes it again; nothing unless it is built in.
  [[nodiscard]] virtual std::optional<Recipe> recipe() const { return std::nullopt; }

  /// Value and gradient, row by row. `pre_activation` says what `rows.predictions` holds.
  virtual void evaluate(const LossRows<float>& rows, bool pre_activation) const = 0;
  virtual void evaluate(const LossRows<double>& rows, bool pre_activation) const = 0;

 protected:
  /// The recipe of a loss with these options beside its reduction.
  [[nodiscard]] Recipe built_in(Attributes options = {}) const;

 private:
  std::string name_;
  Reduction reduction_;
};

using LossPointer = std::shared_ptr<const Loss>;

/// A loss for each output of a network: L = Σ_k weight_k · L_k.
struct Losses {
  struct Term {
    LossPointer loss;
    double weight = 1;
  };
  std::vector<Term> terms;

  // NOLINTNEXTLINE(google-explicit-constructor): for the usual network, which has one output.
  Losses(LossPointer loss) : terms{{std::move(loss), 1}} {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Losses(std::vector<Term> list) : terms(std::move(list)) {}

  /// Whether only the calling thread may evaluate them.
  [[nodiscard]] bool run_alone() const;
};

LossPointer squared_error(Reduction reduction = Reduction::mean);
LossPointer mean_squared_error(Reduction reduction = Reduction::mean);
LossPointer absolute_error(Reduction reduction = Reduction::mean);
/// Throws OptionError unless delta > 0.
LossPointer huber(double delta = 1, Reduction reduction = Reduction::mean);
LossPointer hinge(Reduction reduction = Reduction::mean);
LossPointer perceptron_criterion(Reduction reduction = Reduction::mean);
LossPointer poisson(bool log_input = false, Reduction reduction = Reduction::mean);
LossPointer binary_cross_entropy(bool from_logits = false, Reduction reduction = Reduction::mean);
/// With smoothing s the target y becomes (1 - s) y + s / classes: Szegedy et al., CVPR 2016. Throws
/// OptionError unless 0 <= s < 1.
LossPointer cross_entropy(bool from_logits = false, double label_smoothing = 0,
                          Reduction reduction = Reduction::mean);

/// By name, with its usual options. Throws OptionError, "[where] ...", that lists the names if
/// there is none such.
LossPointer loss_from_name(std::string_view name, const std::string& where = "Loss");
/// The loss whose recipe() it is. Throws OptionError if there is none such.
LossPointer make_loss(const Recipe& recipe);
std::vector<std::string_view> loss_names();

}  // namespace nnbind
