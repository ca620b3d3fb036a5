// Metrics: what a person wants to know of predictions beside the loss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nnbind/loss.hpp"
#include "nnbind/matrix.hpp"

namespace nnbind {

// clang-format off
/// | name            | meaning, over n samples                                                     |
/// |-----------------|-----------------------------------------------------------------------------|
/// | accuracy        | part whose largest output is at the right class; with one output as below   |
/// | binary_accuracy | part of the outputs on the right side of the loss's decision threshold; a   |
/// |                 | target above 1/2 is positive, be it of {0, 1} or of {-1, 1}; they are of    |
/// |                 | {-1, 1} where one is below 0, be it in the training or the validation set   |
/// | mse             | mean of (y - f)² over samples and outputs                                   |
/// | mae             | mean of |y - f| over samples and outputs                                    |
/// | r2              | 1 - Σ (y - f)² / Σ (y - ȳ)² for each output, averaged; where y is constant  |
/// |                 | 1 if every f is that, else 0                                                |
///
/// Where the target is a label, y is the row that is 1 at that class and 0 elsewhere.
// clang-format on
enum class Metric : unsigned char { accuracy, binary_accuracy, mse, mae, r2 };

/// By name. Throws OptionError, "[where] ...", that lists the names if there is none such.
Metric metric_from_name(std::string_view name, const std::string& where = "Metric");
std::string_view metric_name(Metric metric);

/// Sums from which every metric can be computed; sums over parts of the data can be added up.
/// Means and variations are kept by updates that do not cancel: Chan, Golub, LeVeque, "Updating
/// formulae", 1979.
class MetricSums {
 public:
  explicit MetricSums(Index outputs = 0)
      : residual_(static_cast<std::size_t>(outputs)),
        mean_(residual_.size()),
        variation_(residual_.size()) {}

  /// Adds one sample: its prediction, and its target as values or, where `target` is nullptr, a
  /// label.
  template <class T>
  void add(std::span<const T> prediction, const T* target, std::int64_t label,
           const DecisionThreshold& threshold);
  /// Adds the sums over other samples.
  void add(const MetricSums& other);
  /// Judges both by the same threshold, as the two sets of a fit: either tells whether targets are
  /// -1 and 1, and a set of nothing but 1 could not.
  void share_threshold(MetricSums& other) { signs_ = other.signs_ = signs_ || other.signs_; }
  /// As at first: of no samples.
  void clear();

  [[nodiscard]] double value(Metric metric) const;

 private:
  double samples_ = 0;
  double right_class_ = 0;
  double right_side_ = 0;
  double right_sign_ = 0;  // the same with the threshold for targets of -1 and 1
  bool signs_ = false;     // there are targets below 0
  double absolute_ = 0;
  std::vector<double> residual_;  // for each output: Σ (y - f)², ȳ, Σ (y - ȳ)²
  std::vector<double> mean_;
  std::vector<double> variation_;
};

}  // namespace nnbind
