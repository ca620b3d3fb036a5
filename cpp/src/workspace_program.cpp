// The passes of training steps, which are put together once for a batch size.

#include "workspace_parts.hpp"

namespace nnbind {

template <class T>
void Workspace<T>::prepare(const Member& member, const T* theta, Index batch, const Mode<T>& mode) {
  Program& made = programs_[static_cast<std::size_t>(member.rank())];
  const bool fits = made.theta == theta && made.batch == batch && made.members == member.size() &&
                    made.mode == mode;
  if (fits) return;
  made.rank = member.rank();
  made.theta = theta;
  made.batch = batch;
  made.members = member.size();
  made.mode = mode;
  make(made, member);
}

template <class T>
void Workspace<T>::make(Program& made, const Member& member) {
  std::size_t gradients = 0;
  for (const Step& step : backward_steps_) gradients += graph_->nodes()[step.node].inputs.size();
  made.make_room(graph_->nodes(), gradients);
  for (NodeId id = 0; id < slots_.size(); ++id) {
    const Slot<T>& slot = slots_[id];
    if (slot.is_input) continue;
    add_forward(made, id, share(slot.sharing, id, graph_->nodes()[id].shape.cols, made, member));
  }
  for (const Step& step : backward_steps_) add_backward(made, step, member);
}

template <class T>
void Workspace<T>::infer_first(const T* theta, std::span<const MatrixView<T>> out, Index row) {
  Program& made = programs_[0];
  if (made.theta != theta) {
    made.theta = theta;
    made.make_room(graph_->nodes());
    for (const NodeId id : batch_nodes_) {
      add_forward(made, id, {{0, 1}, all_columns(graph_->nodes()[id]), true});
    }
  }
  for (const auto& step : made.forward) step.run();
  for (std::size_t k = 0; k < outputs_.size(); ++k) copy_output(k, {0, 1}, out[k], row);
}

template <class T>
typename Workspace<T>::Share Workspace<T>::share(Sharing sharing, NodeId id, Index columns,
                                                 const Program& program,
                                                 const Member& member) const {
  switch (sharing) {
    case Sharing::rows: {
      const Range rows = member.share(program.batch);
      return {rows, {0, columns}, rows.size() > 0};
    }
    case Sharing::columns: {
      const Range own = my_columns<T>(member, columns);
      return {{0, program.batch}, own, own.size() > 0};
    }
    case Sharing::alone:
      break;
  }
  return {all_rows(id, program.batch), {0, columns}, member.rank() == 0};
}

template <class T>
void Workspace<T>::add_forward(Program& program, NodeId id, const Share& share) {
  const Node<T>& node = graph_->nodes()[id];
  const Slot<T>& slot = slots_[id];
  const Mode<T>& mode = program.mode;
  const auto& [rows, columns, mine] = share;
  for (const NodeId input : node.inputs) {
    program.inputs.push_back(rows_of(input, rows, program.rank));
  }
  ForwardPass<T> pass = slot.pass;
  pass.inputs = tail(program.inputs, node.inputs.size());
  pass.parameters = current_parameters(node, program.theta);
  if (mode.new_state != nullptr) pass.new_state = node.state_in(mode.new_state);
  pass.output = slot.pass.output.middle_rows(rows);
  pass.saved = slot.pass.saved.middle_rows(rows);
  pass.columns = columns;
  pass.training = mode.training;
  pass.dropout = mode.dropout;
  pass.first_row = rows.begin;
  program.forward.push_back({mine ? node.op->forward_call(pass) : Call(), slot.barrier_before});
}

template <class T>
Range Workspace<T>::columns_of(const Step& step) const {
  const Node<T>& node = graph_->nodes()[step.node];
  return {0, step.output_part ? node.shape.cols : node.input_shapes[0].cols};
}

template <class T>
void Workspace<T>::add_backward(Program& program, const Step& step, const Member& member) {
  const auto [rows, columns, mine] =
      share(step.sharing, step.node, columns_of(step).end, program, member);
  add_pass(program, step, rows, columns);
  if (!mine) program.backward.back().run = {};
}

template <class T>
void Workspace<T>::add_pass(Program& program, const Step& step, Range rows, Range columns) {
  const Node<T>& node = graph_->nodes()[step.node];
  Slot<T>& slot = slots_[step.node];
  for (std::size_t k = 0; k < node.inputs.size(); ++k) {
    program.inputs.push_back(rows_of(node.inputs[k], rows, program.rank));
    Slot<T>& source = slots_[node.inputs[k]];
    const bool fixed = is_fixed(node.inputs[k]);
    InputGradient<T> wanted;
    if (source.wants_gradient && fixed == step.to_fixed) {
      const MatrixView<T> all = source.gradient.view();
      wanted = {fixed ? all : all.middle_rows(rows), slot.accumulate[k]};
    }
    program.gradients.push_back(wanted);
  }
  BackwardPass<T> pass;
  pass.inputs = tail(program.inputs, node.inputs.size());
  pass.state = node.state_in(state_);
  pass.output = slot.output.view().middle_rows(rows);
  pass.saved = slot.saved.view().middle_rows(rows);
  pass.parameters = current_parameters(node, program.theta);
  pass.output_gradient = slot.gradient.view().middle_rows(rows);
  pass.input_gradients = tail(program.gradients, node.inputs.size());
  pass.columns = columns;
  pass.training = program.mode.training;
  pass.dropout = program.mode.dropout != nullptr;
  pass.padded = true;
  pass.one_sample = layout_.capacity == 1 && !is_fixed(step.node);
  program.backward.push_back(
      {step.output_part ? node.op->backward_output_call(pass) : node.op->backward_call(pass),
       step.barrier_before, step.to_fixed});
}

template <class T>
void Workspace<T>::forward(const Member& member) {
  const Program& made = program(member);
  for (const auto& step : made.forward) {
    if (step.barrier_before) member.barrier();
    if (made.mode.polls) member.poll();
    if (step.run) step.run();
  }
  if (barrier_after_) member.barrier();
}

template <class T>
void Workspace<T>::backward(const Member& member) {
  const Program& made = program(member);
  for (const auto& step : made.backward) {
    if (step.barrier_before) member.barrier();
    if (made.mode.polls) member.poll();
    if (step.run) step.run();
  }
}

template <class T>
void Workspace<T>::backward_batch(const Member& member) {
  for (const auto& step : program(member).backward) {
    if (step.to_fixed) continue;
    if (step.barrier_before) member.barrier();
    if (step.run) step.run();
  }
}

template <class T>
void Workspace<T>::backward_fixed(Range rows, const T* theta, const Mode<T>& mode) {
  Program single;
  single.theta = theta;
  single.mode = mode;
  for (const Step& step : backward_steps_) {
    if (!step.to_fixed) continue;
    single.inputs.clear();
    single.gradients.clear();
    single.backward.clear();
    const Range own = is_fixed(step.node) ? all_rows(step.node, 0) : rows;
    add_pass(single, step, own, columns_of(step));
    single.backward.back().run();
  }
}

#define NNBIND_INSTANTIATE(T)                                                               \
  template void Workspace<T>::prepare(const Member&, const T*, Index, const Mode<T>&);      \
  template void Workspace<T>::infer_first(const T*, std::span<const MatrixView<T>>, Index); \
  template void Workspace<T>::forward(const Member&);                                       \
  template void Workspace<T>::backward(const Member&);                                      \
  template void Workspace<T>::backward_batch(const Member&);                                \
  template void Workspace<T>::backward_fixed(Range, const T*, const Mode<T>&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
