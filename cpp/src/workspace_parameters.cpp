// The parameters of a run: whose they are, where they are kept up to date, and their gradient.
#include <algorithm>

#include "copy_block.hpp"
#include "gradient_norm.hpp"
#include "kernels/finite.hpp"
#include "workspace_parts.hpp"

namespace nnbind {

template <class T>
Block Workspace<T>::my_parameters(const Member& member, NodeId id) const {
  const BlockShape shape = graph_->nodes()[id].parameters;
  if (slots_[id].sharing == Sharing::columns)
    return {{0, shape.rows}, my_columns<T>(member, shape.cols)};
  return {member.share(shape.rows, rows_of_shares), {0, shape.cols}};
}

// Without its inputs, which are a list of somebody's.
template <class T>
ParameterPass<T> Workspace<T>::parameter_pass(NodeId user, Range rows, Block block, bool training,
                                              Panels<T> gradient) const {
  const Node<T>& node = graph_->nodes()[user];
  const Slot<T>& slot = slots_[user];
  ParameterPass<T> pass;
  pass.state = node.state_in(state_);
  pass.saved = slot.saved.view().middle_rows(rows);
  pass.output_gradient = slot.gradient.view().middle_rows(rows);
  pass.block = block;
  pass.gradient = gradient;
  pass.accumulate = user != slots_[node.owner].users.front();
  pass.training = training;
  return pass;
}

template <class T>
void Workspace<T>::parameter_gradient(NodeId id, Range rows, Block block, bool training,
                                      Panels<T> gradient) const {
  for (const NodeId user : slots_[id].users) {
    const Range own = is_fixed(user) ? all_rows(user, 0) : rows;
    const InputList inputs(*this, graph_->nodes()[user], own);
    ParameterPass<T> pass = parameter_pass(user, own, block, training, gradient);
    pass.inputs = inputs.span();
    graph_->nodes()[user].op->parameter_gradient(pass);
  }
}

template <class T>
void Workspace<T>::make_calls(NodeId id, Range rows, Block block, bool training, Panels<T> gradient,
                              const Descent<T>& descent, int rank, ParameterCalls<T>& made) const {
  const std::vector<NodeId>& users = slots_[id].users;
  made.calls.clear();
  made.inputs.clear();
  std::size_t edges = 0;  // the list must not move: there are passes that point at it
  for (const NodeId user : users) edges += graph_->nodes()[user].inputs.size();
  made.inputs.reserve(edges);
  for (const NodeId user : users) {
    const Node<T>& node = graph_->nodes()[user];
    const Range own = is_fixed(user) ? all_rows(user, 0) : rows;
    for (const NodeId input : node.inputs) made.inputs.push_back(rows_of(input, own, rank));
    ParameterPass<T> pass = parameter_pass(user, own, block, training, gradient);
    pass.inputs = tail(made.inputs, node.inputs.size());
    pass.descent = descent;
    made.calls.push_back(node.op->parameter_gradient_call(pass));
  }
}

template <class T>
bool Workspace<T>::can_descend(NodeId id) const {
  return slots_[id].users.size() == 1 && graph_->nodes()[id].op->descends();
}

template <class T>
Panels<T> Workspace<T>::parameters(NodeId id, T* theta) {
  Slot<T>& slot = slots_[id];
  if (!slot.packed.empty()) return slot.packed.panels();
  return Panels<T>::plain(graph_->nodes()[id].parameters_in(theta));
}

template <class T>
Panels<const T> Workspace<T>::current_parameters(const Node<T>& node, const T* theta) {
  PackedMatrix<T>& packed = slots_[node.owner].packed;
  if (!packed.empty()) return packed.panels();
  return Panels<const T>::plain(node.parameters_in(theta));
}

template <class T>
void Workspace<T>::read(const Member& member, const T* theta) {
  for (NodeId id = 0; id < slots_.size(); ++id) {
    if (slots_[id].packed.empty()) continue;
    copy_block<T>(Panels<const T>::plain(graph_->nodes()[id].parameters_in(theta)),
                  my_parameters(member, id), slots_[id].packed.panels());
  }
}

template <class T>
bool Workspace<T>::write_back(const Member& member, T* theta) {
  constexpr Index some = 16;  // rows, which are checked while they are in the cache
  bool finite = true;
  for (const NodeId id : graph_->parameter_nodes()) {
    const MatrixView<T> plain = graph_->nodes()[id].parameters_in(theta);
    const auto [rows, cols] = my_parameters(member, id);
    for (Index first = rows.begin; first < rows.end; first += some) {
      const Range few{first, std::min(first + some, rows.end)};
      if (!slots_[id].packed.empty()) {
        copy_block<T>(slots_[id].packed.panels(), {few, cols}, Panels<T>::plain(plain));
      }
      finite = finite && kernels::all_finite<T>(plain.block({few, cols}));
    }
  }
  return finite;
}

#define NNBIND_INSTANTIATE(T)                                                                      \
  template Block Workspace<T>::my_parameters(const Member&, NodeId) const;                         \
  template void Workspace<T>::parameter_gradient(NodeId, Range, Block, bool, Panels<T>) const;     \
  template Panels<const T> Workspace<T>::current_parameters(const Node<T>&, const T*);             \
  template Panels<T> Workspace<T>::parameters(NodeId, T*);                                         \
  template bool Workspace<T>::can_descend(NodeId) const;                                           \
  template void Workspace<T>::make_calls(NodeId, Range, Block, bool, Panels<T>, const Descent<T>&, \
                                         int, ParameterCalls<T>&) const;                           \
  template void Workspace<T>::read(const Member&, const T*);                                       \
  template bool Workspace<T>::write_back(const Member&, T*);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
