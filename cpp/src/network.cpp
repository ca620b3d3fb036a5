#include "nnbind/network.hpp"

#include <algorithm>

#include "nnbind/error.hpp"
#include "team.hpp"
#include "workspace_pool.hpp"

namespace nnbind {

namespace {

std::uint64_t next_identity() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

/// One stream of draws for θ, apart from those of the epochs' shuffles.
constexpr std::uint64_t theta_stream = ~std::uint64_t{0};

}  // namespace

template <class T>
Network<T>::Network(Graph<T> graph, std::vector<NodeId> outputs, std::uint64_t seed)
    : graph_(std::move(graph)),
      outputs_(std::move(outputs)),
      seed_(seed),
      identity_(next_identity()),
      spares_(std::make_unique<WorkspacePool<T>>()) {
  check_outputs();
  for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
    const Node<T>& node = graph_.node(id);
    const bool dense = dynamic_cast<const Dense<T>*>(node.op.get()) != nullptr;
    if (dense && node.owner == id) layers_.push_back(id);
    runs_alone_ |= node.op->runs_alone();
    work_ += static_cast<double>(node.op->work(node.input_shapes));
  }
  theta_.resize(static_cast<std::size_t>(parameter_count() + line_elements<T>));
  state_.resize(static_cast<std::size_t>(graph_.state_count() + line_elements<T>));
  redraw();
}

template <class T>
Network<T>::Network(Graph<T> graph, NodeId output, std::uint64_t seed)
    : Network(std::move(graph), std::vector<NodeId>{output}, seed) {}

template <class T>
void Network<T>::check_outputs() const {
  const auto& nodes = graph_.nodes();
  require(!graph_.inputs().empty(), "Network", "has no input; expected at least one");
  require(!outputs_.empty(), "Network", "has no output; expected at least one");
  std::vector<bool> leads_out(nodes.size(), false);
  for (const NodeId id : outputs_) {
    const Node<T>& node = graph_.node(id);
    const std::string name = in_quotes(node.name);
    require(!graph_.is_input(id), "Network", "the output " + name + " is an input");
    require(!leads_out[id], "Network", "the output " + name + " is there twice");
    require(node.shape.is_batch(), "Network",
            "the output " + name + " has shape " + shape_text(node.shape) +
                "; expected a row for each sample");
    require(!node.op->drops(), "Network",
            "the output " + name + " drops units; dropout is for hidden layers");
    leads_out[id] = true;
  }
  for (NodeId id = nodes.size(); id-- > 0;) {
    require(leads_out[id], "Network", in_quotes(nodes[id].name) + " does not lead to an output");
    for (const NodeId input : nodes[id].inputs) leads_out[input] = true;
  }
}

template <class T>
Network<T>::Network(const Network& other)
    : epochs_trained(other.epochs_trained),
      steps_trained(other.steps_trained),
      graph_(other.graph_),
      outputs_(other.outputs_),
      runs_alone_(other.runs_alone_),
      work_(other.work_),
      seed_(other.seed_),
      identity_(next_identity()),
      layers_(other.layers_),
      theta_(other.theta_),
      gradient_(other.gradient_),
      state_(other.state_),
      spares_(std::make_unique<WorkspacePool<T>>()) {}

template <class T>
Network<T>::Network(Network&& other) noexcept = default;
template <class T>
Network<T>& Network<T>::operator=(Network&& other) noexcept = default;
template <class T>
Network<T>::~Network() = default;

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
  const std::lock_guard lock(locks_.gradient);
  gradient_.resize(theta_.size());
  return {gradient_.data(), static_cast<std::size_t>(parameter_count())};
}

template <class T>
std::span<const T> Network<T>::gradient() const {
  const std::lock_guard lock(locks_.gradient);
  if (gradient_.empty()) return {};
  return {gradient_.data(), static_cast<std::size_t>(parameter_count())};
}

template <class T>
std::span<T> Network<T>::state() {
  return {state_.data(), static_cast<std::size_t>(graph_.state_count())};
}
template <class T>
std::span<const T> Network<T>::state() const {
  return {state_.data(), static_cast<std::size_t>(graph_.state_count())};
}

template <class T>
Index Network<T>::columns_of(const std::vector<NodeId>& nodes) const {
  Index sum = 0;
  for (const NodeId id : nodes) sum += graph_.node(id).shape.cols;
  return sum;
}

template <class T>
const Dense<T>& Network<T>::layer(NodeId id) const {
  const Node<T>& node = graph_.node(id);
  const auto* layer = dynamic_cast<const Dense<T>*>(node.op.get());
  require(layer != nullptr, "Network.layer",
          in_quotes(node.name) + " is no fully connected layer, but of kind " +
              in_quotes(node.op->kind()));
  return *layer;
}

template <class T>
MatrixView<T> Network<T>::parameters(NodeId id) {
  return graph_.node(id).parameters_in(theta_.data());
}
template <class T>
MatrixView<const T> Network<T>::parameters(NodeId id) const {
  return graph_.node(id).parameters_in(theta_.data());
}

template <class T>
Activation Network<T>::output_activation(std::size_t k) const {
  if (k < outputs_.size()) return graph_.nodes()[outputs_[k]].op->activation();
  throw OptionError("[Network] there is no output " + std::to_string(k) + "; the network has " +
                    std::to_string(outputs_.size()));
}

template <class T>
void Network<T>::reset() {
  const TrainingLock held = lock("Network.reset");
  redraw();
}

template <class T>
void Network<T>::redraw() {
  Random random(seed_, theta_stream);
  for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
    const Node<T>& node = graph_.node(id);
    if (node.owner != id) continue;
    if (node.parameters.size() > 0) node.op->initialize(parameters(id), random, node.name);
    node.op->initialize_state(node.state_in(state_.data()));
  }
  std::ranges::fill(gradient_, T{0});
  epochs_trained = 0;
  steps_trained = 0;
}

template <class T>
int Network<T>::threads(double flops, bool is_step) const {
  return runs_alone_ ? 1 : threads_for(flops, is_step);
}

template <class T>
TrainingLock Network<T>::lock(std::string_view where) const {
  return {locks_.training, where,
          "the network is being trained, by another thread or by the fit that calls this; train a "
          "copy of it instead"};
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
               const Activation& activation, const Activation& output, std::uint64_t seed,
               double dropout) {
  std::vector<DenseOptions> layers;
  layers.reserve(hidden.size() + 1);
  for (const Index units : hidden) {
    layers.push_back({.units = units, .activation = activation, .dropout = dropout});
  }
  layers.push_back({.units = outputs, .activation = output});
  return sequential<T>(inputs, std::move(layers), seed);
}

#define NNBIND_INSTANTIATE(T)                                                            \
  template class Network<T>;                                                             \
  template Network<T> sequential<T>(Index, std::vector<DenseOptions>, std::uint64_t);    \
  template Network<T> mlp<T>(Index, const std::vector<Index>&, Index, const Activation&, \
                             const Activation&, std::uint64_t, double);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
