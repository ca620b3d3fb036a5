#include "model/architecture.hpp"
#include "model/attributes.hpp"
#include "nnbind/error.hpp"

namespace nnbind::model {

namespace {

/// The attributes of a node: numbers and words in the JSON, arrays as tensors "NODE.ATTRIBUTE".
void describe(const std::string& node, Attributes attributes, Json& json, Description& to) {
  json["attributes"] = Json::object();
  for (auto& [name, value] : attributes) {
    auto* array = std::get_if<AttributeArray>(&value);
    if (array == nullptr) {
      json["attributes"][name] = as_json(value);
      continue;
    }
    json["arrays"].push_back(name);
    const std::span<const double> numbers = to.keep(std::move(array->values));
    to.tensors.push_back(
        {node + "." + name,
         dtype_name<double>,
         {static_cast<std::uint64_t>(array->rows), static_cast<std::uint64_t>(array->cols)},
         std::as_bytes(numbers)});
  }
}

template <class T>
Json describe(const Network<T>& network, NodeId id, Description& to) {
  const Node<T>& node = network.graph().node(id);
  Json json{{"name", node.name}, {"op", node.op->kind()}};
  if (network.graph().is_input(id)) {
    json["attributes"] = {{"width", node.shape.cols}};
    return json;
  }
  json["inputs"] = node.inputs;
  if (node.owner != id) {
    json["shares"] = node.owner;
    return json;
  }
  std::optional<Attributes> attributes = node.op->attributes();
  require(attributes.has_value(), "save",
          nnbind::in_quotes(node.name) + " is of the operator " +
              nnbind::in_quotes(node.op->kind()) +
              ", which is no built-in one: a file holds no code");
  describe(node.name, std::move(*attributes), json, to);
  return json;
}

}  // namespace

template <class T>
Description describe(const Network<T>& network) {
  Description description;
  Document json{{"dtype", std::is_same_v<T, float> ? "float32" : "float64"},
                {"seed", network.seed()},
                {"epochs_trained", network.epochs_trained},
                {"steps_trained", network.steps_trained},
                {"nodes", Json::array()},
                {"outputs", network.output_ids()}};
  for (NodeId id = 0; id < network.graph().nodes().size(); ++id) {
    json["nodes"].push_back(describe(network, id, description));
  }
  for (const auto& place : places(network)) {
    const std::string error = variance_error(place);
    require(error.empty(), "save", error);
    description.tensors.push_back(
        {place.name, dtype_name<T>, place.shape, std::as_bytes(place.numbers)});
  }
  description.architecture = json.dump();
  return description;
}

template Description describe<float>(const Network<float>&);
template Description describe<double>(const Network<double>&);

}  // namespace nnbind::model
