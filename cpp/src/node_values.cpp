// The value of every node: a forward pass that writes straight into the caller's memory.
#include <algorithm>
#include <deque>

#include "denormals.hpp"
#include "nnbind/error.hpp"
#include "nnbind/trace.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

namespace {

template <class T>
void check(const Network<T>& network, std::span<const MatrixView<const T>> x,
           std::span<const MatrixView<T>> out) {
  const Graph<T>& graph = network.graph();
  require(x.size() == graph.inputs().size() && out.size() == graph.nodes().size(),
          "Network.activations",
          std::to_string(x.size()) + " matrices in and " + std::to_string(out.size()) +
              " out; expected " + std::to_string(graph.inputs().size()) + " and " +
              std::to_string(graph.nodes().size()));
  const auto name = [](const char* what, const Node<T>& node) {
    return "[Network.activations] " + std::string(what) + " of " + in_quotes(node.name);
  };
  const auto expect = [&](MatrixView<const T> matrix, const Node<T>& node, const char* what) {
    const Index rows = node.shape.is_batch() ? std::max<Index>(x[0].rows, 0) : node.shape.rows;
    if (matrix.rows == rows && matrix.cols == node.shape.cols) return;
    throw ShapeError(name(what, node) + " has shape " + shape_text(matrix.rows, matrix.cols) +
                     "; expected " + shape_text(rows, node.shape.cols));
  };
  for (std::size_t k = 0; k < x.size(); ++k) expect(x[k], graph.node(graph.inputs()[k]), "X");
  for (NodeId id = 0; id < out.size(); ++id) {
    const Node<T>& node = graph.node(id);
    expect(out[id], node, "the value");
    if (!out[id].has_rows_apart()) {
      refuse_overlap(name("the value", node), out[id].stride, out[id].cols);
    }
  }
}

/// The rows [first, first + count) of each node's value, of all of it where it is no batch.
template <class T>
class Chunk {
 public:
  Chunk(const Network<T>& network, std::span<const MatrixView<T>> out)
      : network_(network), out_(out), rows_(out.size()) {}

  void run(const Node<T>& node, NodeId id, Index first, Index count) {
    const std::vector<Rows<T>> inputs = inputs_of(node, first, count);
    ForwardPass<T> pass;
    pass.inputs = inputs;
    pass.parameters = Panels<const T>::plain(node.parameters_in(network_.theta().data()));
    pass.state = node.state_in(network_.state().data());
    pass.output = out_[id].middle_rows(first, count);
    pass.columns = {0, node.shape.cols};
    pass.node = static_cast<std::uint32_t>(id);
    pass.first_row = first;
    node.op->forward(pass);
  }

 private:
  std::vector<Rows<T>> inputs_of(const Node<T>& node, Index first, Index count) {
    std::vector<Rows<T>> inputs;
    for (const NodeId id : node.inputs) {
      const bool is_batch = network_.graph().node(id).shape.is_batch();
      const MatrixView<T> value = is_batch ? out_[id].middle_rows(first, count) : out_[id];
      std::vector<const T*>& rows = rows_[id];
      rows.clear();
      for (Index i = 0; i < value.rows; ++i) rows.push_back(value.row(i));
      inputs.push_back({rows.data(), value.rows, value.cols});
    }
    return inputs;
  }

  const Network<T>& network_;
  std::span<const MatrixView<T>> out_;
  std::vector<std::vector<const T*>> rows_;  // of each node, as a list
};

}  // namespace

template <class T>
void activations(const Network<T>& network,
                 std::span<const MatrixView<const std::type_identity_t<T>>> x,
                 std::span<const MatrixView<std::type_identity_t<T>>> out) {
  check(network, x, out);
  const Index n = x[0].rows;
  const std::vector<Node<T>>& nodes = network.graph().nodes();
  for (std::size_t k = 0; k < x.size(); ++k) {
    const MatrixView<T> to = out[network.input_ids()[k]];
    for (Index i = 0; i < n; ++i) std::copy_n(x[k].row(i), x[k].cols, to.row(i));
  }
  // Products read what no batch changes in whole vectors, up to one beyond the end, which the
  // caller's matrices need not have.
  std::vector<MatrixView<T>> values(out.begin(), out.end());
  std::deque<Matrix<T>> kept;
  Chunk<T> fixed(network, values);
  for (NodeId id = 0; id < nodes.size(); ++id) {
    const auto [rows, cols] = nodes[id].shape;
    if (nodes[id].shape.is_batch()) continue;
    const DenormalMode flush(true);  // as where batches are
    values[id] = kept.emplace_back(rows, cols).view();
    fixed.run(nodes[id], id, 0, rows);
    for (Index i = 0; i < rows; ++i) std::copy_n(values[id].row(i), cols, out[id].row(i));
  }
  const int members = network.threads(2 * network.work() * static_cast<double>(n));
  run_team(members, [&](const Member& member) {
    Chunk<T> chunk(network, values);
    const Range mine = member.share(n);
    for (Index first = mine.begin; first < mine.end; first += rows_at_a_time) {
      const Index count = std::min(rows_at_a_time, mine.end - first);
      for (NodeId id = 0; id < nodes.size(); ++id) {
        if (!nodes[id].shape.is_batch() || network.graph().is_input(id)) continue;
        chunk.run(nodes[id], id, first, count);
      }
    }
  });
}

#define NNBIND_INSTANTIATE(T)                                                           \
  template void activations<T>(const Network<T>&, std::span<const MatrixView<const T>>, \
                               std::span<const MatrixView<T>>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
