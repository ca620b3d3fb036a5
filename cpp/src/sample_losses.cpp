#include "sample_losses.hpp"

#include <cmath>

#include "batch_run.hpp"
#include "difference.hpp"
#include "nnbind/error.hpp"
#include "node_run.hpp"

namespace nnbind {

template <class T>
LossRun<T>::LossRun(const Dataset<T>& data, std::size_t k, const Loss& loss,
                    MatrixView<const T> values, bool pre_activation)
    : loss_(&loss),
      pre_activation_(pre_activation),
      values_(copy_of(values)),
      gradient_(values.rows, values.cols),
      losses_(1, values.rows) {
  const Targets<T>& y = data.targets[k];
  for (Index i = 0; y.labels == nullptr && i < values.rows; ++i) {
    targets_.push_back(y.values.row(i));
  }
  rows_.predictions = values_.view();
  rows_.targets = y.labels == nullptr ? targets_.data() : nullptr;
  rows_.labels = y.labels;
  rows_.weights = data.weights;
  rows_.losses = losses_.view().data;
}

template <class T>
void LossRun<T>::evaluate() {
  rows_.gradient = {};
  loss_->evaluate(rows_, pre_activation_);
}

template <class T>
void LossRun<T>::evaluate_with_gradient(T scale) {
  rows_.scale = scale;
  rows_.gradient = gradient_.view();
  loss_->evaluate(rows_, pre_activation_);
}

namespace {

/// Hands a LossRun of each output to `use(k, run)`, its losses evaluated.
template <class T, class F>
void each_loss(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
               NodeRuns<T>& runs, F use) {
  const std::vector<bool> taken = pre_activations(network, losses);
  for (std::size_t k = 0; k < losses.terms.size(); ++k) {
    NodeRun<T>& output = runs.run(network.output_ids()[k]);
    if (taken[k]) output.forward(true);
    LossRun<T> run(data, k, *losses.terms[k].loss, output.output(), taken[k]);
    run.evaluate();
    use(k, run);
  }
}

/// What the weight and the reduction of a loss multiply with.
double scale_of(const Losses::Term& term, Index samples) {
  return term.weight * term.loss->scale(samples);
}

/// Throws for the first of the values that is not finite.
template <class T>
void require_finite(MatrixView<const T> values, const std::string& what) {
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) {
      if (std::isfinite(values(i, j))) continue;
      throw OptionError(what + " is not finite: it has " +
                        (std::isnan(values(i, j)) ? "a NaN" : "an infinity") + " at " +
                        shape_text(i, j));
    }
  }
}

}  // namespace

template <class T>
std::vector<double> sample_losses(const Network<T>& network, const Dataset<T>& data,
                                  const Losses& losses, const Mode<T>& mode) {
  NodeRuns<T> runs(network, data.inputs, mode);
  const Index n = data.size();
  std::vector<double> sums(static_cast<std::size_t>(n));
  each_loss(network, data, losses, runs, [&](std::size_t k, const LossRun<T>& run) {
    const double scale = scale_of(losses.terms[k], n);
    for (Index i = 0; i < n; ++i) {
      sums[static_cast<std::size_t>(i)] += scale * static_cast<double>(run.losses()(0, i));
    }
  });
  return sums;
}

template <class T>
double output_rounding(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                       const Mode<T>& mode, double step) {
  NodeRuns<T> runs(network, data.inputs, mode);
  double sum = 0;
  each_loss(network, data, losses, runs, [&](std::size_t k, LossRun<T>& run) {
    const MatrixView<T> y = run.values();
    for (Index i = 0; i < y.rows; ++i) {
      for (Index j = 0; j < y.cols; ++j) y(i, j) += static_cast<T>(step);
    }
    run.evaluate_with_gradient();
    const double scale = scale_of(losses.terms[k], data.size());
    for (Index i = 0; i < y.rows; ++i) {
      for (Index j = 0; j < y.cols; ++j) {
        const double slope = std::abs(static_cast<double>(run.gradient()(i, j)));
        const double noise = slope * rounding<T>(std::abs(static_cast<double>(y(i, j))));
        if (std::isfinite(noise)) sum += scale * noise;
      }
    }
  });
  return sum;
}

template <class T>
void require_finite(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                    const Mode<T>& mode, const std::string& where) {
  NodeRuns<T> runs(network, data.inputs, mode);
  for (NodeId id = 0; id < network.graph().nodes().size(); ++id) {
    const Node<T>& node = network.graph().node(id);
    require_finite(runs.value(id), "[" + where + "] the output of " + in_quotes(node.name) + " (" +
                                       std::string(node.op->kind()) + ")");
  }
  each_loss(network, data, losses, runs, [&](std::size_t k, const LossRun<T>& run) {
    for (Index i = 0; i < data.size(); ++i) {
      require(std::isfinite(run.losses()(0, i)), where,
              "the loss " + in_quotes(losses.terms[k].loss->name()) + " of " +
                  in_quotes(network.graph().node(network.output_ids()[k]).name) +
                  " is not finite: it is " + number_text(static_cast<double>(run.losses()(0, i))) +
                  " in row " + std::to_string(i));
    }
  });
}

#define NNBIND_INSTANTIATE(T)                                                             \
  template class LossRun<T>;                                                              \
  template std::vector<double> sample_losses<T>(const Network<T>&, const Dataset<T>&,     \
                                                const Losses&, const Mode<T>&);           \
  template double output_rounding<T>(const Network<T>&, const Dataset<T>&, const Losses&, \
                                     const Mode<T>&, double);                             \
  template void require_finite<T>(const Network<T>&, const Dataset<T>&, const Losses&,    \
                                  const Mode<T>&, const std::string&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
