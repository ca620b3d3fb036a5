// A network: a graph, its parameters θ and their names.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nnbind/dense.hpp"
#include "nnbind/graph.hpp"
#include "nnbind/training_lock.hpp"

namespace nnbind {

template <class T>
class Workspace;
template <class T>
class WorkspacePool;

/// f(x; θ). θ is one vector: node after node it holds W row-major, then b, without padding.
/// The gradient is a second vector of the same shape. The state is a third one: what training moves
/// without a gradient, as running statistics.
template <class T>
class Network {
 public:
  /// Draws θ from `seed`. Throws OptionError unless every node leads to an output, and each output
  /// is a node apart that computes a row for each sample and drops no units.
  Network(Graph<T> graph, std::vector<NodeId> outputs, std::uint64_t seed = 0);
  Network(Graph<T> graph, NodeId output, std::uint64_t seed = 0);
  /// The same function with θ, gradient and state of its own, which begin as copies; seed, epochs
  /// and steps are copied as well.
  Network(const Network& other);
  Network& operator=(const Network&) = delete;
  /// The same network elsewhere: its identity goes along, so that its optimizer goes on with it,
  /// and theta(), gradient() and state() stay where they are. Neither may be in use meanwhile; the
  /// other can only be assigned to or destroyed.
  Network(Network&& other) noexcept;
  Network& operator=(Network&& other) noexcept;
  ~Network();

  [[nodiscard]] const Graph<T>& graph() const { return graph_; }
  [[nodiscard]] const std::vector<NodeId>& input_ids() const { return graph_.inputs(); }
  [[nodiscard]] const std::vector<NodeId>& output_ids() const { return outputs_; }
  /// Columns of X, and of a prediction; where there are several, of all together.
  [[nodiscard]] Index inputs() const { return columns_of(input_ids()); }
  [[nodiscard]] Index outputs() const { return columns_of(outputs_); }
  [[nodiscard]] Index parameter_count() const { return graph_.parameter_count(); }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  /// Distinguishes this network from any other, its copies included.
  [[nodiscard]] std::uint64_t identity() const { return identity_; }

  [[nodiscard]] std::span<T> theta();
  [[nodiscard]] std::span<const T> theta() const;
  /// What loss_and_gradient computed last. Its memory is there from the first call on: steps and
  /// fits do without.
  [[nodiscard]] std::span<T> gradient();
  /// The same, empty before that call.
  [[nodiscard]] std::span<const T> gradient() const;
  [[nodiscard]] std::span<T> state();
  [[nodiscard]] std::span<const T> state() const;

  /// The fully connected layers, each once, from the input to the output.
  [[nodiscard]] const std::vector<NodeId>& layers() const { return layers_; }
  /// Throws OptionError if the node is no fully connected layer.
  [[nodiscard]] const Dense<T>& layer(NodeId id) const;
  /// The block of θ of a node: W, with b as the last row where there is one. Throws OptionError if
  /// there is no such node.
  [[nodiscard]] MatrixView<T> parameters(NodeId id);
  [[nodiscard]] MatrixView<const T> parameters(NodeId id) const;
  /// The activation that output k is, as far as the losses can see. Throws OptionError if there is
  /// no such output.
  [[nodiscard]] Activation output_activation(std::size_t k = 0) const;

  /// The work of the forward pass of one sample: how many multiply-adds of floats take as long.
  [[nodiscard]] double work() const { return work_; }
  /// How many threads a piece of work deserves on this network that takes one as long as so many
  /// operations; or a step in the run of a team (threads_for in team.hpp).
  [[nodiscard]] int threads(double flops, bool is_step = false) const;

  /// out (n × outputs) = f(X; θ) for X (n × inputs), one matrix for each input and each output: no
  /// output may share memory with another one, with X or with θ. Any number of threads may call it
  /// at once. A call needs memory to work in, which is kept for the next ones: it is allocated only
  /// while more threads call at once, or for more rows, than before. Throws ShapeError if the
  /// shapes do not fit, and OptionError if their number does not or a matrix has a null pointer for
  /// data.
  void predict(std::span<const MatrixView<const T>> x, std::span<const MatrixView<T>> out) const;
  void predict(MatrixView<const T> x, MatrixView<T> out) const;

  /// A table of the nodes: what each computes from which others, and its number of parameters.
  [[nodiscard]] std::string summary() const;

  /// Whether some operator runs code that only the calling thread may run.
  [[nodiscard]] bool runs_alone() const { return runs_alone_; }

  /// Draws θ anew from the seed, as when the network was made. Throws BusyError if a training holds
  /// the network.
  void reset();
  /// The same, for the training that holds it: in FitHooks::end_epoch.
  void redraw();

  /// Epochs of all fits so far: the stream of the next epoch's shuffle.
  std::uint64_t epochs_trained = 0;
  /// Steps of all fits and train_steps so far: the stream of the next step's dropout.
  std::uint64_t steps_trained = 0;

  /// Holds the network for one training. Throws BusyError if another thread trains it.
  [[nodiscard]] TrainingLock lock(std::string_view where) const;

 private:
  [[nodiscard]] Index columns_of(const std::vector<NodeId>& nodes) const;
  void check_outputs() const;
  [[nodiscard]] std::unique_ptr<Workspace<T>> borrow_workspace(Index capacity) const;

  /// What neither a copy nor a move takes along.
  struct Locks {
    Locks() = default;
    Locks(Locks&& /*other*/) noexcept {}
    Locks& operator=(Locks&& /*other*/) noexcept { return *this; }
    std::mutex gradient;
    std::atomic<bool> training{false};
  };

  Graph<T> graph_;
  std::vector<NodeId> outputs_;
  bool runs_alone_ = false;  // some operator does
  double work_ = 0;
  std::uint64_t seed_;
  std::uint64_t identity_;
  std::vector<NodeId> layers_;
  AlignedVector<T> theta_;  // both with a spare cache line, so that whole vectors can be read
  AlignedVector<T> gradient_;
  AlignedVector<T> state_;
  mutable Locks locks_;
  std::unique_ptr<WorkspacePool<T>> spares_;  // of the last predictions, for the next ones
};

/// A chain of fully connected layers. Throws OptionError if there are none, and what Graph::input,
/// Graph::add and Network throw.
template <class T>
Network<T> sequential(Index inputs, std::vector<DenseOptions> layers, std::uint64_t seed = 0);

/// A chain of `hidden` layers with one activation and one dropout, and an output layer with another
/// activation. Throws as `sequential`.
template <class T>
Network<T> mlp(Index inputs, const std::vector<Index>& hidden, Index outputs,
               const Activation& activation = "relu", const Activation& output = "identity",
               std::uint64_t seed = 0, double dropout = 0);

}  // namespace nnbind
