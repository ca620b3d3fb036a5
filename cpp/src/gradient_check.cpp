#include "nnbind/gradient_check.hpp"

#include <set>

#include "difference.hpp"
#include "nnbind/trainer.hpp"
#include "operator_check.hpp"
#include "option_checks.hpp"
#include "sample_losses.hpp"

namespace nnbind {

void GradientCheckOptions::check() const {
  require_positive("check_gradients", "step", step);
  require_positive("check_gradients", "tolerance", tolerance);
}

namespace {

/// Samples at which operators are checked by themselves: a few dozen tell enough.
constexpr Index most_samples = 32;

/// The names of the nodes that a block of θ reaches.
template <class T>
std::set<std::string> reached_from(const Graph<T>& graph, NodeId owner) {
  std::set<std::string> reached;
  for (const Node<T>& node : graph.nodes()) {
    const bool above = std::ranges::any_of(
        node.inputs, [&](NodeId input) { return reached.contains(graph.node(input).name); });
    if (node.owner == owner || above) reached.insert(node.name);
  }
  return reached;
}

/// Compares ∂L/∂θ with differences of L.
template <class T>
class ThetaCheck {
 public:
  ThetaCheck(Network<T>& network, const Dataset<T>& data, const Losses& losses,
             const Regularizer& regularizer, const Mode<T>& mode,
             const GradientCheckOptions& options, OperatorCheck<T>& operators)
      : network_(network),
        data_(data),
        losses_(losses),
        regularizer_(regularizer),
        mode_(mode),
        options_(options),
        operators_(operators),
        at_sample_(static_cast<std::size_t>(data.size())),
        start_(loss(data)),
        analytic_(network.gradient().begin(), network.gradient().end()) {
    const Index size = network.parameter_count();
    scale_ = {
        largest_of<T>({analytic_.data(), 1, size, size}),
        rounding<T>(std::abs(start_)) + output_rounding(network, data, losses, mode, options.step)};
  }

  /// The entry of a node's block.
  GradientCheck::Entry entry(NodeId id) {
    const Node<T>& node = network_.graph().node(id);
    const std::set<std::string> reached = reached_from(network_.graph(), id);
    GradientCheck::Entry entry;
    entry.node = node.name;
    const Index cols = node.parameters.cols;
    const MatrixView<const T> gradient = node.parameters_in(std::as_const(analytic_).data());
    const auto excuse = [&](T& variable, Index i, Index j) {
      return has_kinks_only(variable, node.offset + i * cols + j, reached);
    };
    compare(
        gradient, scale_, options_, network_.parameters(id), [&] { return loss(data_) - start_; },
        excuse, entry);
    return entry;
  }

  /// L, and its gradient in the network.
  double loss(const Dataset<T>& data) {
    return loss_and_gradient(network_, data, losses_, regularizer_, options_.training);
  }

 private:
  /// Whether the gradient over the samples that have no kink here is right.
  bool has_kinks_only(T& variable, Index index, const std::set<std::string>& reached) {
    const SampleKinks kinks = find_kinks(variable);
    if (!kinks.any) return false;
    std::vector<T> weights;
    for (std::size_t i = 0; i < kinks.at.size(); ++i) {
      const T weight = data_.weights == nullptr ? T{1} : data_.weights[i];
      weights.push_back(kinks.at[i] ? T{0} : weight);
    }
    Dataset<T> others = data_;
    others.weights = weights.data();
    const double start = loss(others);
    const auto place = static_cast<std::size_t>(index);
    const auto analytic = static_cast<double>(network_.gradient()[place]);
    const Comparison found =
        compare(analytic, scale_, options_, variable, [&] { return loss(others) - start; });
    if (found.relative_error > options_.tolerance && !found.kink) return false;
    return kinks.sum.hold(static_cast<double>(analytic_[place]) - analytic) ||
           have_kinks(kinks.at, reached);
  }

  /// Whether at these samples an operator or a loss that is reached has a kink by itself, and none
  /// is wrong.
  bool have_kinks(const std::vector<bool>& samples, const std::set<std::string>& reached) {
    bool any = false;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (!samples[i]) continue;
      if (at_sample_[i].empty()) at_sample_[i] = operators_.entries(static_cast<Index>(i), 1);
      for (const GradientCheck::OperatorEntry& entry : at_sample_[i]) {
        if (!reached.contains(entry.node)) continue;
        if (entry.largest_relative_error > options_.tolerance) return false;
        any = any || entry.kinks > 0;
      }
    }
    return any;
  }

