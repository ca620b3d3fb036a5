// Losses for classes: cross-entropies, hinge, the perceptron criterion.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/activation.hpp"
#include "losses/elementwise.hpp"
#include "nnbind/error.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

std::string sign_error(const double* row, Index cols) {
  const double* const bad =
      std::find_if(row, row + cols, [](double y) { return y != 1 && y != -1; });
  return bad == row + cols ? "" : "is " + number_text(*bad) + "; expected -1 or 1";
}

void require_identity(const std::string& loss, const Activation& output) {
  require(output.kind() == Activation::Kind::identity, loss,
          "from_logits expects an output layer with the identity activation; it has " +
              in_quotes(output.name()));
}

class BinaryCrossEntropy final : public LossOf<BinaryCrossEntropy> {
 public:
  BinaryCrossEntropy(bool from_logits, Reduction reduction)
      : LossOf("binary_cross_entropy", reduction), from_logits_(from_logits) {}
  [[nodiscard]] std::optional<Recipe> recipe() const override {
    return built_in({{"from_logits", from_logits_}});
  }

  [[nodiscard]] bool takes_pre_activation(const Activation& output) const override {
    if (from_logits_) require_identity("BinaryCrossEntropy", output);
    return from_logits_ || output.kind() == Activation::Kind::sigmoid;
  }
  [[nodiscard]] bool needs_pre_activation(const Activation& /*output*/) const override {
    return from_logits_;
  }
  [[nodiscard]] bool takes_probabilities() const override { return !from_logits_; }
  [[nodiscard]] bool parts_at_zero() const override { return from_logits_; }
  [[nodiscard]] std::string target_error(const double* row, Index cols) const override {
    const double* const bad =
        std::find_if(row, row + cols, [](double y) { return y < 0 || y > 1; });
    return bad == row + cols ? "" : "is " + number_text(*bad) + "; expected 0 <= y <= 1";
  }

  template <class T>
  void rows(const LossRows<T>& rows, bool pre_activation) const {
    if (pre_activation) {
      sum_over_outputs_together(rows, T{1}, kernels::logistic_losses<T>);
    } else {
      // ∂d/∂p = (p - y) / (p (1 - p)); p is kept off 0 and 1, where a logarithm ends.
      const T least = std::numeric_limits<T>::min();
      const T most = 1 - std::numeric_limits<T>::epsilon() / 2;
      sum_over_outputs(rows, T{1}, [least, most](T f, T y) {
        const T p = std::clamp(f, least, most);
        return Term<T>{-(y * std::log(p) + (1 - y) * std::log1p(-p)), (p - y) / (p * (1 - p))};
      });
    }
  }

 private:
  bool from_logits_;
};

class CrossEntropy final : public LossOf<CrossEntropy> {
 public:
  CrossEntropy(bool from_logits, double label_smoothing, Reduction reduction)
      : LossOf("cross_entropy", reduction), from_logits_(from_logits), smoothing_(label_smoothing) {
    require_fraction("CrossEntropy", "label_smoothing", label_smoothing);
  }
  [[nodiscard]] std::optional<Recipe> recipe() const override {
    return built_in({{"from_logits", from_logits_}, {"label_smoothing", smoothing_}});
  }

  [[nodiscard]] bool takes_pre_activation(const Activation& output) const override {
    if (from_logits_) require_identity("CrossEntropy", output);
    return from_logits_ || output.is_row_wise();
  }
  [[nodiscard]] bool needs_pre_activation(const Activation& output) const override {
    return from_logits_ || output.kind() == Activation::Kind::log_softmax;
  }
  [[nodiscard]] bool takes_probabilities() const override { return !from_logits_; }
  [[nodiscard]] bool parts_at_zero() const override { return from_logits_; }
  [[nodiscard]] bool takes_labels() const override { return true; }
  [[nodiscard]] std::string target_error(const double* row, Index cols) const override {
    const double* const bad = std::find_if(row, row + cols, [](double y) { return y < 0; });
    if (bad != row + cols) return "is " + number_text(*bad) + "; expected probabilities >= 0";
    double sum = 0;
    for (Index k = 0; k < cols; ++k) sum += row[k];
    if (std::abs(sum - 1) > 1e-3) {
      return "sums to " + number_text(sum) + "; expected a distribution over the classes";
    }
    return "";
  }

  template <class T>
  void rows(const LossRows<T>& rows, bool pre_activation) const {
    if (pre_activation) {
      from_logits(rows);
    } else {
      from_probabilities(rows);
    }
  }

 private:
  /// y_k of row i as the loss sees it.
  template <class T>
  [[nodiscard]] T target(const LossRows<T>& rows, Index i, Index k) const {
    const T uniform = static_cast<T>(smoothing_) / static_cast<T>(rows.predictions.cols);
    const T kept = 1 - static_cast<T>(smoothing_);
    return kept * (rows.labels == nullptr ? rows.targets[i][k] : T(rows.labels[i] == k)) + uniform;
  }

