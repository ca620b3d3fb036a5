// Row-major matrices: a view that owns nothing, a list of rows read in place, and an owning buffer.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace nnbind {

using Index = std::ptrdiff_t;

/// ⌈a / b⌉ for a >= 0 and b > 0: how many parts of at most b make up a.
[[nodiscard]] constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

/// Bytes in a cache line, and in the widest vector register: buffers start on this boundary.
inline constexpr std::size_t cache_line = 64;

/// Of a core, at least, in bytes: what is smaller stays in it anyway, and need not be fetched.
inline constexpr std::size_t second_level_cache = std::size_t{1} << 20;

/// An Index that is 0 again once it has been moved from, as a vector is empty.
class MovingIndex {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): it is an Index.
  MovingIndex(Index value = 0) : value_(value) {}
  MovingIndex(const MovingIndex&) = default;
  MovingIndex& operator=(const MovingIndex&) = default;
  MovingIndex(MovingIndex&& other) noexcept : value_(std::exchange(other.value_, 0)) {}
  MovingIndex& operator=(MovingIndex&& other) noexcept {
    value_ = std::exchange(other.value_, 0);
    return *this;
  }
  ~MovingIndex() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator Index() const { return value_; }

 private:
  Index value_;
};

/// Half-open range of indices.
struct Range {
  Index begin = 0;
  Index end = 0;
  [[nodiscard]] Index size() const { return end - begin; }
};

/// A rectangle of a matrix.
struct Block {
  Range rows;
  Range cols;
};

/// A (rows × cols) row-major matrix somewhere in memory: row i + 1 begins `stride` elements after
/// row i, by default right behind it. Rows that are to be written lie apart: stride >= cols. Those
/// that are only read may lie one over the other, or backwards.
template <class T>
struct MatrixView {
  T* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index stride = cols;

  [[nodiscard]] bool has_rows_apart() const { return rows <= 1 || stride >= cols; }
  [[nodiscard]] T* row(Index i) const { return data + i * stride; }
  T& operator()(Index i, Index j) const { return data[i * stride + j]; }

  /// Rows [first, first + count), all columns.
  [[nodiscard]] MatrixView middle_rows(Index first, Index count) const {
    return {row(first), count, cols, stride};
  }
  [[nodiscard]] MatrixView middle_rows(Range some) const {
    return middle_rows(some.begin, some.size());
  }

  /// Columns [first, first + count), all rows.
  [[nodiscard]] MatrixView middle_columns(Index first, Index count) const {
    return {data + first, rows, count, stride};
  }
  [[nodiscard]] MatrixView middle_columns(Range some) const {
    return middle_columns(some.begin, some.size());
  }
  [[nodiscard]] MatrixView block(const Block& block) const {
    return middle_columns(block.cols).middle_rows(block.rows);
  }

  // NOLINTNEXTLINE(google-explicit-constructor): a reader may look at what a writer may change.
  operator MatrixView<const T>() const { return {data, rows, cols, stride}; }
};

/// Columns in a panel: two cache lines, as wide as the register tiles of the widest machine.
template <class T>
inline constexpr Index panel_columns = static_cast<Index>(2 * cache_line / sizeof(T));

/// A (rows × cols) matrix as panels of panel_columns<T> columns: row-major within a panel, `step`
/// elements from one panel to the next. A packed matrix has one panel behind the other, so that a
/// product reads it in order and each thread's columns are a piece of memory of their own; a plain
/// row-major matrix is the case step = panel_columns<T>.
template <class T>
struct Panels {
  T* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;
  Index step = 0;

  [[nodiscard]] static Panels plain(MatrixView<T> m) {
    return {m.data, m.rows, m.cols, m.stride, panel_columns<std::remove_const_t<T>>};
  }
  /// A packed matrix in that memory, of packed_size(rows, cols) elements.
  [[nodiscard]] static Panels packed(T* data, Index rows, Index cols) {
    return {data, rows, cols, width, rows * width};
  }
  [[nodiscard]] static Index packed_size(Index rows, Index cols) {
    return ceil_div(cols, width) * rows * width;
  }
  [[nodiscard]] bool is_packed() const { return step != width; }

  /// Where column j begins.
  [[nodiscard]] T* column(Index j) const { return data + j / width * step + j % width; }
  /// Rows [first, first + count), all columns.
  [[nodiscard]] Panels middle_rows(Index first, Index count) const {
    return {data + first * stride, count, cols, stride, step};
  }
  [[nodiscard]] Panels middle_rows(Range some) const {
    return middle_rows(some.begin, some.size());
  }
  /// Columns [first, first + count), where first begins a panel.
  [[nodiscard]] Panels middle_columns(Index first, Index count) const {
    return {column(first), rows, count, stride, step};
  }
  [[nodiscard]] Panels middle_columns(Range some) const {
    return middle_columns(some.begin, some.size());
  }
  [[nodiscard]] Panels block(const Block& block) const {
    return middle_columns(block.cols).middle_rows(block.rows);
  }
  /// Columns that lie within one panel, or any of a plain matrix.
  [[nodiscard]] MatrixView<T> view(Index first, Index count) const {
    return {column(first), rows, count, stride};
  }
  /// Calls f(first column, view) for one panel after the other, or for all of a plain matrix.
  template <class F>
  void each_view(F&& f) const {
    const Index most = is_packed() ? width : cols;
    for (Index first = 0; first < cols; first += most) {
      f(first, view(first, first + most < cols ? most : cols - first));
    }
  }

