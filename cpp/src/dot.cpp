#include "nnbind/dot.hpp"

#include <algorithm>

namespace nnbind {

namespace {

/// A string of the DOT language. Its own escapes, as \N, must not come from a name.
std::string dot_string(std::string_view text) {
  std::string escaped = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped + '"';
}

std::string node_id(NodeId id) { return "n" + std::to_string(id); }

template <class T>
std::string label(const Node<T>& node) {
  std::string kind(node.op->kind());
  const std::string_view activation = node.op->activation().name();
  if (kind == "dense" && activation != "identity") kind += " " + std::string(activation);
  std::string text = node.name;
  if (kind != node.name) text += "\n" + kind;
  if (node.inputs.empty()) text += "\n" + shape_text(node.shape);
  if (node.parameters.size() > 0 && !node.inputs.empty()) {
    text += "\n" + std::to_string(node.parameters.size()) + " parameters";
  }
  return text;
}

template <class T>
std::string look(const Network<T>& network, NodeId id) {
  const Graph<T>& graph = network.graph();
  const Node<T>& node = graph.node(id);
  const bool is_output = std::ranges::find(network.output_ids(), id) != network.output_ids().end();
  if (graph.is_input(id)) return R"(, shape=ellipse, fillcolor="#d7e9f7")";
  if (is_output) return R"(, shape=box, peripheries=2, fillcolor="#fde3c8")";
  if (node.inputs.empty() && node.parameters.size() > 0) {
    return R"(, shape=box, style="dashed,filled", fillcolor="#dcefdc")";
  }
  if (node.inputs.empty()) return ", shape=plaintext, style=solid";
  return ", shape=box";
}

}  // namespace

template <class T>
std::string to_dot(const Network<T>& network) {
  const std::vector<Node<T>>& nodes = network.graph().nodes();
  std::string text =
      "digraph network {\n"
      "  rankdir=LR;\n"
      "  node [fontname=\"Helvetica\", style=filled, fillcolor=white];\n"
      "  edge [fontname=\"Helvetica\", fontsize=10];\n";
  for (NodeId id = 0; id < nodes.size(); ++id) {
    text +=
        "  " + node_id(id) + " [label=" + dot_string(label(nodes[id])) + look(network, id) + "];\n";
  }
  for (NodeId id = 0; id < nodes.size(); ++id) {
    for (const NodeId input : nodes[id].inputs) {
      text += "  " + node_id(input) + " -> " + node_id(id) +
              " [label=" + dot_string(shape_text(nodes[input].shape)) + "];\n";
    }
    if (nodes[id].owner != id) {
      text += "  " + node_id(nodes[id].owner) + " -> " + node_id(id) +
              " [label=\"shares\", style=dotted, dir=none, constraint=false];\n";
    }
  }
  return text + "}\n";
}

template std::string to_dot<float>(const Network<float>&);
template std::string to_dot<double>(const Network<double>&);

}  // namespace nnbind
