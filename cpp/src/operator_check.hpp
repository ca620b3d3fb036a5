// Each operator and each loss by itself against differences.
#pragma once

#include <vector>

#include "nnbind/gradient_check.hpp"
#include "workspace.hpp"

namespace nnbind {

/// The gradients of each operator with respect to each of its inputs and to its parameters, and of
/// each loss, at the values that they meet in a run over the data.
template <class T>
std::vector<GradientCheck::OperatorEntry> check_operators(const Network<T>& network,
                                                          const Dataset<T>& data,
                                                          const Losses& losses, const Mode<T>& mode,
                                                          const GradientCheckOptions& options);

}  // namespace nnbind
