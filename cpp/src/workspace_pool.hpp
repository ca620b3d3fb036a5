// The workspaces of a network's predictions, kept from one call to the next.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "workspace.hpp"

namespace nnbind {

/// Any number of threads may take and give at once: nobody waits, and as long as no more threads
/// predict at a time than there are places, none allocates once each has had a workspace.
template <class T>
class WorkspacePool {
 public:
  WorkspacePool() = default;
  WorkspacePool(const WorkspacePool&) = delete;
  WorkspacePool& operator=(const WorkspacePool&) = delete;
  ~WorkspacePool() {
    for (Place& place : places_) delete place.spare.load();
  }

  /// One that was given back, or nullptr.
  [[nodiscard]] std::unique_ptr<Workspace<T>> take() {
    return std::unique_ptr<Workspace<T>>(from_home([](std::atomic<Workspace<T>*>& spare) {
      return spare.load(std::memory_order_relaxed) == nullptr
                 ? nullptr
                 : spare.exchange(nullptr, std::memory_order_acquire);
    }));
  }

  void give(std::unique_ptr<Workspace<T>> workspace) {
    const bool kept = from_home([&](std::atomic<Workspace<T>*>& spare) {
      Workspace<T>* empty = nullptr;
      return spare.compare_exchange_strong(empty, workspace.get(), std::memory_order_release,
                                           std::memory_order_relaxed);
    });
    if (kept) (void)workspace.release();
  }

 private:
  static constexpr std::size_t place_bits = 5;
  /// On a cache line of its own, so that threads with places of their own do not meet.
  struct alignas(cache_line) Place {
    std::atomic<Workspace<T>*> spare{nullptr};
  };

  /// What `f` says of the first place where that is not null or false, from this thread's on.
  template <class F>
  auto from_home(F&& f) {
    const std::size_t home = home_of_this_thread();
    decltype(f(places_[0].spare)) result{};
    for (std::size_t i = 0; i < places_.size() && !result; ++i) {
      result = f(places_[(home + i) % places_.size()].spare);
    }
    return result;
  }

  /// Threads have stacks of their own, megabytes apart: a hash of where this one lies.
  static std::size_t home_of_this_thread() {
    const char here = 0;
    const auto megabyte = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&here) >> 20);
    return static_cast<std::size_t>((megabyte * 0x9E3779B97F4A7C15U) >> (64 - place_bits));
  }

  std::array<Place, std::size_t{1} << place_bits> places_;
};

}  // namespace nnbind
