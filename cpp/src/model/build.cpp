#include "model/architecture.hpp"
#include "model/attributes.hpp"
#include "nnbind/error.hpp"
#include "nnbind/model_file.hpp"

namespace nnbind::model {

namespace {

/// What an error is about: `nodes[3] "dense"`.
std::string words(std::size_t id, const std::string& name) {
  return "nodes[" + std::to_string(id) + "] " + nnbind::in_quotes(name);
}

/// What describe wrote of a node's options.
Attributes read_attributes(const Json& json, const std::string& node, const std::string& what,
                           TensorReader& tensors) {
  const Json& values = member(json, "attributes", what);
  Attributes attributes = model::attributes(values, what + ".attributes");
  if (!json.contains("arrays")) return attributes;
  for (const Json& array : list(json["arrays"], what + ".arrays")) {
    const std::string& name = text(array, what + ".arrays");
    require_file(!values.contains(name),
                 what + " has the attribute " + nnbind::in_quotes(name) + " twice");
    attributes.emplace_back(name, tensors.array(node + "." + name));
  }
  return attributes;
}

/// The number of a node among the first `count`.
NodeId node_number(const Json& value, std::size_t count, const std::string& what) {
  const std::uint64_t id = natural_number(value, what);
  require_file(id < count, what + " is " + std::to_string(id) + "; expected the number of one of " +
                               std::to_string(count) + " nodes" +
                               (what.starts_with("nodes") ? " before it" : ""));
  return id;
}

template <class T>
class Builder {
 public:
  explicit Builder(TensorReader& tensors) : tensors_(tensors), most_(tensors.count()) {}

  void add(const Json& json) {
    const std::size_t id = graph_.nodes().size();
    const std::string number = "nodes[" + std::to_string(id) + "]";
    require_keys(json, {"name", "op", "inputs", "attributes", "arrays", "shares"}, number);
    const std::string& name = text(member(json, "name", number), number + ".name");
    require_file(!name.empty() && name.size() <= longest_name,
                 number + ".name has " + std::to_string(name.size()) + " bytes; expected 1 to " +
                     std::to_string(longest_name));
    const std::string& kind = text(member(json, "op", number), number + ".op");
    try {
      kind == "input" ? add_input(json, name) : add_operator(json, name, kind);
    } catch (const FileError&) {
      throw;
    } catch (const std::invalid_argument& error) {
      throw FileError(words(id, name) + ": " + error.what());
    }
    const auto count = static_cast<std::uint64_t>(graph_.parameter_count()) +
                       static_cast<std::uint64_t>(graph_.state_count());
    require_file(count <= most_, words(id, name) + " takes the numbers of the network to " +
                                     std::to_string(count) + "; the file has " +
                                     std::to_string(most_));
  }

  Graph<T> finish() { return std::move(graph_); }

 private:
  void add_input(const Json& json, const std::string& name) {
    const std::string what = words(graph_.nodes().size(), name);
    require_file(!json.contains("inputs") && !json.contains("arrays") && !json.contains("shares"),
                 what + " is an input; expected its attributes alone");
    const Json& attributes = member(json, "attributes", what);
    require_keys(attributes, {"width"}, what + ".attributes");
    const Attribute width =
        attribute(member(attributes, "width", what + ".attributes"), what + ".attributes.width");
    const auto* columns = std::get_if<std::int64_t>(&width);
    require_file(columns != nullptr, what + ".attributes.width is no integer");
    graph_.input(*columns, name);
  }

  void add_operator(const Json& json, const std::string& name, const std::string& kind) {
    const std::size_t id = graph_.nodes().size();
    const std::string what = words(id, name);
    std::vector<NodeId> inputs;
    const Json& numbers = list(member(json, "inputs", what), what + ".inputs");
    if (numbers.size() > most_inputs) {
      refuse(numbers, what + ".inputs", "at most " + std::to_string(most_inputs));
    }
    for (const Json& input : numbers) {
      inputs.push_back(node_number(input, id, what + ".inputs"));
    }
    if (!json.contains("shares")) {
      graph_.add(make_operator<T>(kind, read_attributes(json, name, what, tensors_)),
                 std::move(inputs), name);
      return;
    }
    const NodeId owner = node_number(json["shares"], id, what + ".shares");
    const OperatorPointer<T> op = graph_.node(owner).op;
    require_file(op->kind() == kind && !graph_.is_input(owner) && !json.contains("attributes") &&
                     !json.contains("arrays"),
                 what + " shares the parameters of " + nnbind::in_quotes(graph_.node(owner).name) +
                     "; expected the same op and no attributes of its own");
    graph_.add(op, std::move(inputs), name, owner);
  }

  TensorReader& tensors_;
  std::uint64_t most_;  // numbers that the file has for parameters and state
  Graph<T> graph_;
};

}  // namespace

std::string dtype_of(const Json& architecture) {
  const std::string& dtype = text(member(architecture, "dtype", "the architecture"), "dtype");
  require_file(dtype == "float32" || dtype == "float64",
               "dtype is " + nnbind::in_quotes(dtype) + "; expected float32 or float64");
  return dtype;
}

template <class T>
std::unique_ptr<Network<T>> build(const Json& architecture, TensorReader& tensors) {
  const std::string what = "the architecture";
  require_keys(architecture,
               {"dtype", "seed", "epochs_trained", "steps_trained", "nodes", "outputs"}, what);
  Builder<T> builder(tensors);
  const Json& nodes = list(member(architecture, "nodes", what), "nodes");
  for (const Json& node : nodes) builder.add(node);
  std::vector<NodeId> outputs;
  for (const Json& output : list(member(architecture, "outputs", what), "outputs")) {
    outputs.push_back(node_number(output, nodes.size(), "outputs"));
  }
  const auto number = [&](const char* key) {
    return natural_number(member(architecture, key, what), key);
  };
  auto network = std::make_unique<Network<T>>(builder.finish(), std::move(outputs), number("seed"));
  network->epochs_trained = number("epochs_trained");
  network->steps_trained = number("steps_trained");
  return network;
}

template std::unique_ptr<Network<float>> build<float>(const Json&, TensorReader&);
template std::unique_ptr<Network<double>> build<double>(const Json&, TensorReader&);

}  // namespace nnbind::model
