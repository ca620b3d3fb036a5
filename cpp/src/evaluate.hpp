// The loss and the metrics of a network on a dataset, shared out over a team.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nnbind/trainer.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

/// Sums of metrics for each output.
template <class T>
std::vector<MetricSums> empty_sums(const Network<T>& network);

/// The values behind metric_names: of the outputs' losses and metrics.
std::vector<double> metric_values(const std::vector<double>& losses,
                                  const std::vector<MetricSums>& sums,
                                  const std::vector<Metric>& metrics);

/// Σ_k weight_k · loss_k.
double weighted_sum(const Losses& losses, const std::vector<double>& values);

/// After how many parts of so many flops it is time to poll: about 10⁶ operations.
Index parts_between_polls(double flops);

/// Evaluates one dataset, or some samples of it, any number of times.
template <class T>
class Evaluator {
 public:
  Evaluator(const Network<T>& network, const Dataset<T>& data, Losses losses,
            std::vector<Metric> metrics, int members, std::span<const std::int64_t> samples = {});

  /// This member's part, polled as it goes. A barrier must follow before result().
  void run(const Member& member);
  /// `beside`: for each output the sums of a set that shares its metrics' threshold, if any.
  [[nodiscard]] Evaluation result(std::span<MetricSums> beside = {}) const;

  [[nodiscard]] static int useful_members(const Network<T>& network, const Losses& losses,
                                          Index samples);

 private:
  [[nodiscard]] Index size() const {
    return samples_.empty() ? data_.size() : static_cast<Index>(samples_.size());
  }
  [[nodiscard]] Index sample(Index i) const {
    return samples_.empty() ? i : samples_[static_cast<std::size_t>(i)];
  }
  /// Samples first, first + 1, ... of those to evaluate, computed at `place` in the workspace.
  void evaluate_chunk(Index chunk, Index first, Index count, Index place);
  void evaluate_output(std::size_t k, Index chunk, Index first, Index count, Index place);

  const Network<T>* network_;
  Dataset<T> data_;
  Losses losses_;
  std::vector<Metric> metrics_;
  std::span<const std::int64_t> samples_;  // empty: all
  Index chunk_rows_;                       // samples that a member evaluates at a time
  std::vector<bool> pre_activations_;
  Workspace<T> workspace_;
  std::vector<const T*> target_rows_;
  std::vector<std::int64_t> labels_;
  AlignedVector<T> row_weights_;
  AlignedVector<T> row_losses_;
  Index chunks_;
  Index chunks_between_polls_;
  std::vector<std::vector<double>> chunk_losses_;  // [output][chunk]
  std::vector<std::vector<MetricSums>> chunk_metrics_;
};

}  // namespace nnbind
