// A network as a table of text.
#include <algorithm>
#include <array>
#include <vector>

#include "nnbind/network.hpp"

namespace nnbind {

namespace {

using Row = std::array<std::string, 5>;

template <class T>
Row describe(const Graph<T>& graph, NodeId id) {
  const Node<T>& node = graph.node(id);
  std::string from;
  for (const NodeId input : node.inputs) {
    from += (from.empty() ? "" : ", ") + graph.node(input).name;
  }
  std::string kind(node.op->kind());
  const std::string_view activation = node.op->activation().name();
  if (kind == "dense") kind += " " + std::string(activation);
  const std::string count = node.owner == id ? std::to_string(node.parameters.size())
                                             : "those of " + graph.node(node.owner).name;
  return {node.name, kind, shape_text(node.shape), from, count};
}

}  // namespace

template <class T>
std::string Network<T>::summary() const {
  std::vector<Row> table{{"node", "operator", "shape", "from", "parameters"}};
  for (NodeId id = 0; id < graph_.nodes().size(); ++id) table.push_back(describe(graph_, id));
  std::array<std::size_t, 5> widths{};
  for (const Row& row : table) {
    for (std::size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
  }
  std::string text;
  for (const Row& row : table) {
    for (std::size_t k = 0; k < row.size(); ++k) {
      const std::string padding(widths[k] - row[k].size(), ' ');
      const bool last = k + 1 == row.size();
      text += last ? padding + row[k] : row[k] + padding + "  ";
    }
    text += '\n';
  }
  return text + "total parameters: " + std::to_string(parameter_count());
}

#define NNBIND_INSTANTIATE(T) template std::string Network<T>::summary() const;
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
