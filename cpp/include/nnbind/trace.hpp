// Backpropagation with every number kept: what to look at, not what to train with.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "nnbind/dataset.hpp"
#include "nnbind/network.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// ∂y/∂x of an operator, sample by sample: `outputs` × `inputs` numbers for each of them, row-major
/// one behind the other. What is no batch counts all its elements, row by row, as columns; where
/// not even the output is a batch, there is a single "sample".
template <class T>
struct Jacobian {
  Index samples = 0, outputs = 0, inputs = 0;
  std::vector<T> values;  ///< empty where it was left out, being too wide

  [[nodiscard]] T at(Index sample, Index output, Index input) const {
    return values[static_cast<std::size_t>((sample * outputs + output) * inputs + input)];
  }
};

/// One forward and one backward pass.
template <class T>
struct Trace {
  struct Node {
    std::string name;
    std::string kind;            ///< of its operator
    std::string activation;      ///< that it ends with, "identity" where there is none
    std::vector<NodeId> inputs;  ///< by number in `nodes`
    bool is_batch = true;        ///< a row for each sample; else a parameter, a constant, ...
    Matrix<T> value;
    Matrix<T> gradient;  ///< ∂L/∂value, of the same shape; see Output::fused
    Matrix<T> parameters;
    /// ∂L/∂(parameters), R included: with the first of the nodes that share them.
    Matrix<T> parameter_gradient;
  };
  /// Input k of the consumer is the producer's value.
  struct Edge {
    NodeId producer = 0, consumer = 0;
    std::size_t input = 0;         ///< k, from 0
    Matrix<T> gradient;            ///< what comes back along it: a term of the producer's ∂L/∂value
    Jacobian<T> local_derivative;  ///< ∂(consumer's value)/∂(producer's value)
  };
  /// What the loss makes of an output.
  struct Output {
    NodeId node = 0;
    std::string loss;    ///< its name
    double value = 0;    ///< reduced over the batch
    double weight = 1;   ///< in L
    Matrix<T> gradient;  ///< weight · ∂(value)/∂output: a term of the node's ∂L/∂value
    /// The loss has a slope only for the pre-activation t of this output, as the perceptron
    /// criterion behind the binary activation: then each ∂/∂value of this node is ∂/∂t.
    bool fused = false;
  };
  double loss = 0;     ///< L: the weighted sum of the outputs' losses, and R
  double penalty = 0;  ///< R(θ)
  std::vector<Node> nodes;
  std::vector<Edge> edges;  ///< in the order of their consumers
  std::vector<Output> outputs;
};

/// Runs the network forward and backward over a small batch as it predicts, without dropout and
/// with running statistics, operator by operator and sample by sample. Losses are taken apart from
/// the output's activation where they can be; yet what goes on downward is then their stable joint
/// form, so that the parameters' gradients are those of loss_and_gradient. Local derivatives of
/// more than `widest` outputs or inputs are left out. Throws what `check` throws.
template <class T>
Trace<T> trace(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
               const Regularizer& regularizer = {}, Index widest = 64);

/// The value of every node for X: out[id] gets that of node id, (n × width), or (rows × width)
/// where no batch changes it. As predict, any number of threads may call it at once. Throws
/// ShapeError if the shapes do not fit, and OptionError if their number does not.
template <class T>
void activations(const Network<T>& network,
                 std::span<const MatrixView<const std::type_identity_t<T>>> x,
                 std::span<const MatrixView<std::type_identity_t<T>>> out);
/// The same of a network with one input.
template <class T>
void activations(const Network<T>& network, MatrixView<const std::type_identity_t<T>> x,
                 std::span<const MatrixView<std::type_identity_t<T>>> out) {
  activations(network, std::span<const MatrixView<const T>>(&x, 1), out);
}

}  // namespace nnbind
