// Predictions from C++: `program WIDTHS ACTIVATION BATCH SECONDS`, as in `program 784,128,10 relu 1
// 0.5`, prints the microseconds of a call: the median and the 99th percentile.
//
// The median is of blocks of calls, so that it is free of the clock's own time; the 99th percentile
// is of single calls, and has it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "nnbind/nnbind.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using nnbind::Index;

constexpr double block_length = 50;  // microseconds

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

double quantile(std::vector<double>& times, double q) {
  std::ranges::sort(times);
  return times[static_cast<std::size_t>(q * static_cast<double>(times.size() - 1))];
}

/// An output layer above hidden layers.
nnbind::Network<float> network(const std::string& widths, const char* activation) {
  std::vector<Index> layers;
  std::istringstream list(widths);
  for (std::string width; std::getline(list, width, ',');) layers.push_back(std::stol(width));
  return nnbind::mlp<float>(layers.front(), {layers.begin() + 1, layers.end() - 1}, layers.back(),
                            activation);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 1;
  const auto net = network(argv[1], argv[2]);
  const Index batch = std::atol(argv[3]);
  const double seconds = std::atof(argv[4]);
  std::vector<float> x(static_cast<std::size_t>(batch * net.inputs()));
  std::vector<float> y(static_cast<std::size_t>(batch * net.outputs()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) / 8 - 1;
  const auto block = [&](int calls) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) {
      net.predict({x.data(), batch, net.inputs(), net.inputs()},
                  {y.data(), batch, net.outputs(), net.outputs()});
    }
    return microseconds(Clock::now() - start) / calls;
  };
  block(100);
  const int calls = std::max(1, static_cast<int>(block_length / block(100)));
  std::vector<double> blocks, singles;
  for (const auto start = Clock::now(); microseconds(Clock::now() - start) < seconds * 1e6;) {
    blocks.push_back(block(calls));
    for (int i = 0; i < calls; ++i) singles.push_back(block(1));
  }
  std::printf("%.4f %.4f\n", quantile(blocks, 0.5), quantile(singles, 0.99));
}
