// Predictions: rows of X, shared out to a team, through a workspace.
#include <algorithm>

#include "nnbind/error.hpp"
#include "nnbind/network.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

namespace {

/// Rows that a member predicts at a time: enough to fill the register tiles many times over, few
/// enough for the activations to stay in the cache.
constexpr Index rows_at_a_time = 96;

}  // namespace

template <class T>
std::unique_ptr<Workspace<T>> Network<T>::borrow_workspace(Index capacity) const {
  std::unique_ptr<Workspace<T>> spare(spare_.exchange(nullptr));
  if (spare && spare->capacity() >= capacity) return spare;
  return std::make_unique<Workspace<T>>(
      *this, Layout{.capacity = capacity, .purpose = Purpose::inference});
}

template <class T>
void Network<T>::return_workspace(std::unique_ptr<Workspace<T>> workspace) const {
  delete spare_.exchange(workspace.release());
}

template <class T>
void Network<T>::predict(MatrixView<const T> x, MatrixView<T> out) const {
  predict(std::span(&x, 1), std::span<const MatrixView<T>>(&out, 1));
}

template <class T>
void Network<T>::predict(std::span<const MatrixView<const T>> x,
                         std::span<const MatrixView<T>> out) const {
  if (x.size() != input_ids().size() || out.size() != outputs_.size()) {
    throw OptionError("[Network.predict] " + std::to_string(x.size()) + " matrices in and " +
                      std::to_string(out.size()) + " out; expected " +
                      std::to_string(input_ids().size()) + " and " +
                      std::to_string(outputs_.size()));
  }
  const Index n = x[0].rows;
  const auto check = [n](const auto& matrix, const char* what, Index cols) {
    if (matrix.rows == n && matrix.cols == cols) return;
    throw ShapeError("[Network.predict] " + std::string(what) + " has shape " +
                     shape_text(matrix.rows, matrix.cols) + "; expected (" +
                     (matrix.rows == n ? "n" : std::to_string(n)) + ", " + std::to_string(cols) +
                     ")");
  };
  for (std::size_t k = 0; k < x.size(); ++k)
    check(x[k], "X", graph_.node(input_ids()[k]).shape.cols);
  for (std::size_t k = 0; k < out.size(); ++k)
    check(out[k], "out", graph_.node(outputs_[k]).shape.cols);
  if (n == 0) return;
  const int members = threads(2 * multiply_adds() * static_cast<double>(n));
  const Index slice = std::min(rows_at_a_time, (n + members - 1) / members);
  auto workspace = borrow_workspace(slice * members);
  workspace->infer_fixed(theta_.data());
  run_team(members, [&](const Member& member) {
    const Range mine = member.share(n);
    const Index place = member.rank() * slice;
    for (Index first = mine.begin; first < mine.end; first += slice) {
      const Index count = std::min(slice, mine.end - first);
      for (std::size_t k = 0; k < x.size(); ++k) {
        const T** rows = workspace->input_rows(k) + place;
        for (Index i = 0; i < count; ++i) rows[i] = x[k].row(first + i);
      }
      workspace->infer(theta_.data(), {place, place + count});
      for (std::size_t k = 0; k < out.size(); ++k) {
        const MatrixView<T> from = workspace->output(k);
        for (Index i = 0; i < count; ++i) {
          std::copy_n(from.row(place + i), from.cols, out[k].row(first + i));
        }
      }
    }
  });
  return_workspace(std::move(workspace));
}

#define NNBIND_INSTANTIATE(T)                                                       \
  template std::unique_ptr<Workspace<T>> Network<T>::borrow_workspace(Index) const; \
  template void Network<T>::return_workspace(std::unique_ptr<Workspace<T>>) const;  \
  template void Network<T>::predict(std::span<const MatrixView<const T>>,           \
                                    std::span<const MatrixView<T>>) const;          \
  template void Network<T>::predict(MatrixView<const T>, MatrixView<T>) const;
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
