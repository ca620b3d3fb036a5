// Memory: a prediction asks for none after the first, and a fit for none step by step.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <latch>
#include <new>
#include <thread>

#include "allocations.hpp"
#include "data.hpp"
#include "nnbind/nnbind.hpp"

namespace {

using nnbind::test::Failure;
using nnbind::test::Which;

std::atomic<std::uint64_t> count = 0;
std::atomic<std::int64_t> live = 0;
std::atomic<bool> some_fail = false;
Failure failure;                         // while some_fail
std::atomic<std::uint64_t> in_question;  // calls of such sizes since

bool fails(std::size_t size) {
  if (!some_fail || size < failure.least) return false;
  const std::uint64_t number = ++in_question;
  return number == failure.n || (number > failure.n && failure.which == Which::and_all_after);
}

void* counted(std::size_t size, std::size_t alignment) {
  ++count;
  if (fails(size)) throw std::bad_alloc();
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size) != 0) throw std::bad_alloc();
  ++live;
  return memory;
}

/// Not inlined: GCC would see memory of an operator new that goes to free, and warn.
[[gnu::noinline]] void release(void* memory) noexcept {
  if (memory != nullptr) --live;
  std::free(memory);
}

}  // namespace

// In place of the library's own, for all tests.
void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { release(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  release(memory);
}

namespace nnbind::test {

std::uint64_t allocations() { return count; }
std::int64_t live_allocations() { return live; }

FailingAllocation::FailingAllocation(const Failure& wanted) {
  failure = wanted;
  in_question = 0;
  some_fail = true;
}
FailingAllocation::~FailingAllocation() { some_fail = false; }
bool FailingAllocation::happened() const { return in_question >= failure.n; }

namespace {

template <class F>
std::uint64_t allocations_of(F&& work) {
  const std::uint64_t before = allocations();
  work();
  return allocations() - before;
}

TEST(Allocations, OfAPredictionAreNoneAfterTheFirst) {
  const auto network = mlp<float>(40, {100, 100}, 10, "tanh");
  const Problem<float> problem(200, 40, 10);
  Matrix<float> out(200, 10);
  const auto predict = [&](Index samples) {
    const auto x = problem.x.view().middle_rows(0, samples);
    return allocations_of([&] { network.predict(x, out.view().middle_rows(0, samples)); });
  };
  EXPECT_GT(predict(200), 0U);
  for (const Index samples : {200, 1, 7, 96, 97}) EXPECT_EQ(predict(samples), 0U) << samples;
}

TEST(Allocations, OfPredictionsOnSeveralThreadsAreOneWorkspaceForEach) {
  constexpr int threads = 4;
  const auto network = mlp<float>(4, {9}, 2);
  const auto twin = network;
  const Matrix<float> x(1, 4);
  Matrix<float> out(threads, 2);
  const auto predict = [&](const Network<float>& net, int k) {
    net.predict(x.view(), out.view().middle_rows(k, 1));
  };
  const std::uint64_t workspace = allocations_of([&] { predict(twin, 0); });
  std::latch made(threads), start(1), done(threads), end(1);
  std::vector<std::jthread> callers;
  for (int k = 0; k < threads; ++k) {
    callers.emplace_back([&, k] {
      made.arrive_and_wait();
      start.wait();
      for (int i = 0; i < 5000; ++i) predict(network, k);
      done.count_down();
      end.wait();
    });
  }
  made.wait();
  const std::uint64_t all = allocations_of([&] {
    start.count_down();
    done.wait();
  });
  end.count_down();
  EXPECT_GE(all, workspace);
  EXPECT_LE(all, threads * workspace);
}

/// A network with everything that a step may need room for.
Network<float> dropping_and_normalizing(Index width) {
  Graph<float> graph;
  const auto x = input(graph, 8, "x");
  const auto h = batch_norm(dense(x, {.units = width, .activation = "gelu", .dropout = 0.2}));
  const auto y = dense(dropout(h, 0.1), {.units = 4, .activation = "softmax", .l2 = 0.01});
  const NodeId output = y.id;
  return Network<float>(std::move(graph), output);
}

/// Of a fit of two epochs of `steps` steps.
std::uint64_t allocations_of_fit(const Network<float>& start, Optimizer& optimizer, Index steps,
                                 bool validate) {
  const Problem<float> problem(8 * steps, 8, 4);
  const Problem<float> held_out(20, 8, 4);
  const Dataset<float> data = problem.classes();
  const Dataset<float> validation = held_out.classes();
  Network<float> network = start;
  FitOptions options;
  options.epochs = 2;
  options.batch_size = 8;
  options.metrics = {Metric::accuracy};
  History history;
  return allocations_of([&] {
    fit(network, data, cross_entropy(), optimizer, options, history,
        validate ? &validation : nullptr);
  });
}

TEST(Allocations, OfAFitAreTheSameForAnyNumberOfSteps) {
  const SchedulePointer rate = constant_rate(0.01);
  const std::vector<std::function<OptimizerPointer()>> optimizers{
      [&] { return sgd(rate); }, [&] { return sgd(rate, 0.9); }, [&] { return adam(rate); },
      [&] { return sgd(rate, 0, false, 0.5); }};
  for (const Index width : {16, 6000}) {  // on one thread, and on several
    const Network<float> network = dropping_and_normalizing(width);
    const Index more = width == 16 ? 1000 : 7;  // but none that Pace would make alone
    for (const auto& optimizer : optimizers) {
      for (const bool validate : {false, true}) {
        const auto of = [&](Index steps) {
          set_num_threads(3);
          return allocations_of_fit(network, *optimizer(), steps, validate);
        };
        auto few = of(3);
        auto many = of(more);
        // A team is given up where its threads have to wait for cores: then it is tried again.
        for (int k = 0; k < 20 && few != many; ++k) {
          few = std::min(few, of(3));
          many = std::min(many, of(more));
        }
        EXPECT_EQ(few, many) << optimizer()->name() << ' ' << width;
      }
    }
  }
  reset_num_threads();
}

}  // namespace
}  // namespace nnbind::test
