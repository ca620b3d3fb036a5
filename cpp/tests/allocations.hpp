// Every allocation of this program, counted, and made to fail where a test wants it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nnbind::test {

/// Calls of operator new so far, of all threads.
std::uint64_t allocations();
/// Those of them whose memory has not been given back.
std::int64_t live_allocations();

/// Which calls of operator new fail: the n-th, from 1, or all from then on, of those that ask for
/// `least` bytes or more.
enum class Which : unsigned char { only, and_all_after };
struct Failure {
  std::uint64_t n = 1;
  Which which = Which::only;
  std::size_t least = 0;
};

/// While this lives, such calls throw std::bad_alloc, counted from its beginning. One at a time.
class FailingAllocation {
 public:
  explicit FailingAllocation(const Failure& failure);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  /// Whether there were so many.
  [[nodiscard]] bool happened() const;
};

}  // namespace nnbind::test
