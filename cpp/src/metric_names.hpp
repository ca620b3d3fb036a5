// Under which names the metrics of a network are kept.
#pragma once

#include <string>
#include <vector>

#include "nnbind/trainer.hpp"

namespace nnbind {

/// Throws OptionError, "[where] ...", if two outputs have a metric of one name; those of a
/// validation, if there is one, among them.
template <class T>
void check_metric_names(const Network<T>& network, const std::vector<Metric>& metrics,
                        bool validated, const std::string& where);

}  // namespace nnbind
