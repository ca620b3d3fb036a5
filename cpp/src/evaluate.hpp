// The loss and the metrics of a network on a dataset, shared out over a team.
#pragma once

#include <vector>

#include "nnbind/trainer.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

/// Evaluates one dataset, any number of times.
template <class T>
class Evaluator {
 public:
  Evaluator(const Network<T>& network, const Dataset<T>& data, LossPointer loss,
            std::vector<Metric> metrics, int members);

  /// This member's part. A barrier must follow before result().
  void run(const Member& member);
  [[nodiscard]] Evaluation result() const;

  [[nodiscard]] static int useful_members(const Network<T>& network, Index samples);

 private:
  void evaluate_chunk(Index chunk, const Dataset<T>& part, Index place);

  const Network<T>* network_;
  Dataset<T> data_;
  LossPointer loss_;
  std::vector<Metric> metrics_;
  Workspace<T> workspace_;
  std::vector<const T*> target_rows_;
  AlignedVector<T> losses_;
  std::vector<double> chunk_losses_;
  std::vector<MetricSums> chunk_metrics_;
};

}  // namespace nnbind
