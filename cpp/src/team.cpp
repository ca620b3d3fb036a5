#include "team.hpp"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "cpu_quota.hpp"
#include "nnbind/error.hpp"
#include "nnbind/threads.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace nnbind {

namespace {

std::atomic<int> chosen_threads{0};

/// Of a team's phase.
constexpr unsigned broken = 1;
constexpr unsigned one_barrier = 2;

/// Of a change before a notify: that looks for sleepers, who look at the word once more before they
/// sleep. In a weaker order each could miss the other.
constexpr auto wakes = std::memory_order_seq_cst;

/// Ends a member whose team has been broken up: it is caught where the member began.
struct BrokenUp : std::exception {};

void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#endif
}

/// Waits until `enough` says so of the value of `word`. First it spins, for some 20 µs, the length
/// of a small network's layer; then it lets others have the core, since whom we wait for may need
/// it; then it sleeps, since a callback may take seconds. Returns how long it took, or 0 where it
/// only spun.
template <class F>
Crowd::Clock::duration wait_until(const std::atomic<unsigned>& word, F&& enough) {
  constexpr int spins = 500;
  constexpr int yields = 100;
  for (int i = 0; i < spins; ++i) {
    if (enough(word.load(std::memory_order_acquire))) return {};
    pause_cpu();
  }
  const auto start = Crowd::Clock::now();
  for (int i = 0;; ++i) {
    const unsigned value = word.load(std::memory_order_acquire);
    if (enough(value)) break;
    if (i < yields) {
      sched_yield();
    } else {
      word.wait(value, std::memory_order_acquire);
    }
  }
  return Crowd::Clock::now() - start + std::chrono::microseconds(20);
}

void count(TeamState& team, std::chrono::nanoseconds waited) {
  if (waited.count() == 0) return;
  team.nanoseconds_waited.fetch_add(waited.count(), std::memory_order_relaxed);
}

/// Moves this thread off a processor, where it may run on another one. A thread that wakes up often
/// does so beside the one that woke it, where the system leaves it for up to 60 ms.
void leave_processor(int processor) {
  cpu_set_t allowed;
  if (processor < 0 || sched_getcpu() != processor) return;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<unsigned>(processor), &others);
  if (CPU_COUNT(&others) == 0) return;
  (void)sched_setaffinity(0, sizeof(others), &others);
  (void)sched_setaffinity(0, sizeof(allowed), &allowed);
}

/// One member's run of the body. The first waits here for the others, and not in libgomp: that
/// spins for some 8 ms, on a core which a member that has lost its own to a neighbour could have.
void run(TeamState& team, int rank, const std::function<void(const Member&)>& body) {
  const DenormalMode flush(true);
  if (rank > 0) leave_processor(team.processor);
  const bool first_of_several = rank == 0 && team.size > 1;
  const auto start = first_of_several ? Crowd::Clock::now() : Crowd::Clock::time_point();
  try {
    body(Member(team, rank));
  } catch (...) {
    team.break_up(std::current_exception());
  }
  const auto others = static_cast<unsigned>(team.size - 1);
  if (first_of_several) {
    count(team, wait_until(team.done, [&](unsigned done) { return done == others; }));
    team.first_took = Crowd::Clock::now() - start;
  } else if (rank > 0) {
    team.done.fetch_add(1, wakes);
    team.done.notify_one();
  }
}

/// The caller's run of the body without a team.
void run_alone(const std::function<void(const Member&)>& body, const std::function<void()>* poll) {
  TeamState nobody_else(1);
  nobody_else.poll = poll;
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
  const int offered = std::min(omp_get_max_threads(), omp_get_thread_limit());
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return offered;
  static const int quota = cpu_quota().value_or(std::numeric_limits<int>::max());
  return std::min({offered, omp_get_num_procs(), quota});
}

// Who chooses knows best: what has been learned of other programs counts no longer.
void set_num_threads(int threads) {
  require(threads >= 1 && threads <= most_threads, "set_num_threads",
          std::to_string(threads) + " threads; expected 1 to " + std::to_string(most_threads));
  chosen_threads.store(threads, std::memory_order_relaxed);
  crowd().forget();
}

void reset_num_threads() { chosen_threads.store(0, std::memory_order_relaxed); }

