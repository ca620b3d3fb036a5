// A function without arguments, ready to be called again and again.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace nnbind {

/// A lambda and what it has captured, in place. Unlike std::function it allocates nothing, so that
/// a list of calls is one piece of memory and is made anew without any.
class Call {
 public:
  Call() = default;
  template <class F>
    requires(!std::same_as<F, Call> && std::is_trivially_copyable_v<F>)
  // NOLINTNEXTLINE(google-explicit-constructor): a lambda is a call.
  Call(const F& f) {
    static_assert(sizeof(F) <= room && alignof(F) <= alignof(std::max_align_t));
    std::construct_at(reinterpret_cast<F*>(captured_.data()), f);
    run_ = [](const std::byte* captured) {
      (*std::launder(reinterpret_cast<const F*>(captured)))();
    };
  }

  /// Whether there is anything to be called.
  explicit operator bool() const { return run_ != nullptr; }
  void operator()() const { run_(captured_.data()); }

 private:
  static constexpr std::size_t room = 320;
  void (*run_)(const std::byte*) = nullptr;
  alignas(std::max_align_t) std::array<std::byte, room> captured_{};
};

}  // namespace nnbind
