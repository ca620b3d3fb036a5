#include "operator_check.hpp"

#include "batch_run.hpp"
#include "difference.hpp"
#include "sample_losses.hpp"

namespace nnbind {

namespace {

/// G, positive: so that kinks of a convex function, each with its slope on one side, do not cancel
/// each other in Σ G ⊙ y.
template <class T>
Matrix<T> random_direction(Index rows, Index cols, NodeId id) {
  Random random(id);
  Matrix<T> direction(rows, cols);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      direction.view()(i, j) = static_cast<T>(0.5 + random.uniform());
    }
  }
  return direction;
}

/// The targets and the weights of some samples.
template <class T>
Dataset<T> part_of(const Dataset<T>& data, Index first, Index count) {
  Dataset<T> part;
  for (Targets<T> y : data.targets) {
    if (y.labels == nullptr) {
      y.values = y.values.middle_rows(first, count);
    } else {
      y.labels += first;
    }
    part.targets.push_back(y);
  }
  if (data.weights != nullptr) part.weights = data.weights + first;
  return part;
}

template <class T>
void check_operator(const Network<T>& network, NodeId id, NodeRun<T>& run,
                    const GradientCheckOptions& options,
                    std::vector<GradientCheck::OperatorEntry>& entries) {
  run.forward();
  const MatrixView<T> y = run.output();
  const Matrix<T> start = copy_of<T>(y);
  const Matrix<T> direction = random_direction<T>(y.rows, y.cols, id);
  run.backward(direction.view());
  const auto change = [&] {
    run.forward();
    double sum = 0;
    for (Index i = 0; i < y.rows; ++i) {
      for (Index j = 0; j < y.cols; ++j) {
        sum += static_cast<double>(direction.view()(i, j)) *
               (static_cast<double>(y(i, j)) - static_cast<double>(start.view()(i, j)));
      }
    }
    return sum;
  };
  const Node<T>& node = run.node();
  const auto check = [&](std::size_t input, MatrixView<const T> gradient, MatrixView<T> variables) {
    GradientCheck::OperatorEntry entry;
    entry.node = node.name;
    entry.kind = node.op->kind();
    entry.input = input;
    if (input > 0) entry.from = network.graph().node(node.inputs[input - 1]).name;
    const Scale scale{largest_of(gradient), rounding<T>(largest_of<T>(start.view()))};
    compare(gradient, scale, options, variables, change, entry);
    entries.push_back(std::move(entry));
  };
  for (std::size_t k = 0; k < node.inputs.size(); ++k) {
    check(k + 1, run.input_gradient(k), run.input(k));
  }
  if (node.parameters.size() > 0) check(0, run.parameter_gradient(), run.parameters());
}

/// Σ w d of a loss as a function of what it takes of an output: y, or t where training does so.
template <class T>
GradientCheck::OperatorEntry check_loss(LossRun<T>& run, const GradientCheckOptions& options) {
  run.evaluate_with_gradient();
  const Matrix<T> start = copy_of(run.losses());
  const auto change = [&] {
    run.evaluate();
    double sum = 0;
    for (Index i = 0; i < run.losses().cols; ++i) {
      sum += static_cast<double>(run.losses()(0, i)) - static_cast<double>(start.view()(0, i));
    }
    return sum;
  };
  GradientCheck::OperatorEntry entry;
  const Scale scale{largest_of<T>(run.gradient()), rounding<T>(largest_of<T>(start.view()))};
  compare(run.gradient(), scale, options, run.values(), change, entry);
  return entry;
}

}  // namespace

template <class T>
OperatorCheck<T>::OperatorCheck(const Network<T>& network, const Dataset<T>& data,
                                const Losses& losses, const Mode<T>& mode,
                                const GradientCheckOptions& options)
    : network_(network),
      data_(data),
      losses_(losses),
      mode_(mode),
      options_(options),
      runs_(network, data.inputs, mode) {}

template <class T>
NodeRun<T> OperatorCheck<T>::part_of(NodeId id, Index first, Index count) {
  const Node<T>& node = network_.graph().node(id);
  std::vector<Matrix<T>> inputs;
  for (std::size_t k = 0; k < node.inputs.size(); ++k) {
    const MatrixView<const T> value = runs_.run(id).input(k);
    const bool is_batch = node.input_shapes[k].is_batch();
    inputs.push_back(copy_of(is_batch ? value.middle_rows(first, count) : value));
  }
  return NodeRun<T>(network_, id, std::move(inputs), count, mode_);
}

template <class T>
std::vector<GradientCheck::OperatorEntry> OperatorCheck<T>::entries(Index first, Index count) {
  std::vector<GradientCheck::OperatorEntry> entries;
  for (NodeId id = 0; id < network_.graph().nodes().size(); ++id) {
    if (runs_.is_input(id)) continue;
    NodeRun<T> run = part_of(id, first, count);
    check_operator(network_, id, run, options_, entries);
  }
  const std::vector<bool> taken = pre_activations(network_, losses_);
  const Dataset<T> part = nnbind::part_of(data_, first, count);
  for (std::size_t k = 0; k < losses_.terms.size(); ++k) {
    const Loss& loss = *losses_.terms[k].loss;
    NodeRun<T>& output = runs_.run(network_.output_ids()[k]);
    if (taken[k]) output.forward(true);
    LossRun<T> run(part, k, loss, output.output().middle_rows(first, count), taken[k]);
    GradientCheck::OperatorEntry entry = check_loss(run, options_);
    entry.node = entry.from = output.node().name;
    entry.kind = loss.name();
    entry.input = 1;
    entry.is_loss = true;
    entries.push_back(std::move(entry));
  }
  return entries;
}

template class OperatorCheck<float>;
template class OperatorCheck<double>;

}  // namespace nnbind
