// Any bytes as a model file: a FileError, or a network that predicts and saves itself the same,
// with its training, which goes on, or without.
#include <algorithm>
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
  return network.work() < 1e6;
}

/// Matrices of ones for these nodes, and views of them.
template <class T>
struct Batch {
  Batch(const Network<T>& network, const std::vector<NodeId>& nodes, Index rows) {
    for (const NodeId id : nodes) {
      matrices.emplace_back(rows, network.graph().node(id).shape.cols);
      const MatrixView<T> values = matrices.back().view();
      for (Index i = 0; i < rows; ++i) std::fill_n(values.row(i), values.cols, T{1});
    }
    for (auto& matrix : matrices) {
      views.push_back(std::as_const(matrix).view());
      mutable_views.push_back(matrix.view());
    }
  }
  std::vector<Matrix<T>> matrices;
  std::vector<MatrixView<const T>> views;
  std::vector<MatrixView<T>> mutable_views;
};

template <class T>
void use(const Network<T>& network) {
  const std::string bytes = save_bytes(network);
  const auto again = load_network<T>(std::as_bytes(std::span(bytes)));
  if (save_bytes(*again) != bytes) std::abort();
  if (!is_small(network)) return;
  const Batch<T> x(network, network.input_ids(), 2);
  Batch<T> y(network, network.output_ids(), 2);
  network.predict(x.views, y.mutable_views);
}

/// Two epochs more, on as many samples as the fit had: ones, or the first class.
template <class T>
void go_on(Network<T>& network, Training<T>& training) {
  constexpr Index most_samples = 16;
  const Index n = training.state.samples;
  if (!is_small(network) || n < 1 || n > most_samples) return;
  const Batch<T> x(network, network.input_ids(), n);
  const Batch<T> y(network, network.output_ids(), n);
  Dataset<T> data;
  data.inputs = x.views;
  const std::vector<std::int64_t> labels(static_cast<std::size_t>(n), 0);
  for (std::size_t k = 0; k < y.views.size(); ++k) {
    const bool classes = training.losses.terms[k].loss->takes_labels();
    data.targets.push_back({y.views[k], classes ? labels.data() : nullptr});
  }
  training.options.epochs = training.state.epoch + 2;
  const bool validated = !training.history.val_loss.empty();
  try {
    fit(network, data, training, validated ? &data : nullptr);
  } catch (const std::invalid_argument&) {  // as a fit that has ended
  } catch (const DivergenceError&) {
  }
}

template <class T>
void use(Network<T>& network, Training<T>& training) {
  const std::string bytes = save_bytes(network, training);
  Training<T> again;
  const auto twin = load_network<T>(std::as_bytes(std::span(bytes)), again);
  if (save_bytes(*twin, again) != bytes) std::abort();
  go_on(network, training);
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
