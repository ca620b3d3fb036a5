#include "nnbind/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

constexpr std::array<std::string_view, 5> all_metrics{"accuracy", "binary_accuracy", "mse", "mae",
                                                      "r2"};

}  // namespace

Metric metric_from_name(std::string_view name, const std::string& where) {
  const auto* const found = std::ranges::find(all_metrics, name);
  require(found != all_metrics.end(), where,
          "unknown metric " + in_quotes(name) + "; expected one of " + joined(all_metrics));
  return static_cast<Metric>(found - all_metrics.begin());
}

std::string_view metric_name(Metric metric) {
  return all_metrics[static_cast<std::size_t>(metric)];
}

template <class T>
void MetricSums::add(std::span<const T> prediction, const T* target, std::int64_t label,
                     const DecisionThreshold& threshold) {
  const std::size_t outputs = prediction.size();
  const auto y = [&](std::size_t k) {
    return target == nullptr ? static_cast<double>(label == static_cast<std::int64_t>(k))
                             : static_cast<double>(target[k]);
  };
  std::size_t likeliest = 0;
  std::size_t right = 0;
  ++samples_;
  for (std::size_t k = 0; k < outputs; ++k) {
    const double f = prediction[k];
    const double difference = y(k) - f;
    if (prediction[k] > prediction[likeliest]) likeliest = k;
    if (y(k) > y(right)) right = k;
    right_side_ += static_cast<double>((f >= threshold.usual) == (y(k) > 0.5));
    right_sign_ += static_cast<double>((f >= threshold.of_signs) == (y(k) > 0.5));
    signs_ |= y(k) < 0;
    absolute_ += std::abs(difference);
    residual_[k] += difference * difference;
    const double deviation = y(k) - mean_[k];
    mean_[k] += deviation / samples_;
    variation_[k] += deviation * (y(k) - mean_[k]);
  }
  right_class_ += static_cast<double>(likeliest == right);
}

template void MetricSums::add<float>(std::span<const float>, const float*, std::int64_t,
                                     const DecisionThreshold&);
template void MetricSums::add<double>(std::span<const double>, const double*, std::int64_t,
                                      const DecisionThreshold&);

void MetricSums::add(const MetricSums& other) {
  if (other.samples_ == 0) return;
  if (samples_ == 0) {
    *this = other;  // to the last bit, or the variation of a constant would not be nil
    return;
  }
  const double all = samples_ + other.samples_;
  right_class_ += other.right_class_;
  right_side_ += other.right_side_;
  right_sign_ += other.right_sign_;
  signs_ |= other.signs_;
  absolute_ += other.absolute_;
  for (std::size_t k = 0; k < residual_.size(); ++k) {
    residual_[k] += other.residual_[k];
    const double deviation = other.mean_[k] - mean_[k];
    mean_[k] += deviation * other.samples_ / all;
    variation_[k] += other.variation_[k] + deviation * deviation * samples_ * other.samples_ / all;
  }
  samples_ = all;
}

void MetricSums::clear() {
  samples_ = right_class_ = right_side_ = right_sign_ = absolute_ = 0;
  signs_ = false;
  for (std::vector<double>* sums : {&residual_, &mean_, &variation_}) std::ranges::fill(*sums, 0);
}

double MetricSums::value(Metric metric) const {
  const auto outputs = static_cast<double>(residual_.size());
  const double values = samples_ * outputs;
  switch (metric) {
    case Metric::accuracy:
      if (residual_.size() > 1) return right_class_ / samples_;
      [[fallthrough]];
    case Metric::binary_accuracy:
      return (signs_ ? right_sign_ : right_side_) / values;
    case Metric::mae:
      return absolute_ / values;
    case Metric::mse: {
      double sum = 0;
      for (const double r : residual_) sum += r;
      return sum / values;
    }
    case Metric::r2:
      break;
  }
  double sum = 0;
  for (std::size_t k = 0; k < residual_.size(); ++k) {
    if (variation_[k] > 0) {
      sum += 1 - residual_[k] / variation_[k];
    } else if (residual_[k] == 0) {
      sum += 1;  // as scikit-learn has it
    }
  }
  return sum / outputs;
}

}  // namespace nnbind
