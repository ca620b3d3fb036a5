// Training steps from C++: the workloads of workloads.json by the name of each, on one thread and
// on all, which take turns with bursts of multiply-adds, so that a step is also given as a share of
// what the cores did at that moment, and with values that go from one core to another and back: how
// far apart they were. `nnbind_steps M1 H1` for some of the workloads.
//
//   cmake -S . -B build -DNNBIND_BUILD_BENCH=ON && cmake --build build && build/bench/nnbind_steps
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fma_peak.hpp"
#include "nnbind/nnbind.hpp"
#include "round_trip.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using nnbind::Index;

struct Workload {
  std::string name;
  std::vector<Index> widths;
  Index batch_size, samples;
  std::string activation;
  double rate;
  [[nodiscard]] bool is_binary() const { return widths.back() == 1; }
  [[nodiscard]] Index steps() const { return samples / batch_size; }
  /// Of a step, without the gradient by X.
  [[nodiscard]] double flops() const {
    double sum = 0;
    for (std::size_t i = 1; i < widths.size(); ++i) {
      sum += (i == 1 ? 4.0 : 6.0) * static_cast<double>(batch_size * widths[i - 1] * widths[i]);
    }
    return sum;
  }
};

std::vector<Workload> all_workloads() {
  std::ifstream file(NNBIND_WORKLOADS);
  std::vector<Workload> workloads;
  for (const nlohmann::json& entry : nlohmann::json::parse(file)) {
    workloads.push_back({entry.at("name"), entry.at("widths"), entry.at("batch_size"),
                         entry.at("samples"), entry.at("activation"), entry.at("learning_rate")});
  }
  return workloads;
}

/// A network, its data and its fit.
class Fit {
 public:
  explicit Fit(const Workload& workload)
      : workload_(workload),
        network_(nnbind::mlp<float>(workload.widths.front(),
                                    {workload.widths.begin() + 1, workload.widths.end() - 1},
                                    workload.widths.back(), workload.activation.c_str(),
                                    workload.is_binary() ? "sigmoid" : "softmax")),
        optimizer_(nnbind::sgd(nnbind::constant_rate(workload.rate))),
        x_(static_cast<std::size_t>(workload.samples * workload.widths.front())),
        labels_(static_cast<std::size_t>(workload.samples)),
        values_(labels_.size()) {
    nnbind::Random random(1);
    for (float& x : x_) x = static_cast<float>(2 * random.uniform() - 1);
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const Index classes = workload.is_binary() ? 2 : workload.widths.back();
      labels_[i] = static_cast<std::int64_t>(random.uniform() * static_cast<double>(classes));
      values_[i] = static_cast<float>(labels_[i]);
    }
  }

  /// Microseconds of a step, over so many epochs.
  double time(Index epochs) {
    const Index n = workload_.samples;
    nnbind::Dataset<float> data;
    data.inputs = {{x_.data(), n, network_.inputs(), network_.inputs()}};
    data.targets.resize(1);
    if (workload_.is_binary()) {
      data.targets[0].values = {values_.data(), n, 1, 1};
    } else {
      data.targets[0].labels = labels_.data();
    }
    nnbind::FitOptions options;
    options.epochs = epochs;
    options.batch_size = workload_.batch_size;
    nnbind::History history;
    const nnbind::Losses losses =
        workload_.is_binary() ? nnbind::binary_cross_entropy() : nnbind::cross_entropy();
    const auto start = Clock::now();
    nnbind::fit(network_, data, losses, *optimizer_, options, history);
    const std::chrono::duration<double, std::micro> taken = Clock::now() - start;
    return taken.count() / static_cast<double>(epochs * workload_.steps());
  }

 private:
  const Workload& workload_;
  nnbind::Network<float> network_;
  nnbind::OptimizerPointer optimizer_;
  std::vector<float> x_;
  std::vector<std::int64_t> labels_;
  std::vector<float> values_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void report(const Workload& workload, int threads, double seconds) {
  nnbind::set_num_threads(threads);
  Fit fit(workload);
  const double once = fit.time(1);
  constexpr int blocks = 15;
  const double epoch = 1e-6 * once * static_cast<double>(workload.steps());
  const auto epochs = std::max<Index>(1, static_cast<Index>(seconds / blocks / epoch));
  std::vector<double> steps, peaks, trips;
  for (int block = 0; block < blocks; ++block) {
    steps.push_back(fit.time(epochs));
    // Until libgomp's threads sleep, too: they spin for some 8 ms.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    peaks.push_back(fma_peak::measure<float>(threads, 2));
    if (threads > 1) trips.push_back(round_trip::nanoseconds());
  }
  const double step = median(steps), gflops = 1e-3 * workload.flops() / step;
  std::printf("%s  %d thread%s  %10.3f us (least %.3f)  %6.1f GFLOP/s, %4.1f%% of %.0f",
              workload.name.c_str(), threads, threads == 1 ? " " : "s", step,
              *std::ranges::min_element(steps), gflops, 100 * gflops / median(peaks),
              median(peaks));
  if (!trips.empty()) {
    const auto [least, most] = std::ranges::minmax(trips);
    std::printf("; cores %.0f to %.0f ns apart", least, most);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  const int all = nnbind::get_num_threads();
  const std::vector<Workload> workloads = all_workloads();
  for (const std::string& name : wanted) {
    if (std::ranges::find(workloads, name, &Workload::name) != workloads.end()) continue;
    std::fprintf(stderr, "no workload \"%s\"; expected some of:", name.c_str());
    for (const Workload& workload : workloads) std::fprintf(stderr, " %s", workload.name.c_str());
    std::fprintf(stderr, "\n");
    return 1;
  }
  for (const Workload& workload : workloads) {
    if (!wanted.empty() && std::ranges::find(wanted, workload.name) == wanted.end()) continue;
    report(workload, 1, 2);
    if (all > 1) report(workload, all, 2);
  }
}
