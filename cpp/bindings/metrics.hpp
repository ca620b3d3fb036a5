// Metrics by their names.
#pragma once

#include <string>
#include <vector>

#include "nnbind/metric.hpp"

namespace nnbind::bindings {

/// The metrics of these names. Raises ValueError if there is none such.
inline std::vector<Metric> metrics_from_names(const std::vector<std::string>& names,
                                              const std::string& where) {
  std::vector<Metric> metrics;
  metrics.reserve(names.size());
  for (const std::string& name : names) metrics.push_back(metric_from_name(name, where));
  return metrics;
}

}  // namespace nnbind::bindings
