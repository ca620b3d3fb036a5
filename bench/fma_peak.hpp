// The machine's limit: fused multiply-adds per second, from registers alone.
#pragma once

#include <algorithm>
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

namespace fma_peak {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif
template <class T>
using Packet __attribute__((vector_size(vector_bytes))) = T;

constexpr int chains = 12;          // two FMA units of latency 4 need 8 independent sums
constexpr long length = 4'000'000;  // some 6 ms: long beside a barrier, shorter than most troubles
constexpr int repeats = 60;

/// Of one call of multiply_adds.
template <class T>
constexpr double flops = 2.0 * chains * (vector_bytes / sizeof(T)) * length;

template <class T>
T multiply_adds(T factor, T term) {
  Packet<T> sums[chains] = {};
  for (int c = 0; c < chains; ++c) sums[c] += term * static_cast<T>(c);  // all different
  for (long i = 0; i < length; ++i)
    for (Packet<T>& sum : sums) sum = sum * factor + term;
  Packet<T> total = {};
  for (Packet<T> const& sum : sums) total += sum;
  return total[0];
}

/// GFLOP/s (an FMA counts as two) of that many cores at once, for the instruction set compiled for.
/// The best of the repeats: a peak is what the machine reaches when nothing disturbs it.
template <class T>
double measure(int cores, int rounds = repeats) {
  using Clock = std::chrono::steady_clock;
  volatile T factor = T(0.999), term = T(0.001);  // read anew, so nothing is computed ahead
  double best = 0;
  std::barrier start(cores + 1), finish(cores + 1);
  std::vector<std::jthread> threads;
  for (int t = 0; t < cores; ++t)
    threads.emplace_back([&] {
      for (int r = 0; r < rounds; ++r) {
        start.arrive_and_wait();
        T volatile result = multiply_adds<T>(factor, term);
        static_cast<void>(result);
        finish.arrive_and_wait();
      }
    });
  for (int r = 0; r < rounds; ++r) {
    auto const begin = Clock::now();  // before the threads are let go: never flatters
    start.arrive_and_wait();
    finish.arrive_and_wait();
    std::chrono::duration<double> const seconds = Clock::now() - begin;
    best = std::max(best, 1e-9 * flops<T> * cores / seconds.count());
  }
  return best;
}

}  // namespace fma_peak
