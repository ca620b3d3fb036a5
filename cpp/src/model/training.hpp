// A fit as JSON and named tensors, and back: what a file of version 2 has beside its network.
//
// | tensor                                             | shape                                   |
// |----------------------------------------------------|-----------------------------------------|
// | history.loss, .learning_rate, .seconds             | (epochs)                                |
// | history.val_loss, if there is a validation set     | (epochs)                                |
// | history.metrics, history.val_metrics               | (metrics × epochs)                      |
// | optimizer.0, optimizer.1: v, or m and v            | (parameters)                            |
// | schedule.state                                     | of reduce_on_plateau (3)                |
// | fit.best                                           | (1): the lowest monitored loss          |
// | fit.best_theta, unless the network's is it         | (parameters), of that epoch             |
// | fit.best_state                                     | (size of the state), of that epoch      |
//
// Those of the optimizer and of the best epoch are of the network's type, the others float64: JSON
// has no infinity.
#pragma once

#include "model/architecture.hpp"
#include "nnbind/training.hpp"

namespace nnbind::model {

/// Adds the training to what the file is of. Throws OptionError that names it if a loss, the
/// schedule or the optimizer is not built in, and what check_whole throws.
template <class T>
void describe_training(const Network<T>& network, const Training<T>& training, Description& to);

/// Reads it back; the optimizer belongs to that network. Throws FileError that names the field, or
/// what the parts' own checks throw.
template <class T>
Training<T> read_training(const Json& json, Network<T>& network, TensorReader& tensors);

/// Leaves out its tensors, where only the network is wanted.
void skip_training(TensorReader& tensors);

}  // namespace nnbind::model
