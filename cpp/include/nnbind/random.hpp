// The one source of chance: Philox4x32-10, a counter-based generator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace nnbind {

/// A stream of draws. Two streams of one seed are independent; the same (seed, stream) gives the
/// same draws on every platform, because nothing here depends on a C library's functions.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// 64 random bits.
  std::uint64_t bits() {
    const std::size_t place = position_ % draws_.size();
    if (place == 0) draw();
    ++position_;
    return draws_[place];
  }
  /// Uniform on [0, 1), a multiple of 2⁻⁵³.
  double uniform();
  /// Standard normal, by inversion: Wichura, "Algorithm AS 241", Applied Statistics 37, 1988.
  double normal();
  /// Uniform on {0, ..., bound - 1}, unbiased: Lemire, "Fast random integer generation in an
  /// interval", ACM TOMACS 29, 2019.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    Wide product = Wide{bits()} * bound;
    if (static_cast<std::uint64_t>(product) < bound) {
      const std::uint64_t threshold = (0 - bound) % bound;
      while (static_cast<std::uint64_t>(product) < threshold) product = Wide{bits()} * bound;
    }
    return static_cast<std::uint64_t>(product >> 64U);
  }
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

/// What the dropout of a step is drawn from.
struct DropoutKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
};

}  // namespace nnbind
