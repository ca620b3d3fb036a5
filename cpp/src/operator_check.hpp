// Each operator and each loss by itself against differences.
#pragma once

#include <vector>

#include "nnbind/gradient_check.hpp"
#include "node_run.hpp"

namespace nnbind {

/// Compares the gradients of each operator with respect to each of its inputs and to its
/// parameters, and of each loss, at the values that they meet in a run over the data.
template <class T>
class OperatorCheck {
 public:
  OperatorCheck(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                const Mode<T>& mode, const GradientCheckOptions& options);

  /// At some of the samples, with θ as it was in the run: each variable takes several forward
  /// passes over all of them.
  std::vector<GradientCheck::OperatorEntry> entries(Index first, Index count);

 private:
  NodeRun<T> part_of(NodeId id, Index first, Index count);

  const Network<T>& network_;
  const Dataset<T>& data_;
  const Losses& losses_;
  Mode<T> mode_;
  const GradientCheckOptions& options_;
  NodeRuns<T> runs_;
};

}  // namespace nnbind
