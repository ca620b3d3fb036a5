// Predictions: rows of X, shared out to a team, through a workspace.
#include <algorithm>
#include <functional>
#include <type_traits>

#include "denormals.hpp"
#include "nnbind/error.hpp"
#include "nnbind/network.hpp"
#include "team.hpp"
#include "workspace_pool.hpp"

namespace nnbind {

namespace {

[[noreturn]] void refuse_count(std::size_t x, std::size_t out, std::size_t inputs,
                               std::size_t outputs) {
  throw OptionError("[Network.predict] " + std::to_string(x) + " matrices in and " +
                    std::to_string(out) + " out; expected " + std::to_string(inputs) + " and " +
                    std::to_string(outputs));
}

[[noreturn]] void refuse_shape(const char* what, Index rows, Index cols, Index n, Index expected) {
  throw ShapeError("[Network.predict] " + std::string(what) + " has shape " +
                   shape_text(rows, cols) + "; expected (" + (rows == n ? "n" : std::to_string(n)) +
                   ", " + std::to_string(expected) + ")");
}

[[noreturn]] void refuse_stride(const char* what, Index stride, Index cols) {
  refuse_overlap("[Network.predict] " + std::string(what), stride, cols);
}

[[noreturn]] void refuse_null(const char* what) {
  throw OptionError("[Network.predict] " + std::string(what) +
                    " is a null pointer; expected one to its first row");
}

/// Refuses all but a matrix of n rows for each of the nodes `ids`, as wide as its values.
template <class T, class U>
void check(const Graph<T>& graph, const std::vector<NodeId>& ids,
           std::span<const MatrixView<U>> matrices, const char* what, Index n) {
  for (std::size_t k = 0; k < matrices.size(); ++k) {
    const auto& [data, rows, cols, stride] = matrices[k];
    const Index expected = graph.nodes()[ids[k]].shape.cols;
    if (rows != n || cols != expected) refuse_shape(what, rows, cols, n, expected);
    if (data == nullptr && n > 0) refuse_null(what);
    if constexpr (!std::is_const_v<U>) {
      if (!matrices[k].has_rows_apart()) refuse_stride(what, stride, cols);
    }
  }
}

/// Predicts the rows `range` of X, `slice` of them at a time, in the rows of the workspace from
/// `place` on.
template <class T>
void predict_rows(Workspace<T>& workspace, const T* theta, std::span<const MatrixView<const T>> x,
                  std::span<const MatrixView<T>> out, Range range, Index slice, Index place) {
  for (Index first = range.begin; first < range.end; first += slice) {
    const Index count = std::min(slice, range.end - first);
    for (std::size_t k = 0; k < x.size(); ++k) {
      const T** rows = workspace.input_rows(k) + place;
      for (Index i = 0; i < count; ++i) rows[i] = x[k].row(first + i);
    }
    workspace.infer(theta, {place, place + count}, out, first);
  }
}

}  // namespace

template <class T>
std::unique_ptr<Workspace<T>> Network<T>::borrow_workspace(Index capacity) const {
  std::unique_ptr<Workspace<T>> spare = spares_->take();
  if (spare && spare->serves(graph_, capacity)) return spare;
  return std::make_unique<Workspace<T>>(
      *this, Layout{.capacity = capacity, .purpose = Purpose::inference});
}

template <class T>
void Network<T>::predict(MatrixView<const T> x, MatrixView<T> out) const {
  predict(std::span(&x, 1), std::span<const MatrixView<T>>(&out, 1));
}

template <class T>
void Network<T>::predict(std::span<const MatrixView<const T>> x,
                         std::span<const MatrixView<T>> out) const {
  if (x.size() != input_ids().size() || out.size() != outputs_.size()) {
    refuse_count(x.size(), out.size(), input_ids().size(), outputs_.size());
  }
  const Index n = std::max<Index>(x[0].rows, 0);
  check(graph_, input_ids(), x, "X", n);
  check(graph_, outputs_, out, "out", n);
  if (n == 0) return;
  const int members = threads(2 * work() * static_cast<double>(n));
  const Index slice = std::min(rows_at_a_time, ceil_div(n, members));
  auto workspace = borrow_workspace(slice * members);
  const T* const theta = theta_.data();
  workspace->infer_fixed(theta);
  if (members == 1) {  // without a team: in the smallest networks that would be most of the time
    const DenormalMode flush(true);
    predict_rows(*workspace, theta, x, out, {0, n}, slice, 0);
  } else {
    const auto body = [&](const Member& member) {
      predict_rows(*workspace, theta, x, out, member.share(n), slice, member.rank() * slice);
    };
    run_team(members, std::ref(body));
  }
  spares_->give(std::move(workspace));
}

#define NNBIND_INSTANTIATE(T)                                                       \
  template std::unique_ptr<Workspace<T>> Network<T>::borrow_workspace(Index) const; \
  template void Network<T>::predict(std::span<const MatrixView<const T>>,           \
                                    std::span<const MatrixView<T>>) const;          \
  template void Network<T>::predict(MatrixView<const T>, MatrixView<T>) const;
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
