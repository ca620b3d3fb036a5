#include "team.hpp"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "nnbind/error.hpp"
#include "nnbind/threads.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace nnbind {

namespace {

std::atomic<int> chosen_threads{0};

/// The processors that the cgroup's quota amounts to (cpu.max: "quota period"), or a huge number.
int cgroup_limit() {
  static const int limit = [] {
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    std::string quota;
    double period = 0;
    if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1 << 16;
    return std::max(1, static_cast<int>(std::ceil(std::strtod(quota.c_str(), nullptr) / period)));
  }();
  return limit;
}

void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#endif
}

/// Whether numbers too small to be normal count as 0, in this thread, while this lives. Momenta and
/// weights that decay end as such, where a processor takes a hundred times longer for an operation.
class DenormalMode {
 public:
#if defined(__x86_64__) || defined(__i386__)
  explicit DenormalMode(bool flush) : before_(_mm_getcsr()) {
    constexpr unsigned both = 0x8040;  // flush to zero, denormals are zero
    _mm_setcsr(flush ? before_ | both : before_ & ~both);
  }
  ~DenormalMode() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  explicit DenormalMode(bool /*flush*/) {}
  ~DenormalMode() = default;
#endif
 public:
  DenormalMode(const DenormalMode&) = delete;
  DenormalMode& operator=(const DenormalMode&) = delete;
};

/// One member's run of the body.
void run(TeamState& team, int rank, const std::function<void(const Member&)>& body) {
  const DenormalMode flush(true);
  body(Member(team, rank));
}

/// The caller's run of the body without a team.
void run_alone(const std::function<void(const Member&)>& body) {
  TeamState nobody_else(1);
  run(nobody_else, 0, body);
  if (nobody_else.error) std::rethrow_exception(nobody_else.error);
}

/// libgomp's threads do not survive a fork, and a child that opens a region would wait for them
/// for ever. So they are dismissed before each fork; the next region starts new ones.
void survive_forks() {
  static const int registered =
      pthread_atfork([] { (void)omp_pause_resource_all(omp_pause_hard); }, nullptr, nullptr);
  (void)registered;
}

}  // namespace

int get_num_threads() {
  if (const int chosen = chosen_threads.load(std::memory_order_relaxed); chosen > 0) return chosen;
  const int offered = omp_get_max_threads();
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return offered;
  return std::min({offered, omp_get_num_procs(), cgroup_limit()});
}

void set_num_threads(int threads) {
  require(threads >= 1, "set_num_threads",
          std::to_string(threads) + " threads; expected an integer >= 1");
  chosen_threads.store(threads, std::memory_order_relaxed);
}

void reset_num_threads() { chosen_threads.store(0, std::memory_order_relaxed); }

int threads_for(double flops) {
  constexpr double flops_per_thread = 1e6;
  const double useful = std::min(flops / flops_per_thread, 4096.0);
  return std::clamp(static_cast<int>(useful), 1, get_num_threads());
}

void Member::barrier() const {
  if (team_->size == 1) return;
  const unsigned phase = team_->phase.load(std::memory_order_relaxed);
  if (team_->arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == team_->size) {
    team_->arrived.store(0, std::memory_order_relaxed);
    team_->phase.store(phase + 1, std::memory_order_release);
    team_->phase.notify_all();
    return;
  }
  // Spin for some 20 µs, the length of a small network's layer; then let others have the core,
  // since whom we wait for may need it; then sleep, since a callback may take seconds.
  constexpr int spins = 500;
  constexpr int yields = 100;
  for (int i = 0; team_->phase.load(std::memory_order_acquire) == phase; ++i) {
    if (i < spins) {
      pause_cpu();
    } else if (i < spins + yields) {
      sched_yield();
    } else {
      team_->phase.wait(phase, std::memory_order_acquire);
    }
  }
}

bool Member::alone(const std::function<void()>& work) const {
  if (rank_ == 0) {
    const DenormalMode keep(false);  // the work may be the caller's own code
    try {
      work();
    } catch (...) {
      team_->error = std::current_exception();
    }
  }
  barrier();
  return team_->error == nullptr;
}

namespace {

#ifdef __SANITIZE_THREAD__
/// ThreadSanitizer does not see how libgomp's threads wait for each other, and reports races where
/// there are none. So it is given plain threads.
void start(TeamState& team, const std::function<void(const Member&)>& body) {
  std::vector<std::jthread> others;
  for (int rank = 1; rank < team.size; ++rank) {
    others.emplace_back([&team, &body, rank] { run(team, rank, body); });
  }
  run(team, 0, body);
}
#else
void start(TeamState& team, const std::function<void(const Member&)>& body) {
#pragma omp parallel num_threads(team.size) default(none) shared(team, body)
  {
    // OpenMP may give fewer threads than asked; the missing members' shares must still be done.
    if (omp_get_num_threads() == team.size) {
      run(team, omp_get_thread_num(), body);
    } else if (omp_get_thread_num() == 0) {
      TeamState nobody_else(1);
      run(nobody_else, 0, body);
      team.error = nobody_else.error;
    }
  }
}
#endif

}  // namespace

void run_team(int threads, const std::function<void(const Member&)>& body) {
  if (threads <= 1 || omp_in_parallel() != 0) return run_alone(body);
  survive_forks();
  TeamState team(threads);
  start(team, body);
  if (team.error) std::rethrow_exception(team.error);
}

}  // namespace nnbind