  struct SampleKinks {
    std::vector<bool> at;
    bool any = false;
    Sides sum;  // the least and the largest slope of those samples
  };
  SampleKinks find_kinks(T& variable) {
    const double h = options_.step * std::max(1.0, std::abs(static_cast<double>(variable)));
    const std::vector<double> start = sample_losses(network_, data_, losses_, mode_);
    const std::vector<Sides> coarse = sides(variable, h, start);
    const std::vector<Sides> fine = sides(variable, h / 100, start);
    double largest = 0;
    for (const double value : start) largest = std::max(largest, std::abs(value));
    SampleKinks kinks{std::vector<bool>(start.size()), false, {}};
    for (std::size_t i = 0; i < start.size(); ++i) {
      // What rounding may do to a gap, ten times over, is no kink.
      const double noise = 10 * rounding<T>(largest) / (h / 100);
      const double size = std::max(std::abs(fine[i].left), std::abs(fine[i].right));
      if (!(fine[i].gap() > std::max(noise, 1e-3 * size)) || !fine[i].stays_of(coarse[i])) continue;
      kinks.at[i] = kinks.any = true;
      kinks.sum.left += std::min(fine[i].left, fine[i].right);
      kinks.sum.right += std::max(fine[i].left, fine[i].right);
    }
    return kinks;
  }

  /// The difference quotients of each sample's loss.
  std::vector<Sides> sides(T& variable, double h, const std::vector<double>& start) {
    const Kept kept(variable);
    const T x = variable;
    std::vector<Sides> result(start.size());
    for (const bool right : {false, true}) {
      variable = static_cast<T>(static_cast<double>(x) + (right ? h : -h));
      const double reached = static_cast<double>(variable) - static_cast<double>(x);
      const std::vector<double> moved = sample_losses(network_, data_, losses_, mode_);
      for (std::size_t i = 0; i < start.size(); ++i) {
        (right ? result[i].right : result[i].left) = (moved[i] - start[i]) / reached;
      }
    }
    return result;
  }

  Network<T>& network_;
  const Dataset<T>& data_;
  const Losses& losses_;
  const Regularizer& regularizer_;
  Mode<T> mode_;
  const GradientCheckOptions& options_;
  OperatorCheck<T>& operators_;
  std::vector<std::vector<GradientCheck::OperatorEntry>> at_sample_;  // as far as asked
  double start_;
  std::vector<T> analytic_;
  Scale scale_;
};

}  // namespace

template <class T>
GradientCheck check_gradients(Network<T>& network, const Dataset<T>& data, const Losses& losses,
                              const Regularizer& regularizer, const GradientCheckOptions& options) {
  const std::string where = "check_gradients";
  options.check();
  check(data, network, losses, where);
  const DropoutKey dropout{network.seed(), network.steps_trained};
  const Mode<T> mode{options.training, options.training ? &dropout : nullptr, nullptr};
  require_finite(network, data, losses, mode, where);

  GradientCheck result;
  result.tolerance = options.tolerance;
  OperatorCheck<T> operators(network, data, losses, mode, options);
  result.operators = operators.entries(0, std::min(data.size(), most_samples));
  ThetaCheck<T> theta(network, data, losses, regularizer, mode, options, operators);
  for (const NodeId id : network.graph().parameter_nodes()) {
    result.nodes.push_back(theta.entry(id));
  }
  theta.loss(data);  // the gradient of L stays in the network
  for (const auto& entry : result.nodes) {
    result.largest_relative_error =
        std::max(result.largest_relative_error, entry.largest_relative_error);
    result.kinks += entry.kinks;
  }
  for (const auto& entry : result.operators) {
    result.largest_operator_error =
        std::max(result.largest_operator_error, entry.largest_relative_error);
    result.kinks += entry.kinks;
  }
  return result;
}

#define NNBIND_INSTANTIATE(T)                                                              \
  template GradientCheck check_gradients<T>(Network<T>&, const Dataset<T>&, const Losses&, \
                                            const Regularizer&, const GradientCheckOptions&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
