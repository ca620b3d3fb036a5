// Denormal numbers: kept, or taken as 0.
#pragma once

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace nnbind {

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

}  // namespace nnbind
