#include "nnbind/fit_many.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include "fit_many_checks.hpp"
#include "fit_run.hpp"
#include "nnbind/error.hpp"
#include "nnbind/threads.hpp"
#include "option_checks.hpp"
#include "team.hpp"

namespace nnbind {

namespace {

constexpr std::chrono::milliseconds poll_interval(50);

/// How long a fit takes, in no unit.
template <class T>
double work(const FitJob<T>& job) {
  const auto samples = job.options.samples.empty()
                           ? static_cast<double>(job.data->size())
                           : static_cast<double>(job.options.samples.size());
  return job.network->work() * samples * static_cast<double>(job.options.epochs);
}

/// The jobs' numbers, largest first: so that none is left to one thread at the end.
template <class T>
std::vector<std::size_t> largest_first(std::span<const FitJob<T>> jobs) {
  std::vector<double> sizes;
  sizes.reserve(jobs.size());
  for (const FitJob<T>& job : jobs) sizes.push_back(work(job));
  std::vector<std::size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return sizes[a] != sizes[b] ? sizes[a] > sizes[b] : a < b;
  });
  return order;
}

/// Ends a fit because another thread's has ended all.
struct Stopped : std::exception {};

/// A list of checked jobs, and the team that works on it.
template <class T>
class ManyFits {
 public:
  ManyFits(std::span<const FitJob<T>> jobs, const FitManyHooks& hooks)
      : jobs_(jobs), hooks_(hooks), order_(largest_first(jobs)), divergences_(jobs.size()) {}

  void run(int threads) {
    run_team(threads, [this](const Member& member) { take_jobs(member.rank() == 0); });
    if (error_) std::rethrow_exception(error_);
    throw_divergences();
  }

 private:
  using Clock = std::chrono::steady_clock;

  // One thread's part. The caller's is the only one that calls the hook, which may want to know
  // which thread it is on; so it stays until all is done.
  void take_jobs(bool is_caller) {
    FitHooks hooks;
    hooks.poll = [this, is_caller] { is_caller ? poll() : leave_if_stopped(); };
    while (!stop_) {
      const std::size_t place = next_.fetch_add(1);
      if (place >= order_.size()) break;
      guarded([&] {
        hooks.where = fit_many_where(order_[place]);
        train(order_[place], hooks);
      });
      {
        const std::lock_guard lock(mutex_);
        ++done_;
      }
      one_more_done_.notify_one();
      if (is_caller && Clock::now() - last_poll_ >= poll_interval) guarded([&] { poll(); });
    }
    if (is_caller) wait_for_all();
  }

  void train(std::size_t k, const FitHooks& hooks) {
    const FitJob<T>& job = jobs_[k];
    try {
      FitState<T> state;
      FitRun<T>(*job.network, job.data, nullptr, *job.losses, *job.optimizer, job.options, state,
                *job.history, job.validation, hooks, 1)
          .run();
    } catch (const DivergenceError& error) {
      divergences_[k] = error.what();
    }
  }

  /// The first error ends all; Stopped is never the first.
  template <class Work>
  void guarded(Work work) {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_ = true;
    }
  }

  void poll() {
    leave_if_stopped();
    last_poll_ = Clock::now();
    if (!hooks_.poll) return;
    const Index done = [this] {
      const std::lock_guard lock(mutex_);
      return done_;
    }();
    hooks_.poll(done);
  }

  void leave_if_stopped() const {
    if (stop_) throw Stopped();
  }

  void wait_for_all() {
    const auto all_done = [this] { return done_ == static_cast<Index>(jobs_.size()); };
    while (!stop_) {
      {
        std::unique_lock lock(mutex_);
        if (one_more_done_.wait_for(lock, poll_interval, all_done)) return;
      }
      guarded([&] { poll(); });
    }
  }

  // The first one's own words tell more.
  void throw_divergences() const {
    std::string names;
    const std::string* first = nullptr;
    for (std::size_t k = 0; k < divergences_.size(); ++k) {
      if (divergences_[k].empty()) continue;
      if (first == nullptr) first = &divergences_[k];
      names += (names.empty() ? "" : ", ") + std::to_string(k);
    }
    if (first == nullptr) return;
    throw DivergenceError("[fit_many] diverged: " + names + " of " +
                          std::to_string(divergences_.size()) +
                          " networks; the others are trained. The first of these: " + *first);
  }

  std::span<const FitJob<T>> jobs_;
  const FitManyHooks& hooks_;
  std::vector<std::size_t> order_;
  std::vector<std::string> divergences_;  // of each network; empty: none
  std::atomic<std::size_t> next_{0};      // in the order
  std::atomic<bool> stop_{false};
  Clock::time_point last_poll_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable one_more_done_;
  Index done_ = 0;            // guarded by the mutex
  std::exception_ptr error_;  // guarded by the mutex
};

}  // namespace

template <class T>
void fit_many(std::span<const FitJob<T>> jobs, int threads, const FitManyHooks& hooks) {
  require_count("fit_many", "threads", threads, 0);
  check(jobs);
  std::vector<TrainingLock> locks;
  locks.reserve(2 * jobs.size());
  for (std::size_t k = 0; k < jobs.size(); ++k) {
    locks.push_back(jobs[k].network->lock(fit_many_where(k)));
    locks.push_back(jobs[k].optimizer->lock(fit_many_where(k)));
  }
  for (const FitJob<T>& job : jobs) {
    job.optimizer->bind(job.network->identity());
  }
  const bool alone = std::ranges::any_of(jobs, [](const FitJob<T>& job) {
    return job.network->runs_alone() || job.losses->run_alone();
  });
  if (alone) threads = 1;
  const std::size_t wanted = static_cast<std::size_t>(threads == 0 ? get_num_threads() : threads);
  ManyFits<T>(jobs, hooks).run(static_cast<int>(std::min(wanted, jobs.size())));
}

template void fit_many<float>(std::span<const FitJob<float>>, int, const FitManyHooks&);
template void fit_many<double>(std::span<const FitJob<double>>, int, const FitManyHooks&);

}  // namespace nnbind
