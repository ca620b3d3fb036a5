// What the benchmarks of the kernels share: matrices, Eigen's view of them, and the clock.
#pragma once

#include <benchmark/benchmark.h>

#include <Eigen/Core>
#include <algorithm>
#include <ctime>

#include "fma_peak.hpp"
#include "nnbind/matrix.hpp"
#include "nnbind/random.hpp"

namespace nnbind::bench {

template <class T>
Matrix<T> random_matrix(Index rows, Index cols) {
  Matrix<T> matrix(rows, cols);
  Random random(1);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      matrix.view()(i, j) = static_cast<T>(2 * random.uniform() - 1);
    }
  }
  return matrix;
}

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
Eigen::Map<RowMajor<T>, Eigen::Aligned64, Eigen::OuterStride<>> as_eigen(MatrixView<T> m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.stride)};
}

/// CPU time of this process: that of others, who share the core, does not count.
inline double cpu_nanoseconds() { return static_cast<double>(std::clock()) * 1e9 / CLOCKS_PER_SEC; }

/// GFLOP/s of multiply-adds of one core, the best of many repeats.
template <class T>
double peak() {
  static const double gflops = [] {
    volatile T factor = T(0.999), term = T(0.001);
    double best = 0;
    for (int r = 0; r < fma_peak::repeats; ++r) {
      const double start = cpu_nanoseconds();
      benchmark::DoNotOptimize(fma_peak::multiply_adds<T>(factor, term));
      best = std::max(best, fma_peak::flops<T> / (cpu_nanoseconds() - start));
    }
    return best;
  }();
  return gflops;
}

/// Calls `compute` as often as the library wants. Returns the nanoseconds of a call.
template <class Compute>
double nanoseconds(benchmark::State& state, const Compute& compute) {
  const double start = cpu_nanoseconds();
  for ([[maybe_unused]] auto _ : state) {
    compute();
    benchmark::ClobberMemory();
  }
  return (cpu_nanoseconds() - start) / static_cast<double>(state.iterations());
}

}  // namespace nnbind::bench
