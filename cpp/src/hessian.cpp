// Products with the Hessian, by differences of gradients.
#include <algorithm>
#include <cmath>
#include <vector>

#include "batch_run.hpp"
#include "kernels/penalty.hpp"
#include "nnbind/derivatives.hpp"
#include "nnbind/error.hpp"
#include "sample_run.hpp"
#include "theta_vector.hpp"

namespace nnbind {

namespace {

MatrixView<const double> row(std::span<const double> values) {
  const auto size = static_cast<Index>(values.size());
  return {values.data(), 1, size, size};
}
double norm(std::span<const double> values) {
  return std::sqrt(kernels::sum_of_squares(row(values)));
}

/// How far θ may be moved along a direction for a step to be of the size of 1: as a whole, and none
/// of its entries further than by its own size. A large entry that stands still says nothing of the
/// others.
double length_scale(std::span<const double> theta, std::span<const double> direction) {
  double scale = (1 + norm(theta)) / norm(direction);
  for (std::size_t i = 0; i < theta.size(); ++i) {
    const double moved = std::abs(direction[i]);
    if (moved > 0) scale = std::min(scale, (1 + std::abs(theta[i])) / moved);
  }
  return scale;
}

/// A place along the direction, and what the gradient there is multiplied with.
struct Point {
  double step;
  double factor;
};

std::vector<Point> points(Differences differences, double scale) {
  if (differences == Differences::two) {
    const double h = 6e-6 * scale;
    return {{h, 1 / (2 * h)}, {-h, -1 / (2 * h)}};
  }
  const double h = 7e-4 * scale;
  return {{h / 2, 4 / (3 * h)}, {-h / 2, -4 / (3 * h)}, {h, -1 / (6 * h)}, {-h, 1 / (6 * h)}};
}

/// Gradients of the reduced loss, without R, at points beside θ.
class GradientAt {
 public:
  GradientAt(const Network<double>& network, const Dataset<double>& data, const Losses& losses,
             int members)
      : network_(network),
        count_(data.size()),
        workspace_(network, {.capacity = data.size(),
                             .purpose = Purpose::step,
                             .pre_activations = pre_activations(network, losses),
                             .members = members}),
        losses_(network, data, losses, true, data.size()),
        theta_(network.theta().size() + line_elements<double>),
        gradient_(network.theta().size()) {
    for (std::size_t k = 0; k < data.inputs.size(); ++k) {
      for (Index i = 0; i < count_; ++i) workspace_.input_rows(k)[i] = data.inputs[k].row(i);
    }
  }

  /// This member's part of out += factor ∇L(θ + step · direction).
  void add(const Member& member, const Point& point, const double* direction,
           std::span<double> out) {
    const Range mine = member.share(network_.parameter_count());
    const double* const theta = network_.theta().data();
    double* const moved = theta_.data();
    for (Index i = mine.begin; i < mine.end; ++i) moved[i] = theta[i] + point.step * direction[i];
    member.barrier();
    workspace_.prepare(member, moved, count_, {});
    workspace_.forward(member);
    losses_.write(workspace_, member.share(count_), 0);
    workspace_.backward(member);
    member.barrier();
    for (const NodeId id : network_.graph().parameter_nodes()) {
      add_block(id, workspace_.my_parameters(member, id), point, out);
    }
  }

 private:
  void add_block(NodeId id, const Block& block, const Point& point, std::span<double> out) {
    if (block.rows.size() == 0 || block.cols.size() == 0) return;
    const auto block_of = [&](double* all) {
      return network_.graph().node(id).parameters_in(all).block(block);
    };
    const MatrixView<double> part = block_of(gradient_.data());
    const MatrixView<double> to = block_of(out.data());
    workspace_.parameter_gradient(id, {0, count_}, block, false, Panels<double>::plain(part));
    for (Index i = 0; i < part.rows; ++i) {
      for (Index j = 0; j < part.cols; ++j) to(i, j) += point.factor * part(i, j);
    }
  }

  const Network<double>& network_;
  Index count_;
  Workspace<double> workspace_;
  LossGradients<double> losses_;
  AlignedVector<double> theta_;
  AlignedVector<double> gradient_;
};

/// out += l2 ⊙ v, the Hessian of R where it has one.
void add_penalties(const Network<double>& network, const Regularizer& regularizer, Index samples,
                   std::span<const double> v, std::span<double> out) {
  const auto add = [&](Index first, Index last, const PenaltySlopes<double>& slopes) {
    for (Index i = first; i < last; ++i) out.data()[i] += slopes.l2 * v.data()[i];
  };
  for (const NodeId id : network.graph().parameter_nodes()) {
    const Node<double>& node = network.graph().node(id);
    const Index biases = node.offset + node.weight_rows * node.parameters.cols;
    const BlockPenalty<double> penalty = penalty_of(regularizer, node.op->penalty(), samples);
    add(node.offset, biases, penalty.weights);
    add(biases, node.offset + node.parameters.size(), penalty.biases);
  }
}

}  // namespace

void hessian_vector_product(const Network<double>& network, const Dataset<double>& data,
                            const Losses& losses, std::span<const double> v, std::span<double> out,
                            const Regularizer& regularizer, Differences differences) {
  const std::string where = "Network.hessian_vector_product";
  regularizer.check();
  check(data, network, losses, where);
  check_vector(v, network.parameter_count(), where, "v");
  check_size(out, network.parameter_count(), where, "the result");
  // H v = |v| · H (v / |v|) with |v| = Σ |v_i|: no square of a tiny or a huge v is taken.
  const double size = kernels::sum_of_absolutes(row(v));
  std::vector<double> direction(v.begin(), v.end());
  std::ranges::fill(out, 0.0);
  if (size == 0) return;
  for (double& x : direction) x /= size;
  const double scale = length_scale(network.theta(), direction);
  const int members = training_members(network, losses, data.size());
  GradientAt gradient(network, data, losses, members);
  const std::vector<Point> along = points(differences, scale);
  run_team(members, [&](const Member& member) {
    for (const Point& point : along) gradient.add(member, point, direction.data(), out);
  });
  add_penalties(network, regularizer, data.size(), direction, out);
  for (double& x : out) x *= size;
}

}  // namespace nnbind
