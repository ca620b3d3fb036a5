// Data for the tests: random matrices, small problems, and a frame that shows stray writes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "nnbind/dataset.hpp"
#include "nnbind/random.hpp"

namespace nnbind::test {

template <class T>
void fill_uniform(MatrixView<T> values, Random& random, double low = -1, double high = 1) {
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) {
      values(i, j) = static_cast<T>(low + (high - low) * random.uniform());
    }
  }
}

template <class T>
Matrix<T> random_matrix(Index rows, Index cols, Random& random, double low = -1, double high = 1) {
  Matrix<T> matrix(rows, cols);
  fill_uniform(matrix.view(), random, low, high);
  return matrix;
}

/// A matrix in a frame of NaN: before and after it, and between `cols` and `stride` in each row. A
/// NaN in a result shows that the frame had an effect on it, a number in the frame a stray write.
template <class T>
class Framed {
 public:
  Framed(Index rows, Index cols, Index stride)
      : buffer_(static_cast<std::size_t>(rows * stride + 2 * line_elements<T>), nan()),
        view_{buffer_.data() + line_elements<T>, rows, cols, stride} {
    for (Index i = 0; i < rows; ++i) rows_.push_back(view_.row(i));
  }

  [[nodiscard]] MatrixView<T> view() const { return view_; }
  [[nodiscard]] Rows<T> rows() const { return {rows_.data(), view_.rows, view_.cols}; }

  /// Whether nothing was written outside of the matrix.
  [[nodiscard]] bool frame_is_whole() const {
    const Index start = view_.data - buffer_.data();
    for (Index k = 0; k < static_cast<Index>(buffer_.size()); ++k) {
      const Index place = k - start;
      const bool inside =
          place >= 0 && place < view_.rows * view_.stride && place % view_.stride < view_.cols;
      if (!inside && !std::isnan(buffer_[static_cast<std::size_t>(k)])) return false;
    }
    return true;
  }

 private:
  static constexpr T nan() { return std::numeric_limits<T>::quiet_NaN(); }

  std::vector<T> buffer_;
  MatrixView<T> view_;
  std::vector<const T*> rows_;
};

/// A packed copy: what a fit makes of large parameters.
template <class T>
PackedMatrix<T> packed(MatrixView<const T> values) {
  PackedMatrix<T> copy(values.rows, values.cols);
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) *copy.panels().view(j, 1).row(i) = values(i, j);
  }
  return copy;
}

/// Whether two matrices hold the same numbers; a NaN is like nothing.
template <class T>
bool equal(MatrixView<const T> a, MatrixView<const T> b) {
  if (a.rows != b.rows || a.cols != b.cols) return false;
  for (Index i = 0; i < a.rows; ++i) {
    if (!std::equal(a.row(i), a.row(i) + a.cols, b.row(i))) return false;
  }
  return true;
}
template <class T>
bool equal(const Panels<const T>& a, MatrixView<const T> b) {
  bool same = true;
  a.each_view([&](Index first, const MatrixView<const T>& part) {
    same = same && equal<T>(part, b.middle_columns(first, part.cols));
  });
  return same;
}

/// Samples of a smooth function of `inputs` numbers, with classes for those who want them.
template <class T>
struct Problem {
  Problem(Index samples, Index inputs, Index outputs, std::uint64_t seed = 7)
      : x(samples, inputs), y(samples, outputs) {
    Random random(seed);
    fill_uniform(x.view(), random);
    for (Index i = 0; i < samples; ++i) {
      for (Index k = 0; k < outputs; ++k) {
        double sum = 0;
        for (Index j = 0; j < inputs; ++j) sum += std::sin(double(j + k + 1)) * x.view()(i, j);
        y.view()(i, k) = static_cast<T>(std::tanh(sum));
      }
      const T* row = y.view().row(i);
      labels.push_back(std::max_element(row, row + outputs) - row);
    }
  }

  [[nodiscard]] Dataset<T> values() const { return {x.view(), y.view()}; }
  [[nodiscard]] Dataset<T> classes() const { return {x.view(), labels.data()}; }

  Matrix<T> x;
  Matrix<T> y;
  std::vector<std::int64_t> labels;
};

/// Whether two sequences hold the same bits, a NaN's included.
template <class A, class B>
bool same_bits(const A& a, const B& b) {
  return std::size(a) == std::size(b) &&
         std::memcmp(std::data(a), std::data(b), std::size(a) * sizeof(*std::data(a))) == 0;
}

}  // namespace nnbind::test