  // NOLINTNEXTLINE(google-explicit-constructor): a reader may look at what a writer may change.
  operator Panels<const T>() const { return {data, rows, cols, stride, step}; }

  static constexpr Index width = panel_columns<std::remove_const_t<T>>;
};

/// Samples read where they lie: `row[i]` points at `cols` consecutive values. The rows of a
/// shuffled mini-batch are such a list, so that no sample is ever copied to be read.
template <class T>
struct Rows {
  const T* const* row = nullptr;
  Index count = 0;
  Index cols = 0;
  Index stride = 0;  ///< elements between two rows, where they are all the same; else 0
  /// Places in the list from a row to one that will soon be read and may be fetched; 0: none.
  Index ahead = 0;

  [[nodiscard]] Rows middle_rows(Index first, Index rows) const {
    return {row + first, rows, cols, stride, ahead};
  }
  [[nodiscard]] Rows middle_rows(Range some) const { return middle_rows(some.begin, some.size()); }
};

/// Memory on a cache line; or, where there is much, on large pages if the system has them: rows of
/// a large matrix on a page each would miss the translation buffer all the time.
void* allocate_aligned(std::size_t bytes);
void deallocate_aligned(void* memory, std::size_t bytes);

template <class T>
struct CacheAligned {
  using value_type = T;
  CacheAligned() = default;
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): required of an allocator.
  CacheAligned(const CacheAligned<U>& /*other*/) {}
  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_aligned(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t n) { deallocate_aligned(p, n * sizeof(T)); }
  template <class U>
  bool operator==(const CacheAligned<U>& /*other*/) const {
    return true;
  }
};

/// A vector on a cache line, so that no two threads' data share one.
template <class T>
using AlignedVector = std::vector<T, CacheAligned<T>>;

/// Elements that fill a cache line; buffers read by whole vectors end with this many spare ones.
template <class T>
inline constexpr Index line_elements = static_cast<Index>(cache_line / sizeof(T));

/// `rows`, of a matrix of a size that memory may hold. Throws ShapeError if a number is below 0,
/// and std::bad_array_new_length for more than 2^48 rows or elements.
Index checked_rows(Index rows, Index cols);

/// An owning (rows × cols) matrix whose rows each start on a cache line, with the list of its
/// rows. A whole vector may be read at any element: the buffer ends with a spare cache line. One
/// that was moved from is empty. Throws what checked_rows throws.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(Index rows, Index cols)
      : rows_(checked_rows(rows, cols)),
        cols_(cols),
        stride_(padded(cols)),
        buffer_(static_cast<std::size_t>(rows * stride_ + line_elements<T>)),
        row_list_(static_cast<std::size_t>(rows)) {
    list_rows();
  }
  Matrix(const Matrix& other)
      : rows_(other.rows_),
        cols_(other.cols_),
        stride_(other.stride_),
        buffer_(other.buffer_),
        row_list_(other.row_list_.size()) {
    list_rows();
  }
  Matrix& operator=(const Matrix& other) { return *this = Matrix(other); }
  Matrix(Matrix&&) noexcept = default;
  Matrix& operator=(Matrix&&) noexcept = default;
  ~Matrix() = default;

  [[nodiscard]] MatrixView<T> view() { return {buffer_.data(), rows_, cols_, stride_}; }
  [[nodiscard]] MatrixView<const T> view() const { return {buffer_.data(), rows_, cols_, stride_}; }
  [[nodiscard]] Rows<T> rows() const { return {row_list_.data(), rows_, cols_, stride_}; }

 private:
  /// Whole cache lines. An odd number of them if there are many: else the rows of a tile would meet
  /// in few places of the cache.
  static Index padded(Index cols) {
    constexpr Index many = 16;
    const Index lines = ceil_div(cols, line_elements<T>);
    return (lines < many ? lines : lines | 1) * line_elements<T>;
  }

  void list_rows() {
    for (Index i = 0; i < rows_; ++i) row_list_[static_cast<std::size_t>(i)] = view().row(i);
  }

  MovingIndex rows_;
  MovingIndex cols_;
  MovingIndex stride_;
  AlignedVector<T> buffer_;
  std::vector<const T*> row_list_;
};

/// An owning packed (rows × cols) matrix. Columns that fill up the last panel are zero. Throws what
/// checked_rows throws.
template <class T>
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(Index rows, Index cols)
      : rows_(checked_rows(rows, cols)),
        cols_(cols),
        buffer_(static_cast<std::size_t>(Panels<T>::packed_size(rows, cols))) {}

  [[nodiscard]] Panels<T> panels() { return Panels<T>::packed(buffer_.data(), rows_, cols_); }
  [[nodiscard]] bool empty() const { return buffer_.empty(); }

 private:
  MovingIndex rows_;
  MovingIndex cols_;
  AlignedVector<T> buffer_;
};

}  // namespace nnbind
