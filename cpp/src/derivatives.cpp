#include "nnbind/derivatives.hpp"

#include <algorithm>

#include "batch_run.hpp"
#include "nnbind/error.hpp"
#include "sample_run.hpp"

namespace nnbind {

namespace {

template <class T>
void check_out(MatrixView<T> out, Index rows, Index cols, const std::string& where) {
  const std::string what = "[" + where + "] out";
  if (out.rows != rows || out.cols != cols) {
    throw ShapeError(what + " has shape " + shape_text(out.rows, out.cols) + "; expected " +
                     shape_text(rows, cols));
  }
  if (!out.has_rows_apart()) refuse_overlap(what, out.stride, cols);
}

template <class T>
void check_outs(std::span<const MatrixView<T>> out, Index rows, const Network<T>& network,
                const std::string& where) {
  const std::vector<NodeId>& inputs = network.input_ids();
  require(out.size() == inputs.size(), where,
          std::to_string(out.size()) + " matrices out; expected " + std::to_string(inputs.size()));
  for (std::size_t k = 0; k < out.size(); ++k) {
    check_out(out[k], rows, network.graph().node(inputs[k]).shape.cols, where);
  }
}

/// Copies the gradients by the inputs.
template <class T>
void take_inputs(Workspace<T>& workspace, const Member& member,
                 const typename SampleRun<T>::Piece& piece, std::span<const MatrixView<T>> out) {
  const Range mine = member.share(piece.rows());
  for (std::size_t k = 0; k < out.size(); ++k) {
    const MatrixView<T> from = workspace.input_gradient(k);
    for (Index q = mine.begin; q < mine.end; ++q) {
      std::copy_n(from.row(piece.row(q)), from.cols, out[k].row(piece.result_row(q)));
    }
  }
}

/// Writes the gradients by θ. Those of parameters that go into a value which is no batch are the
/// first member's, for all rows: there is one place for that value's gradient.
template <class T>
void take_parameters(Workspace<T>& workspace, const Network<T>& network, const Member& member,
                     const typename SampleRun<T>::Piece& piece, MatrixView<T> out) {
  const Graph<T>& graph = network.graph();
  const auto write = [&](Index q, bool fixed) {
    const Index row = piece.row(q);
    T* const to = out.row(piece.result_row(q));
    for (const NodeId id : graph.parameter_nodes()) {
      if (workspace.has_fixed_user(id) != fixed) continue;
      const MatrixView<T> block = graph.node(id).parameters_in(to);
      workspace.parameter_gradient(id, {row, row + 1}, {{0, block.rows}, {0, block.cols}}, false,
                                   Panels<T>::plain(block));
    }
  };
  const Range mine = member.share(piece.rows());
  for (Index q = mine.begin; q < mine.end; ++q) write(q, false);
  if (member.rank() > 0 || !workspace.has_fixed()) return;
  for (Index q = 0; q < piece.rows(); ++q) {
    workspace.backward_fixed({piece.row(q), piece.row(q) + 1}, network.theta().data(), {});
    write(q, true);
  }
}

/// The run of a Jacobian: for each sample a row for each output, whose gradient is 1 there and 0
/// elsewhere.
template <class T, class Take>
void run_jacobian(const Network<T>& network, std::span<const MatrixView<const T>> x, Layout layout,
                  Take take) {
  SampleRun<T> run(network, x, std::move(layout), network.outputs(), false);
  Workspace<T>& workspace = run.workspace();
  using Piece = typename SampleRun<T>::Piece;
  const auto seed = [&](Range rows, const Piece& piece) {
    Index first = 0;
    for (std::size_t k = 0; k < network.output_ids().size(); ++k) {
      const MatrixView<T> gradient = workspace.output_gradient(k);
      for (Index r = rows.begin; r < rows.end; ++r) {
        std::fill_n(gradient.row(r), gradient.cols, T{0});
        const Index column = r / piece.count - first;
        if (column >= 0 && column < gradient.cols) gradient(r, column) = 1;
      }
      first += gradient.cols;
    }
  };
  run.run(seed, [&](const Member& member, const Piece& piece) { take(workspace, member, piece); });
}

/// The run of the losses' gradients.
template <class T, class Take>
void run_losses(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                bool reduced, Layout layout, Take take) {
  layout.pre_activations = pre_activations(network, losses);
  SampleRun<T> run(network, data.inputs, std::move(layout), 1, losses.run_alone());
  LossGradients<T> gradients(network, data, losses, reduced, run.capacity());
  Workspace<T>& workspace = run.workspace();
  using Piece = typename SampleRun<T>::Piece;
  run.run([&](Range rows, const Piece& piece) { gradients.write(workspace, rows, piece.first); },
          [&](const Member& member, const Piece& piece) { take(workspace, member, piece); });
}

constexpr auto by_inputs = [] {
  Layout layout;
  layout.input_gradients = true;
  layout.parameter_gradients = false;
  return layout;
};

}  // namespace

template <class T>
void input_gradient(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                    std::span<const MatrixView<std::type_identity_t<T>>> out) {
  const std::string where = "Network.input_gradient";
  check(data, network, losses, where);
  check_outs(out, data.size(), network, where);
  run_losses(network, data, losses, true, by_inputs(),
             [&](Workspace<T>& workspace, const Member& member, const auto& piece) {
               take_inputs(workspace, member, piece, out);
             });
}

template <class T>
void per_sample_gradients(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                          MatrixView<T> out) {
  const std::string where = "Network.per_sample_gradients";
  check(data, network, losses, where);
  check_out(out, data.size(), network.parameter_count(), where);
  run_losses(network, data, losses, false, {},
             [&](Workspace<T>& workspace, const Member& member, const auto& piece) {
               take_parameters(workspace, network, member, piece, out);
             });
}

template <class T>
void input_jacobian(const Network<T>& network,
                    std::span<const MatrixView<const std::type_identity_t<T>>> x,
                    std::span<const MatrixView<std::type_identity_t<T>>> out) {
  const std::string where = "Network.jacobian";
  check(x, network, where);
  check_outs(out, x[0].rows * network.outputs(), network, where);
  run_jacobian(network, x, by_inputs(),
               [&](Workspace<T>& workspace, const Member& member, const auto& piece) {
                 take_inputs(workspace, member, piece, out);
               });
}

template <class T>
void parameter_jacobian(const Network<T>& network,
                        std::span<const MatrixView<const std::type_identity_t<T>>> x,
                        MatrixView<T> out) {
  const std::string where = "Network.jacobian";
  check(x, network, where);
  check_out(out, x[0].rows * network.outputs(), network.parameter_count(), where);
  run_jacobian(network, x, {},
               [&](Workspace<T>& workspace, const Member& member, const auto& piece) {
                 take_parameters(workspace, network, member, piece, out);
               });
}

#define NNBIND_INSTANTIATE(T)                                                                  \
  template void input_gradient<T>(const Network<T>&, const Dataset<T>&, const Losses&,         \
                                  std::span<const MatrixView<T>>);                             \
  template void per_sample_gradients<T>(const Network<T>&, const Dataset<T>&, const Losses&,   \
                                        MatrixView<T>);                                        \
  template void input_jacobian<T>(const Network<T>&, std::span<const MatrixView<const T>>,     \
                                  std::span<const MatrixView<T>>);                             \
  template void parameter_jacobian<T>(const Network<T>&, std::span<const MatrixView<const T>>, \
                                      MatrixView<T>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
