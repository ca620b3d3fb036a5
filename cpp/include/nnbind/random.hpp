// The one source of chance: Philox4x32-10, a counter-based generator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace nnbind {

/// n blocks of four words: word k of block i is [k][i].
template <std::size_t n>
using PhiloxBlocks = std::array<std::array<std::uint32_t, n>, 4>;

/// Four random words for each 128-bit counter under a 64-bit key, in the counter's place.
/// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
template <std::size_t n>
void philox(PhiloxBlocks<n>& blocks, std::uint64_t key);

/// A stream of draws. Two streams of one seed are independent; the same (seed, stream) gives the
/// same draws on every platform, because nothing here depends on a C library's functions.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// 64 random bits.
  std::uint64_t bits();
  /// Uniform on [0, 1), a multiple of 2⁻⁵³.
  double uniform();
  /// Standard normal, by inversion: Wichura, "Algorithm AS 241", Applied Statistics 37, 1988.
  double normal();
  /// Uniform on {0, ..., bound - 1}, unbiased: Lemire, "Fast random integer generation in an
  /// interval", ACM TOMACS 29, 2019.
  std::uint64_t below(std::uint64_t bound);
  /// A uniformly random permutation of `values` in place (Fisher and Yates).
  void shuffle(std::span<std::int64_t> values);

 private:
  /// Makes the draws from position_ on.
  void draw();

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;             // counts the draws
  std::array<std::uint64_t, 32> draws_{};  // made together: two of each Philox block
};

/// Keep/drop decisions of dropout, for columns `first_column`, ... of one row: a function of
/// (seed, step, node, row, column), whoever computes it. `keep[j]` is 1 / (1 - rate) with
/// probability 1 - rate, else 0.
struct DropoutKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
};
template <class T>
void dropout_mask(const DropoutKey& key, std::uint32_t node, std::uint32_t row,
                  std::ptrdiff_t first_column, double rate, std::span<T> keep);

}  // namespace nnbind
