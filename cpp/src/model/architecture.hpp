// A network's graph as JSON and named tensors, and back.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/json.hpp"
#include "model/safetensors.hpp"
#include "nnbind/network.hpp"

namespace nnbind::model {

/// What a network is in a file. The tensors are views of the network and of `arrays`.
struct Description {
  std::string architecture;
  std::string training;  ///< of a file that has one
  std::vector<TensorView> tensors;
  std::deque<std::variant<std::vector<float>, std::vector<double>>> arrays;

  /// Keeps an array for a tensor to view.
  template <class T>
  std::span<const T> keep(std::vector<T> array) {
    return std::get<std::vector<T>>(arrays.emplace_back(std::move(array)));
  }
};

/// Throws OptionError that names the node if one cannot be written.
template <class T>
Description describe(const Network<T>& network);

/// "float32" or "float64". Throws FileError if it is neither.
std::string dtype_of(const Json& architecture);

/// Where to put a tensor's numbers.
template <class T>
struct Place {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::span<T> numbers;
};

/// The tensors of the θ and the state of a Network<T>, in the order of the nodes. Of a const
/// network they can be read alone.
template <class Net>
auto places(Net& network) {
  using Number = typename decltype(network.theta())::element_type;
  std::vector<Place<Number>> places;
  for (NodeId id = 0; id < network.graph().nodes().size(); ++id) {
    const auto& node = network.graph().node(id);
    if (node.owner != id) continue;
    const auto add = [&](const std::vector<NamedRows>& names, Number* block, Index cols) {
      for (const NamedRows& part : names) {
        std::vector<std::uint64_t> shape;
        if (!part.is_vector) shape.push_back(static_cast<std::uint64_t>(part.rows));
        shape.push_back(static_cast<std::uint64_t>(cols));
        const auto count = static_cast<std::size_t>(part.rows * cols);
        places.push_back({node.name + "." + part.name, std::move(shape), {block, count}});
        block += count;
      }
    };
    add(node.op->parameter_names(node.parameters), network.theta().data() + node.offset,
        node.parameters.cols);
    add(node.op->state_names(node.state), network.state().data() + node.state_offset,
        node.state.cols);
  }
  return places;
}

/// The tensors of a file, each of which may be taken once.
class TensorReader {
 public:
  TensorReader(const ByteSource& source, const std::map<std::string, TensorEntry>& tensors)
      : source_(source), left_(tensors) {}

  /// Numbers in all tensors.
  [[nodiscard]] std::uint64_t count() const;
  /// A matrix. Throws FileError if there is no tensor of this name, dtype F64 and two dimensions.
  AttributeArray array(const std::string& name);
  /// Throws FileError if there is no tensor of this name, T's dtype and this shape.
  template <class T>
  void fill(const Place<T>& place);
  /// An array of float64 numbers. Throws FileError if there is no tensor of this name and shape.
  std::vector<double> numbers(const std::string& name, const std::vector<std::uint64_t>& shape);
  [[nodiscard]] bool has(const std::string& name) const { return left_.contains(name); }
  /// Leaves out all tensors whose names begin so.
  void skip(std::initializer_list<std::string_view> prefixes);
  /// Throws FileError if a tensor was not taken.
  void finish() const;

 private:
  TensorEntry take(const std::string& name, const std::string& dtype);

  const ByteSource& source_;
  std::map<std::string, TensorEntry> left_;
};

/// "", or what is wrong: it is of running variances and one is below 0, which no training makes it.
/// A NaN may be what training has come to.
template <class T>
std::string variance_error(const Place<T>& place);
/// Throws FileError if there is such an error.
template <class T>
void check_variances(const Place<T>& place);

/// The network that the JSON describes, its θ drawn anew. Throws FileError that names the field, or
/// what the operators and the graph throw; before it asks for more memory than the tensors take.
template <class T>
std::unique_ptr<Network<T>> build(const Json& architecture, TensorReader& tensors);

}  // namespace nnbind::model
