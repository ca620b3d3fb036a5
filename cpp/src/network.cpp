#include "nnbind/network.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "nnbind/error.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

namespace {

/// Rows that a member predicts at a time: enough to fill the register tiles many times over, few
/// enough for the activations to stay in the cache.
constexpr Index rows_at_a_time = 96;

std::uint64_t next_identity() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

/// One stream of draws for θ, apart from those of the epochs' shuffles.
constexpr std::uint64_t theta_stream = ~std::uint64_t{0};

}  // namespace

template <class T>
Network<T>::Network(Graph<T> graph, NodeId output, std::uint64_t seed)
    : graph_(std::move(graph)), output_(output), seed_(seed), identity_(next_identity()) {
  require(graph_.inputs().size() == 1, "Network",
          "has " + std::to_string(graph_.inputs().size()) + " inputs; expected one");
  require(output_ + 1 == graph_.nodes().size(), "Network",
          "the output is node " + std::to_string(output_) + "; expected the last, which is " +
              std::to_string(graph_.nodes().size() - 1));
  for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
    if (graph_.node(id).op->kind() == "dense") layers_.push_back(id);
  }
  require(!layers_.empty() && layers_.back() == output_, "Network",
          "expected a fully connected layer at the end");
  require(layer(output_).options().dropout == 0, "Network",
          "the output layer drops units; dropout is for hidden layers");
  const auto size = static_cast<std::size_t>(parameter_count() + line_elements<T>);
  theta_.resize(size);
  gradient_.resize(size);
  reset();
}

template <class T>
Network<T>::Network(const Network& other)
    : epochs_trained(other.epochs_trained),
      steps_trained(other.steps_trained),
      graph_(other.graph_),
      output_(other.output_),
      seed_(other.seed_),
      identity_(next_identity()),
      layers_(other.layers_),
      theta_(other.theta_),
      gradient_(other.gradient_) {}

template <class T>
Network<T>::~Network() {
  delete spare_.load();
}

template <class T>
std::span<T> Network<T>::theta() {
  return {theta_.data(), static_cast<std::size_t>(parameter_count())};
}
template <class T>
std::span<const T> Network<T>::theta() const {
  return {theta_.data(), static_cast<std::size_t>(parameter_count())};
}
template <class T>
std::span<T> Network<T>::gradient() {
  return {gradient_.data(), static_cast<std::size_t>(parameter_count())};
}

template <class T>
const Dense<T>& Network<T>::layer(NodeId id) const {
  return dynamic_cast<const Dense<T>&>(*graph_.node(id).op);
}

template <class T>
MatrixView<T> Network<T>::parameters(NodeId id) {
  const Node<T>& node = graph_.node(id);
  return {theta_.data() + node.offset, node.parameters.rows, node.parameters.cols,
          node.parameters.cols};
}

template <class T>
void Network<T>::reset() {
  Random random(seed_, theta_stream);
  for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
    const Node<T>& node = graph_.node(id);
    if (node.parameters.size() > 0) node.op->initialize(parameters(id), random, node.name);
  }
  std::ranges::fill(gradient_, T{0});
  epochs_trained = 0;
  steps_trained = 0;
}

template <class T>
std::unique_ptr<Workspace<T>> Network<T>::borrow_workspace(Index capacity) const {
  std::unique_ptr<Workspace<T>> spare(spare_.exchange(nullptr));
  if (spare && spare->capacity() >= capacity) return spare;
  return std::make_unique<Workspace<T>>(graph_, output_, capacity, Purpose::inference);
}

template <class T>
void Network<T>::return_workspace(std::unique_ptr<Workspace<T>> workspace) const {
  delete spare_.exchange(workspace.release());
}

template <class T>
double Network<T>::multiply_adds() const {
  double sum = 0;
  for (const Node<T>& node : graph_.nodes()) {
    sum += static_cast<double>(node.op->multiply_adds(node.input_widths));
  }
  return sum;
}

