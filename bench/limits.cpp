// Prints what the machine can do: `limits N` the float32 peaks of one core and of N at once,
// `limits` the nanoseconds of a round trip between two, which may change from moment to moment.
#include <cstdio>
#include <cstdlib>

#include "fma_peak.hpp"
#include "round_trip.hpp"

int main(int argc, char** argv) {
  if (argc == 1) {
    std::printf("%.0f\n", round_trip::nanoseconds());
    return 0;
  }
  const int cores = std::atoi(argv[1]);
  std::printf("%.1f %.1f\n", fma_peak::measure<float>(1), fma_peak::measure<float>(cores));
}
