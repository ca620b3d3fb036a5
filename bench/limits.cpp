// Prints what the machine can do: the float32 peak of one core and of all `argv[1]` cores at once,
// and the nanoseconds of a round trip between two.
#include <cstdio>
#include <cstdlib>

#include "fma_peak.hpp"
#include "round_trip.hpp"

int main(int, char** argv) {
  const int cores = std::atoi(argv[1]);
  std::printf("%.1f %.1f %.0f\n", fma_peak::measure<float>(1), fma_peak::measure<float>(cores),
              cores > 1 ? round_trip::nanoseconds() : 0.0);
}
