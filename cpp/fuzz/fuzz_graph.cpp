// Any bytes as a program that builds a graph: a ShapeError or an OptionError at each step, or a
// network that predicts.
#include <cstdint>

#include "nnbind/nnbind.hpp"

namespace {

using namespace nnbind;
using T = float;

/// What the fuzzer says, byte by byte; zeros at the end.
class Choices {
 public:
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool any_left() const { return !bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return first;
  }
  /// Mostly small; the high bytes reach sizes that no memory holds, and negative ones.
  Index size() {
    const std::uint8_t first = byte();
    return first < 250 ? first % 9 : static_cast<Index>(first - 252) << (byte() % 63);
  }
  double number() { return static_cast<double>(static_cast<std::int8_t>(byte())) / 16; }

 private:
  std::span<const std::uint8_t> bytes_;
};

OperatorPointer<T> some_operator(Choices& choose) {
  static const std::vector<std::string_view> activations = Activation::names();
  const auto g = [&] { return Activation(activations[choose.byte() % activations.size()]); };
  switch (choose.byte() % 18) {
    case 0:
      return add<T>();
    case 1:
      return subtract<T>();
    case 2:
      return multiply<T>();
    case 3:
      return divide<T>();
    case 4:
      return power<T>();
    case 5:
      return negate<T>();
    case 6:
      return exp<T>();
    case 7:
      return log<T>();
    case 8:
      return power<T>(choose.number());
    case 9:
      return activation<T>(g());
    case 10:
      return dropout<T>(choose.number());
    case 11:
      return choose.byte() % 2 == 0 ? sum<T>() : mean<T>();
    case 12:
      return matmul<T>();
    case 13:
      return concatenate<T>();
    case 14: {
      const Index first = choose.size();
      return slice<T>(first, choose.size());
    }
    case 15: {
      const Index rows = choose.size();
      return parameter<T>(rows, choose.size(), Initializer("uniform"));
    }
    case 16:
      return choose.byte() % 2 == 0 ? batch_norm<T>() : layer_norm<T>();
    default: {
      const Index units = choose.size();
      return std::make_shared<Dense<T>>(DenseOptions{.units = units,
                                                     .activation = g(),
                                                     .bias = choose.byte() % 2 == 0,
                                                     .l2 = choose.number(),
                                                     .dropout = choose.number()});
    }
  }
}

void grow(Graph<T>& graph, Choices& choose) {
  if (choose.byte() % 8 == 0) {
    graph.input(choose.size());
    return;
  }
  std::vector<NodeId> inputs(choose.byte() % 4);
  for (NodeId& input : inputs) input = choose.byte();
  if (choose.byte() % 8 == 0) {
    const NodeId owner = choose.byte() % (graph.nodes().size() + 1);
    const auto op = owner < graph.nodes().size() ? graph.node(owner).op : some_operator(choose);
    graph.add(op, std::move(inputs), "", owner);
  } else {
    graph.add(some_operator(choose), std::move(inputs));
  }
}

/// Nodes that nothing reads, of those that can be outputs.
std::vector<NodeId> ends(const Graph<T>& graph) {
  std::vector<NodeId> ends;
  for (NodeId id = 0; id < graph.nodes().size(); ++id) {
    if (!graph.is_read(id)) ends.push_back(id);
  }
  return ends;
}

void use(Network<T>& network) {
  std::vector<Matrix<T>> x;
  std::vector<Matrix<T>> y;
  std::vector<MatrixView<const T>> inputs;
  std::vector<MatrixView<T>> outputs;
  for (const NodeId id : network.input_ids())
    x.emplace_back(3, network.graph().node(id).shape.cols);
  for (const NodeId id : network.output_ids())
    y.emplace_back(3, network.graph().node(id).shape.cols);
  for (const auto& matrix : x) inputs.push_back(matrix.view());
  for (auto& matrix : y) outputs.push_back(matrix.view());
  network.predict(inputs, outputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr Index most_values = 1 << 14;
  set_num_threads(1);
  Choices choose({data, size});
  Graph<T> graph;
  while (choose.any_left() && graph.nodes().size() < 40) {
    try {
      grow(graph, choose);
    } catch (const std::invalid_argument&) {  // ShapeError and OptionError
    }
  }
  Index values = graph.parameter_count() > most_values ? most_values : graph.parameter_count();
  for (const auto& node : graph.nodes()) {
    values += node.shape.cols * (node.shape.is_batch() ? 3 : node.shape.rows);
    if (values >= most_values) return 0;
  }
  try {
    const std::vector<NodeId> outputs = ends(graph);
    Network<T> network(std::move(graph), outputs);
    use(network);
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
