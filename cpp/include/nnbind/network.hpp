// A network: a graph, its parameters θ and their names.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nnbind/dense.hpp"
#include "nnbind/graph.hpp"

namespace nnbind {

template <class T>
class Workspace;

/// f(x; θ). θ is one vector: layer after layer it holds W row-major, then b, without padding.
/// The gradient is a second vector of the same shape.
template <class T>
class Network {
 public:
  /// Draws θ from `seed`. Throws OptionError unless the graph has one input and ends in `output`,
  /// a dense layer without dropout.
  Network(Graph<T> graph, NodeId output, std::uint64_t seed = 0);
  /// The same function with parameters of its own.
  Network(const Network& other);
  Network& operator=(const Network&) = delete;
  ~Network();

  [[nodiscard]] const Graph<T>& graph() const { return graph_; }
  [[nodiscard]] NodeId output() const { return output_; }
  [[nodiscard]] Index inputs() const { return graph_.node(graph_.inputs()[0]).width; }
  [[nodiscard]] Index outputs() const { return graph_.node(output_).width; }
  [[nodiscard]] Index parameter_count() const { return graph_.parameter_count(); }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  /// Distinguishes this network from any other, its copies included.
  [[nodiscard]] std::uint64_t identity() const { return identity_; }

  [[nodiscard]] std::span<T> theta();
  [[nodiscard]] std::span<const T> theta() const;
  /// What loss_and_gradient, or a step with clip_norm, computed last.
  [[nodiscard]] std::span<T> gradient();

  /// The fully connected layers, from the input to the output.
  [[nodiscard]] const std::vector<NodeId>& layers() const { return layers_; }
  [[nodiscard]] const Dense<T>& layer(NodeId id) const;
  /// The block of θ of a node: W, with b as the last row where there is one.
  [[nodiscard]] MatrixView<T> parameters(NodeId id);
  /// The activation of the output layer.
  [[nodiscard]] const Activation& output_activation() const {
    return layer(output_).options().activation;
  }

  /// Multiply-adds of the forward pass of one sample: the measure of the work.
  [[nodiscard]] double multiply_adds() const;

  /// out (n × outputs) = f(X; θ) for X (n × inputs). Any number of threads may call it at once.
  /// Throws ShapeError if the shapes do not fit.
  void predict(MatrixView<const T> x, MatrixView<T> out) const;

  /// A table of the layers and their numbers of parameters.
  [[nodiscard]] std::string summary() const;

  /// Draws θ anew from the seed, as when the network was made.
  void reset();

  /// Epochs of all fits so far: the stream of the next epoch's shuffle.
  std::uint64_t epochs_trained = 0;
  /// Steps of all fits and train_steps so far: the stream of the next step's dropout.
  std::uint64_t steps_trained = 0;

  /// Holds the network for one training. Throws BusyError if another thread trains it.
  class TrainingLock {
   public:
    TrainingLock(const Network& network, const std::string& where);
    ~TrainingLock();
    TrainingLock(const TrainingLock&) = delete;
    TrainingLock& operator=(const TrainingLock&) = delete;

   private:
    const Network* network_;
  };

 private:
  [[nodiscard]] std::unique_ptr<Workspace<T>> borrow_workspace(Index capacity) const;
  void return_workspace(std::unique_ptr<Workspace<T>> workspace) const;

  Graph<T> graph_;
  NodeId output_;
  std::uint64_t seed_;
  std::uint64_t identity_;
  std::vector<NodeId> layers_;
  AlignedVector<T> theta_;  // both with a spare cache line, so that whole vectors can be read
  AlignedVector<T> gradient_;
  mutable std::atomic<bool> training_{false};
  mutable std::atomic<Workspace<T>*> spare_{nullptr};  // of the last prediction, for the next one
};

/// A chain of fully connected layers.
template <class T>
Network<T> sequential(Index inputs, std::vector<DenseOptions> layers, std::uint64_t seed = 0);

/// A chain of `hidden` layers with one activation, and an output layer with another.
template <class T>
Network<T> mlp(Index inputs, const std::vector<Index>& hidden, Index outputs,
               const Activation& activation = "relu", const Activation& output = "identity",
               std::uint64_t seed = 0);

}  // namespace nnbind
