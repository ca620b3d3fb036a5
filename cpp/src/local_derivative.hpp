// What each output of an operator owes to each of its inputs.
#pragma once

#include <vector>

#include "nnbind/trace.hpp"
#include "node_run.hpp"

namespace nnbind {

/// ∂y/∂x of node `id` for each of its inputs x, at the values of `runs`: by the operator's own
/// backward pass, row after row of the batch by itself, with a unit gradient at each output in
/// turn. With `pre_activation`, ∂t/∂x. Those of more than `widest` outputs or inputs stay empty.
template <class T>
std::vector<Jacobian<T>> local_derivatives(const Network<T>& network, const NodeRuns<T>& runs,
                                           NodeId id, bool pre_activation, Index widest);

}  // namespace nnbind
