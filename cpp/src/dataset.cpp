#include "nnbind/dataset.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/finite.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

namespace {

[[noreturn]] void bad_value(const std::string& what, double value, Index row) {
  throw OptionError(what + " has " + (std::isnan(value) ? "a NaN" : "an infinity") + " in row " +
                    std::to_string(row));
}

/// Throws if a value is not finite. Only a row that has one is searched.
template <class T>
void require_finite(MatrixView<const T> values, const std::string& what) {
  for (Index i = 0; i < values.rows; ++i) {
    const T* row = values.row(i);
    if (kernels::all_finite(row, values.cols)) continue;
    bad_value(what, *std::find_if(row, row + values.cols, [](T x) { return !std::isfinite(x); }),
              i);
  }
}

template <class T>
void check_targets(const Dataset<T>& data, const Network<T>& network, const Loss& loss,
                   const std::string& what) {
  const MatrixView<const T>& y = data.targets;
  if (y.rows != data.size() || y.cols != network.outputs()) {
    throw ShapeError(what + " has shape " + shape_text(y.rows, y.cols) + "; expected " +
                     shape_text(data.size(), network.outputs()));
  }
  require_finite(y, what);
  std::vector<double> row(static_cast<std::size_t>(y.cols));
  for (Index i = 0; i < y.rows; ++i) {
    std::transform(y.row(i), y.row(i) + y.cols, row.begin(), [](T v) { return double{v}; });
    if (const std::string error = loss.target_error(row.data(), y.cols); !error.empty()) {
      throw OptionError(what + " " + error + " (row " + std::to_string(i) + ", " + loss.name() +
                        ")");
    }
  }
}

template <class T>
void check_labels(const Dataset<T>& data, const Network<T>& network, const Loss& loss,
                  const std::string& what) {
  if (!loss.takes_labels()) {
    throw ShapeError(what + " has shape (" + std::to_string(data.size()) + ",); " + loss.name() +
                     " expected " + shape_text(data.size(), network.outputs()) +
                     ", as y[:, None] of a single output");
  }
  for (Index i = 0; i < data.size(); ++i) {
    if (data.labels[i] < 0 || data.labels[i] >= network.outputs()) {
      throw OptionError(what + " has the label " + std::to_string(data.labels[i]) + " in row " +
                        std::to_string(i) + "; expected 0 <= label < " +
                        std::to_string(network.outputs()));
    }
  }
}

}  // namespace

template <class T>
Dataset<T> Dataset<T>::part(Index first, Index count) const {
  Dataset piece = *this;
  piece.x = x.middle_rows(first, count);
  if (targets.data != nullptr) piece.targets = targets.middle_rows(first, count);
  if (labels != nullptr) piece.labels += first;
  if (weights != nullptr) piece.weights += first;
  return piece;
}

template <class T>
void check(const Dataset<T>& data, const Network<T>& network, const Loss& loss,
           const std::string& where, const std::string& prefix) {
  const auto named = [&](const char* name) { return "[" + where + "] " + prefix + name; };
  if (data.x.cols != network.inputs()) {
    throw ShapeError(named("X") + " has shape " + shape_text(data.x.rows, data.x.cols) +
                     "; expected (n, " + std::to_string(network.inputs()) + ")");
  }
  if (data.size() == 0) {
    throw ShapeError(named("X") + " has shape " + shape_text(0, data.x.cols) +
                     "; expected at least one row");
  }
  (void)loss.takes_pre_activation(network.output_activation());
  require_finite(data.x, named("X"));
  if (data.labels != nullptr) {
    check_labels(data, network, loss, named("y"));
  } else {
    check_targets(data, network, loss, named("y"));
  }
  for (Index i = 0; data.weights != nullptr && i < data.size(); ++i) {
    const double weight = data.weights[i];
    if (!std::isfinite(weight)) bad_value(named("sample_weight"), weight, i);
    if (weight < 0) {
      throw OptionError(named("sample_weight") + " is " + number_text(weight) + " in row " +
                        std::to_string(i) + "; expected numbers >= 0");
    }
  }
}

#define NNBIND_INSTANTIATE(T)                                                                   \
  template Dataset<T> Dataset<T>::part(Index, Index) const;                                     \
  template void check<T>(const Dataset<T>&, const Network<T>&, const Loss&, const std::string&, \
                         const std::string&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
