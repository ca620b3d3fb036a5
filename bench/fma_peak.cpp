// The machine's limit: float32 fused multiply-adds per second, from registers alone.
// Prints GFLOP/s (an FMA counts as two flops) of one core and of all `argv[1]` cores at once.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int width = 16;
#elif defined(__AVX__)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif
using Packet = float __attribute__((vector_size(width * sizeof(float))));

constexpr int chains = 12;  // two FMA units of latency 4 need 8 independent sums
constexpr long length = 10'000'000;
constexpr int repeats = 25;

float multiply_adds(float factor, float term) {
  Packet sums[chains] = {};
  for (int c = 0; c < chains; ++c) sums[c] += term * static_cast<float>(c);  // all different
  for (long i = 0; i < length; ++i)
    for (Packet& sum : sums) sum = sum * factor + term;
  Packet total = {};
  for (Packet const& sum : sums) total += sum;
  return total[0];
}

// The best of the repeats: a peak is what the machine reaches when nothing disturbs it.
double peak(int cores) {
  using Clock = std::chrono::steady_clock;
  volatile float factor = 0.999f, term = 0.001f;  // read anew, so nothing is computed ahead
  double best = 0;
  std::barrier start(cores + 1), finish(cores + 1);
  std::vector<std::jthread> threads;
  for (int t = 0; t < cores; ++t)
    threads.emplace_back([&] {
      for (int r = 0; r < repeats; ++r) {
        start.arrive_and_wait();
        float volatile result = multiply_adds(factor, term);
        static_cast<void>(result);
        finish.arrive_and_wait();
      }
    });
  for (int r = 0; r < repeats; ++r) {
    auto const begin = Clock::now();  // before the threads are let go: never flatters
    start.arrive_and_wait();
    finish.arrive_and_wait();
    std::chrono::duration<double> const seconds = Clock::now() - begin;
    best = std::max(best, 2e-9 * cores * chains * width * length / seconds.count());
  }
  return best;
}

int main(int, char** argv) { std::printf("%.1f %.1f\n", peak(1), peak(std::atoi(argv[1]))); }
