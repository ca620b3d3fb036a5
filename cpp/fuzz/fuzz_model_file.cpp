// Any bytes as a model file: a FileError, or a network that predicts and saves itself the same,
// with its training or without.
#include <cstdint>
#include <cstdlib>

#include "nnbind/nnbind.hpp"

namespace {

using namespace nnbind;

/// More than this an honest prediction may take, but not a fuzzer's time.
constexpr Index most_values = 1 << 16;

template <class T>
bool is_small(const Network<T>& network) {
  Index values = 0;
  for (const Node<T>& node : network.graph().nodes()) {
    values += node.shape.cols * (node.shape.is_batch() ? 2 : node.shape.rows);
    if (values > most_values) return false;
  }
  return network.multiply_adds() < 1e6;
}

template <class T>
void use(const Network<T>& network) {
  const std::string bytes = save_bytes(network);
  const auto again = load_network<T>(std::as_bytes(std::span(bytes)));
  if (save_bytes(*again) != bytes) std::abort();
  if (!is_small(network)) return;
  std::vector<Matrix<T>> inputs;
  std::vector<Matrix<T>> outputs;
  std::vector<MatrixView<const T>> x;
  std::vector<MatrixView<T>> y;
  for (const NodeId id : network.input_ids())
    inputs.emplace_back(2, network.graph().node(id).shape.cols);
  for (const NodeId id : network.output_ids())
    outputs.emplace_back(2, network.graph().node(id).shape.cols);
  for (const auto& input : inputs) x.push_back(input.view());
  for (auto& output : outputs) y.push_back(output.view());
  network.predict(x, y);
}

template <class T>
void use(const Network<T>& network, const Training<T>& training) {
  const std::string bytes = save_bytes(network, training);
  Training<T> again;
  const auto twin = load_network<T>(std::as_bytes(std::span(bytes)), again);
  if (save_bytes(*twin, again) != bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  set_num_threads(1);
  try {
    const AnyNetwork network = load_any_network(std::as_bytes(std::span(data, size)));
    std::visit([](const auto& net) { use(*net); }, network);
  } catch (const FileError&) {  // what a stranger's file deserves
  }
  try {
    AnyTraining training;
    const AnyNetwork network = load_any_network(std::as_bytes(std::span(data, size)), training);
    std::visit(
        [&]<class T>(const std::unique_ptr<Network<T>>& net) {
          use(*net, std::get<Training<T>>(training));
        },
        network);
  } catch (const FileError&) {
  }
  return 0;
}