template <class T>
void Network<T>::predict(MatrixView<const T> x, MatrixView<T> out) const {
  if (x.cols != inputs()) {
    throw ShapeError("[Network.predict] X has shape " + shape_text(x.rows, x.cols) +
                     "; expected (n, " + std::to_string(inputs()) + ")");
  }
  if (out.rows != x.rows || out.cols != outputs()) {
    throw ShapeError("[Network.predict] out has shape " + shape_text(out.rows, out.cols) +
                     "; expected " + shape_text(x.rows, outputs()));
  }
  if (x.rows == 0) return;
  const int threads = threads_for(2 * multiply_adds() * static_cast<double>(x.rows));
  const Index slice = std::min(rows_at_a_time, (x.rows + threads - 1) / threads);
  auto workspace = borrow_workspace(slice * threads);
  run_team(threads, [&](const Member& member) {
    const Range mine = member.share(x.rows);
    const Index place = member.rank() * slice;
    for (Index first = mine.begin; first < mine.end; first += slice) {
      const Index count = std::min(slice, mine.end - first);
      const T** rows = workspace->input_rows(0) + place;
      for (Index i = 0; i < count; ++i) rows[i] = x.row(first + i);
      workspace->infer(theta_.data(), {place, place + count});
      for (Index i = 0; i < count; ++i) {
        std::copy_n(workspace->output().row(place + i), out.cols, out.row(first + i));
      }
    }
  });
  return_workspace(std::move(workspace));
}

template <class T>
std::string Network<T>::summary() const {
  std::ostringstream text;
  const auto line = [&](const auto& name, const auto& shape, const auto& activation,
                        const auto& count) {
    text << std::left << std::setw(18) << name << std::setw(16) << shape << std::setw(14)
         << activation << std::right << std::setw(12) << count << '\n';
  };
  line("layer", "shape", "activation", "parameters");
  for (const Node<T>& node : graph_.nodes()) {
    if (const auto* dense = dynamic_cast<const Dense<T>*>(node.op.get())) {
      line(node.name, std::to_string(node.input_widths[0]) + " -> " + std::to_string(node.width),
           std::string(dense->options().activation.name()), node.parameters.size());
    } else {
      line(node.name, std::to_string(node.width), "", 0);
    }
  }
  text << "total parameters: " << parameter_count();
  return text.str();
}

template <class T>
Network<T>::TrainingLock::TrainingLock(const Network& network, const std::string& where)
    : network_(&network) {
  if (network.training_.exchange(true)) {
    throw BusyError("[" + where +
                    "] the network is being trained by another thread; train a copy() instead");
  }
}

template <class T>
Network<T>::TrainingLock::~TrainingLock() {
  network_->training_.store(false);
}

template <class T>
Network<T> sequential(Index inputs, std::vector<DenseOptions> layers, std::uint64_t seed) {
  require(!layers.empty(), "Sequential", "has no layers; expected at least one");
  Graph<T> graph;
  NodeId node = graph.input(inputs);
  for (DenseOptions& options : layers) {
    const std::string name = options.name;
    node = graph.add(std::make_shared<Dense<T>>(std::move(options)), {node}, name);
  }
  return Network<T>(std::move(graph), node, seed);
}

template <class T>
Network<T> mlp(Index inputs, const std::vector<Index>& hidden, Index outputs,
               const Activation& activation, const Activation& output, std::uint64_t seed) {
  std::vector<DenseOptions> layers;
  for (const Index units : hidden) {
    layers.push_back({});
    layers.back().units = units;
    layers.back().activation = activation;
  }
  layers.push_back({});
  layers.back().units = outputs;
  layers.back().activation = output;
  return sequential<T>(inputs, std::move(layers), seed);
}

#define NNBIND_INSTANTIATE(T)                                                            \
  template class Network<T>;                                                             \
  template Network<T> sequential<T>(Index, std::vector<DenseOptions>, std::uint64_t);    \
  template Network<T> mlp<T>(Index, const std::vector<Index>&, Index, const Activation&, \
                             const Activation&, std::uint64_t);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
