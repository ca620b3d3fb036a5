#include "nnbind/trace.hpp"

#include <algorithm>
#include <optional>

#include "batch_run.hpp"
#include "denormals.hpp"
#include "local_derivative.hpp"
#include "penalty.hpp"
#include "sample_losses.hpp"

namespace nnbind {

namespace {

template <class T>
void add_to(MatrixView<T> sum, MatrixView<const T> term) {
  for (Index i = 0; i < sum.rows; ++i) {
    for (Index j = 0; j < sum.cols; ++j) sum(i, j) += term(i, j);
  }
}

template <class T>
class Tracer {
 public:
  Tracer(const Network<T>& network, const Dataset<T>& data, const Losses& losses, Index widest)
      : network_(network), data_(data), widest_(widest), runs_(network, data.inputs) {
    make_nodes();
    joint_gradients_.resize(nodes().size());
    const std::vector<bool> taken = pre_activations(network, losses);
    for (std::size_t k = 0; k < losses.terms.size(); ++k) evaluate(k, losses.terms[k], taken[k]);
    for (NodeId id = nodes().size(); id-- > 0;) {
      if (!runs_.is_input(id)) backward(id);
    }
    std::ranges::reverse(result_.edges);  // and of each consumer the first input first
  }

  Trace<T> finish(const Regularizer& regularizer) {
    add_penalty(regularizer);
    for (const auto& output : result_.outputs) result_.loss += output.weight * output.value;
    result_.loss += result_.penalty;
    return std::move(result_);
  }

 private:
  [[nodiscard]] const std::vector<Node<T>>& nodes() const { return network_.graph().nodes(); }

  void make_nodes() {
    for (NodeId id = 0; id < nodes().size(); ++id) {
      const Node<T>& node = nodes()[id];
      const MatrixView<const T> value = runs_.value(id);
      const Index rows = node.parameters.rows, cols = node.parameters.cols;
      typename Trace<T>::Node traced;
      traced.name = node.name;
      traced.kind = node.op->kind();
      traced.activation = node.op->activation().name();
      traced.inputs = node.inputs;
      traced.is_batch = node.shape.is_batch();
      traced.value = copy_of(value);
      traced.gradient = Matrix<T>(value.rows, value.cols);
      if (node.owner == id) {
        traced.parameters = copy_of<T>(node.parameters_in(network_.theta().data()));
        traced.parameter_gradient = Matrix<T>(rows, cols);
      }
      result_.nodes.push_back(std::move(traced));
    }
  }

  /// The loss of output k, from y where it can be; and its joint form with the activation, from t,
  /// for the way down where training takes that.
  void evaluate(std::size_t k, const Losses::Term& term, bool takes_pre_activation) {
    const NodeId id = network_.output_ids()[k];
    const Activation g = network_.output_activation(k);
    NodeRun<T>& run = runs_.run(id);
    typename Trace<T>::Output output{id, term.loss->name(), 0, term.weight, {}, false};
    const bool needed = takes_pre_activation && term.loss->needs_pre_activation(g);
    const bool joint = takes_pre_activation && g.kind() != Activation::Kind::identity;
    output.fused = needed && joint;
    if (joint) {
      run.forward(true);
      joint_gradients_[id] = gradient_of(k, term, true, output.value);
      run.forward();
    }
    double value = 0;
    output.gradient = output.fused ? copy_of<T>(joint_gradients_[id]->view())
                                   : gradient_of(k, term, needed, value);
    if (!joint) output.value = value;  // the joint form's is the better one
    add_to<T>(result_.nodes[id].gradient.view(), output.gradient.view());
    result_.outputs.push_back(std::move(output));
  }

  Matrix<T> gradient_of(std::size_t k, const Losses::Term& term, bool pre_activation,
                        double& value) {
    const double scale = term.loss->scale(data_.size());
    const MatrixView<const T> values = runs_.run(network_.output_ids()[k]).output();
    LossRun<T> run(data_, k, *term.loss, values, pre_activation);
    run.evaluate_with_gradient(static_cast<T>(term.weight * scale));
    for (Index i = 0; i < data_.size(); ++i) value += static_cast<double>(run.losses()(0, i));
    value *= scale;
    return copy_of(run.gradient());
  }

  /// All of the node's consumers have been here: its ∂L/∂value is complete.
  void backward(NodeId id) {
    NodeRun<T>& run = runs_.run(id);
    if (joint_gradients_[id]) {
      run.forward(true);
      run.backward(joint_gradients_[id]->view(), true);
    } else {
      run.backward(result_.nodes[id].gradient.view());
    }
    const Node<T>& node = nodes()[id];
    if (node.parameters.size() > 0) {
      add_to<T>(result_.nodes[node.owner].parameter_gradient.view(), run.parameter_gradient());
    }
    const bool fused = std::ranges::any_of(
        result_.outputs, [&](const auto& output) { return output.node == id && output.fused; });
    std::vector<Jacobian<T>> local = local_derivatives(network_, runs_, id, fused, widest_);
    for (std::size_t k = node.inputs.size(); k-- > 0;) {
      add_to<T>(result_.nodes[node.inputs[k]].gradient.view(), run.input_gradient(k));
      result_.edges.push_back(
          {node.inputs[k], id, k, copy_of(run.input_gradient(k)), std::move(local[k])});
    }
  }

  /// R and its gradient.
  void add_penalty(const Regularizer& regularizer) {
    Penalty<T> penalty(network_.graph(), regularizer);
    if (penalty.is_zero()) return;
    for (const NodeId id : network_.graph().parameter_nodes()) {
      const auto [rows, cols] = nodes()[id].parameters;
      const Block all{{0, rows}, {0, cols}};
      const auto theta = Panels<const T>::plain(result_.nodes[id].parameters.view());
      penalty.add(id, all, theta, data_.size());
      penalty.add_gradient(id, all, theta, data_.size(),
                           Panels<T>::plain(result_.nodes[id].parameter_gradient.view()));
    }
    result_.penalty = penalty.value();
  }

  const Network<T>& network_;
  const Dataset<T>& data_;
  Index widest_;
  NodeRuns<T> runs_;
  Trace<T> result_;
  std::vector<std::optional<Matrix<T>>> joint_gradients_;  // ∂L/∂t of each node whose loss takes t
};

}  // namespace

template <class T>
Trace<T> trace(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
               const Regularizer& regularizer, Index widest) {
  regularizer.check();
  check(data, network, losses, "Network.trace");
  const DenormalMode flush(true);  // as in training
  return Tracer<T>(network, data, losses, widest).finish(regularizer);
}

#define NNBIND_INSTANTIATE(T)                                                     \
  template Trace<T> trace<T>(const Network<T>&, const Dataset<T>&, const Losses&, \
                             const Regularizer&, Index);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