int threads_for(double flops, bool is_step) {
  constexpr double share_of_call = 3e6;
  constexpr double share_of_step = 1.2e6;  // 5 µs
  const double useful = std::min(flops / (is_step ? share_of_step : share_of_call), 4096.0);
  if (useful < 2) return 1;  // and nobody asks the system for its processors
  if (!is_step && crowd().is_here()) return 1;
  return std::clamp(static_cast<int>(useful), 1, get_num_threads());
}

void TeamState::break_up(const std::exception_ptr& why) {
  if ((phase.fetch_or(broken, wakes) & broken) != 0) return;
  error = why;
  phase.notify_all();
}

void TeamState::report(Crowd::Clock::time_point now) {
  const std::chrono::nanoseconds waited(nanoseconds_waited.exchange(0, std::memory_order_relaxed));
  crowd().learn(size, now - reported, waited);
  reported = now;
}

Crowd::Clock::duration Member::round_trip() const {
  constexpr unsigned times = 4;  // of which the shortest counts: in another a member may sleep
  constexpr unsigned trips = 2;
  constexpr unsigned all = 2 * trips * times;
  auto shortest = Crowd::Clock::duration::max();
  std::atomic<unsigned>& throws = team_->throws;
  const auto await = [&](unsigned number) {
    (void)wait_until(throws, [number](unsigned now) { return now == number; });
  };
  // The first member may have thrown once before the second one looks.
  unsigned made = throws.load(std::memory_order_acquire) / all * all;
  for (unsigned time = 0; rank_ < 2 && time < times; ++time) {
    const auto start = Crowd::Clock::now();
    for (unsigned trip = 0; trip < trips; ++trip, made += 2) {
      if (rank_ == 1) await(made + 1);
      throws.store(made + 1 + static_cast<unsigned>(rank_), wakes);
      throws.notify_one();
      if (rank_ == 0) await(made + 2);
    }
    shortest = std::min(shortest, (Crowd::Clock::now() - start) / trips);
  }
  return shortest;
}

void Member::report(Crowd::Clock::time_point now) const {
  if (size() > 1 && now - team_->reported > std::chrono::milliseconds(20)) team_->report(now);
}

void Member::poll() const {
  if (rank_ > 0 && (team_->phase.load(std::memory_order_relaxed) & broken) != 0) throw BrokenUp();
  if (rank_ > 0 || team_->poll == nullptr) return;
  const DenormalMode keep(false);
  (*team_->poll)();
}

void Member::wait_for_all(bool counts) const {
  if (team_->size == 1) return;
  const unsigned phase = team_->phase.load(std::memory_order_relaxed);
  if ((phase & broken) != 0) throw BrokenUp();
  if (team_->arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == team_->size) {
    team_->arrived.store(0, std::memory_order_relaxed);
    team_->phase.store(phase + one_barrier, wakes);
    team_->phase.notify_all();
    return;
  }
  const auto waited = wait_until(team_->phase, [&](unsigned now) { return now != phase; });
  if (counts) count(*team_, waited);
  if (team_->phase.load(std::memory_order_relaxed) == (phase | broken)) throw BrokenUp();
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
    // OpenMP may give fewer threads than asked (OMP_DYNAMIC, OMP_THREAD_LIMIT): then one does all.
    if (omp_get_num_threads() == team.size) {
      run(team, omp_get_thread_num(), body);
    } else if (omp_get_thread_num() == 0) {
      TeamState nobody_else(1);
      nobody_else.poll = team.poll;
      run(nobody_else, 0, body);
      team.error = nobody_else.error;
      team.first_took = Crowd::Clock::now() - team.reported;  // all the time: it waited for none
    }
  }
}
#endif

}  // namespace

void run_team(int threads, const std::function<void(const Member&)>& body,
              const std::function<void()>& poll) {
  const std::function<void()>* const polled = poll ? &poll : nullptr;
  if (threads <= 1 || omp_in_parallel() != 0) return run_alone(body, polled);
  survive_forks();
  TeamState team(threads);
  team.poll = polled;
  team.processor = sched_getcpu();
  const auto called = team.reported = Crowd::Clock::now();
  start(team, body);
  const auto returned = Crowd::Clock::now();
  count(team, returned - called - team.first_took);  // in libgomp, which waits for the others too
  team.report(returned);
  if (team.error) std::rethrow_exception(team.error);
}

}  // namespace nnbind
