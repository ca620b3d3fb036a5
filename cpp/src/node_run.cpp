#include "node_run.hpp"

#include <algorithm>

namespace nnbind {

namespace {

template <class T>
void copy(MatrixView<const T> from, MatrixView<T> to) {
  for (Index i = 0; i < from.rows; ++i) std::copy_n(from.row(i), from.cols, to.row(i));
}

}  // namespace

template <class T>
Matrix<T> copy_of(MatrixView<const T> values) {
  Matrix<T> twin(values.rows, values.cols);
  copy(values, twin.view());
  return twin;
}

template <class T>
NodeRun<T>::NodeRun(const Network<T>& network, NodeId id, std::vector<Matrix<T>> inputs,
                    Index batch, const Mode<T>& mode)
    : node_(&network.graph().node(id)), id_(id), mode_(mode), inputs_(std::move(inputs)) {
  const BlockShape block = node_->parameters;
  state_ = node_->state_in(network.state().data());
  for (const Matrix<T>& input : inputs_) {
    input_rows_.push_back(input.rows());
    input_gradients_.emplace_back(input.view().rows, input.view().cols);
  }
  parameters_ = copy_of<T>(node_->parameters_in(network.theta().data()));
  parameter_gradient_ = Matrix<T>(block.rows, block.cols);
  const Index rows = node_->shape.is_batch() ? batch : node_->shape.rows;
  const Index cols = node_->shape.cols;
  output_ = Matrix<T>(rows, cols);
  output_gradient_ = Matrix<T>(rows, cols);
  saved_ = Matrix<T>(rows, node_->op->saved_width(cols));
}

template <class T>
void NodeRun<T>::forward(bool pre_activation) {
  ForwardPass<T> pass;
  pass.inputs = input_rows_;
  pass.parameters = Panels<T>::plain(parameters_.view());
  pass.state = state_;
  pass.output = output_.view();
  if (saved_.view().cols > 0) pass.saved = saved_.view();
  pass.columns = {0, node_->shape.cols};
  pass.training = mode_.training;
  pass.dropout = mode_.dropout;
  pass.node = static_cast<std::uint32_t>(id_);
  pass.pre_activation = pre_activation;
  node_->op->forward(pass);
}

template <class T>
void NodeRun<T>::backward(MatrixView<const T> output_gradient, bool pre_activation) {
  copy(output_gradient, output_gradient_.view());
  const Operator<T>& op = *node_->op;
  const BlockShape block = node_->parameters;
  BackwardPass<T> pass;
  pass.inputs = input_rows_;
  pass.state = state_;
  pass.output = output_.view();
  pass.saved = saved_.view();
  pass.parameters = Panels<T>::plain(parameters_.view());
  pass.output_gradient = output_gradient_.view();
  pass.columns = {0, node_->shape.cols};
  pass.training = mode_.training;
  pass.dropout = mode_.dropout != nullptr;
  pass.one_sample = node_->shape.is_batch() && output_.view().rows == 1;
  if (!pre_activation && op.changes_output_gradient()) op.backward_output(pass);
  for (const bool fixed : {false, true}) input_part(pass, fixed);
  if (block.size() > 0) parameter_part();
}

// The gradients of batch inputs and of fixed ones are asked for apart, as in a workspace.
template <class T>
void NodeRun<T>::input_part(BackwardPass<T> pass, bool fixed) {
  std::vector<InputGradient<T>> wanted(inputs_.size());
  bool any = false;
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    if (node_->input_shapes[k].is_batch() == fixed) continue;
    wanted[k] = {input_gradients_[k].view(), false};
    any = true;
  }
  if (!any) return;
  pass.input_gradients = wanted;
  pass.columns = {0, node_->input_shapes[0].cols};
  node_->op->backward(pass);
}

template <class T>
void NodeRun<T>::parameter_part() {
  const BlockShape block = node_->parameters;
  ParameterPass<T> pass;
  pass.inputs = input_rows_;
  pass.state = state_;
  pass.saved = saved_.view();
  pass.output_gradient = output_gradient_.view();
  pass.block = {{0, block.rows}, {0, block.cols}};
  pass.gradient = Panels<T>::plain(parameter_gradient_.view());
  pass.training = mode_.training;
  node_->op->parameter_gradient(pass);
}

template <class T>
NodeRuns<T>::NodeRuns(const Network<T>& network, const std::vector<MatrixView<const T>>& x,
                      const Mode<T>& mode)
    : runs_(network.graph().nodes().size()), inputs_(runs_.size()) {
  for (std::size_t k = 0; k < x.size(); ++k) inputs_[network.input_ids()[k]] = x[k];
  for (NodeId id = 0; id < runs_.size(); ++id) {
    if (network.graph().is_input(id)) continue;
    std::vector<Matrix<T>> values;
    for (const NodeId input : network.graph().node(id).inputs) {
      values.push_back(copy_of(value(input)));
    }
    runs_[id] = std::make_unique<NodeRun<T>>(network, id, std::move(values), x[0].rows, mode);
    runs_[id]->forward();
  }
}

template <class T>
MatrixView<const T> NodeRuns<T>::value(NodeId id) const {
  return runs_[id] == nullptr ? inputs_[id] : MatrixView<const T>(runs_[id]->output());
}

#define NNBIND_INSTANTIATE(T)                         \
  template Matrix<T> copy_of<T>(MatrixView<const T>); \
  template class NodeRun<T>;                          \
  template class NodeRuns<T>;
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
