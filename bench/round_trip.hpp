// How far apart two cores are: the time in which a value goes from one to the other and back. A
// virtual machine may have neighbouring cores at one moment and distant ones at the next.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace round_trip {

constexpr int trips = 300;  // of a round
constexpr int rounds = 31;

/// Nanoseconds, the median of the rounds.
inline double nanoseconds() {
  using Clock = std::chrono::steady_clock;
  struct alignas(64) Line {
    std::atomic<int> value{0};
  };
  Line there, back;
  const std::jthread other([&] {
    for (int trip = 1; trip <= rounds * trips; ++trip) {
      while (there.value.load(std::memory_order_acquire) < trip) {
      }
      back.value.store(trip, std::memory_order_release);
    }
  });
  std::vector<double> times;
  for (int round = 0, trip = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    for (int i = 0; i < trips; ++i) {
      there.value.store(++trip, std::memory_order_release);
      while (back.value.load(std::memory_order_acquire) < trip) {
      }
    }
    const std::chrono::duration<double, std::nano> taken = Clock::now() - start;
    times.push_back(taken.count() / trips);
  }
  std::ranges::nth_element(times, times.begin() + rounds / 2);
  return times[rounds / 2];
}

}  // namespace round_trip
