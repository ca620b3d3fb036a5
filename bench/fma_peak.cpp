// Prints the float32 peak of one core and of all `argv[1]` cores at once.
#include "fma_peak.hpp"

#include <cstdio>
#include <cstdlib>

int main(int, char** argv) {
  std::printf("%.1f %.1f\n", fma_peak::measure<float>(1),
              fma_peak::measure<float>(std::atoi(argv[1])));
}