  // With p = softmax(t): d = Σ y_k (log Σ eᵗ - t_k), and ∂d/∂t = (Σ y) p - y. Some rows are taken
  // together, in vector registers.
  template <class T>
  void from_logits(const LossRows<T>& rows) const {
    constexpr Index block = 32;
    std::array<kernels::Exponentials<T>, block> terms;
    std::array<T, block> slopes;
    std::array<T, block> sums;
    std::array<T, block> logs;
    const bool differentiates = rows.gradient.data != nullptr;
    for (Index first = 0; first < rows.predictions.rows; first += block) {
      const Index count = std::min(block, rows.predictions.rows - first);
      for (Index i = 0; i < count; ++i) {
        const T weight = rows.weights == nullptr ? T{1} : rows.weights[first + i];
        slopes[static_cast<std::size_t>(i)] = rows.scale * weight;
      }
      kernels::softmax<T>(
          rows.predictions.middle_rows(first, count), slopes.data(),
          differentiates ? rows.gradient.middle_rows(first, count) : MatrixView<T>{}, terms.data());
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) sums[i] = terms[i].sum;
      kernels::logarithms(sums.data(), count, logs.data());
      for (Index i = 0; i < count; ++i) {
        const auto place = static_cast<std::size_t>(i);
        finish_row(rows, first + i, terms[place].largest, logs[place], slopes[place]);
      }
    }
  }

  /// What the targets add: the row's gradient is slope · p so far, with slope = scale · w. The
  /// logarithm is that of Σ e^{t - largest}: a large t must not swallow it.
  template <class T>
  void finish_row(const LossRows<T>& rows, Index i, T largest, T log_sum, T slope) const {
    const Index classes = rows.predictions.cols;
    const T* const t = rows.predictions.row(i);
    T* const gradient = rows.gradient.data == nullptr ? nullptr : rows.gradient.row(i);
    const T weight = rows.weights == nullptr ? T{1} : rows.weights[i];
    if (rows.labels != nullptr && smoothing_ == 0) {
      const std::int64_t label = rows.labels[i];
      rows.losses[i] = weight * (log_sum - (t[label] - largest));
      if (gradient != nullptr) gradient[label] -= slope;
      return;
    }
    double loss = 0;  // of very many classes, too
    double total = 0;
    for (Index k = 0; k < classes; ++k) {
      const T y = target(rows, i, k);
      total += static_cast<double>(y);
      if (y != 0) loss += static_cast<double>(y * (log_sum - (t[k] - largest)));
    }
    rows.losses[i] = weight * static_cast<T>(loss);
    for (Index k = 0; gradient != nullptr && k < classes; ++k) {
      gradient[k] = static_cast<T>(total) * gradient[k] - target(rows, i, k) * slope;
    }
  }

  // d = -Σ y_k log p_k, and ∂d/∂p_k = -y_k / p_k; p is kept off 0, where the logarithm ends.
  template <class T>
  void from_probabilities(const LossRows<T>& rows) const {
    for (Index i = 0; i < rows.predictions.rows; ++i) {
      const T weight = rows.weights == nullptr ? T{1} : rows.weights[i];
      double loss = 0;
      for (Index k = 0; k < rows.predictions.cols; ++k) {
        const T y = target(rows, i, k);
        const T p = std::max(rows.predictions(i, k), std::numeric_limits<T>::min());
        if (y != 0) loss -= static_cast<double>(y * std::log(p));
        if (rows.gradient.data != nullptr) {
          rows.gradient(i, k) = bounded(-y / p * (rows.scale * weight));
        }
      }
      rows.losses[i] = weight * static_cast<T>(loss);
    }
  }

  bool from_logits_;
  double smoothing_;
};

/// max(0, margin - y f): the hinge loss with margin 1, the perceptron criterion with margin 0.
class MarginLoss final : public LossOf<MarginLoss> {
 public:
  MarginLoss(std::string name, int margin, Reduction reduction)
      : LossOf(std::move(name), reduction), margin_(margin) {}
  [[nodiscard]] std::optional<Recipe> recipe() const override { return built_in(); }

  [[nodiscard]] bool takes_pre_activation(const Activation& output) const override {
    return margin_ == 0 && output.kind() == Activation::Kind::binary;
  }
  [[nodiscard]] bool parts_at_zero() const override { return true; }
  [[nodiscard]] std::string target_error(const double* row, Index cols) const override {
    return sign_error(row, cols);
  }

  template <class T>
  void rows(const LossRows<T>& rows, bool /*pre_activation*/) const {
    const auto margin = static_cast<T>(margin_);
    // Rosenblatt's rule corrects a sample on the hyperplane too, or zero weights would never move;
    // the hinge is flat from the margin on.
    const bool corrects_ties = margin_ == 0;
    sum_over_outputs(rows, T{1}, [margin, corrects_ties](T f, T y) {
      const T shortfall = margin - y * f;
      const bool wrong = shortfall > 0 || (corrects_ties && shortfall == 0);
      // Not max(0, ·), which would turn a NaN into 0.
      return Term<T>{shortfall < 0 ? T{0} : shortfall, wrong ? -y : T{0}};
    });
  }

 private:
  int margin_;
};

}  // namespace

LossPointer binary_cross_entropy(bool from_logits, Reduction reduction) {
  return std::make_shared<BinaryCrossEntropy>(from_logits, reduction);
}
LossPointer cross_entropy(bool from_logits, double label_smoothing, Reduction reduction) {
  return std::make_shared<CrossEntropy>(from_logits, label_smoothing, reduction);
}
LossPointer hinge(Reduction reduction) {
  return std::make_shared<MarginLoss>("hinge", 1, reduction);
}
LossPointer perceptron_criterion(Reduction reduction) {
  return std::make_shared<MarginLoss>("perceptron", 0, reduction);
}

}  // namespace nnbind
