#include "nnbind/matrix.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nnbind {

namespace {

constexpr std::size_t large_page = std::size_t{2} << 20;

std::align_val_t alignment(std::size_t bytes) {
  return std::align_val_t{bytes >= 2 * large_page ? large_page : cache_line};
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  void* const memory = ::operator new(bytes, alignment(bytes));
#if defined(MADV_HUGEPAGE)
  if (bytes >= 2 * large_page) (void)madvise(memory, bytes, MADV_HUGEPAGE);  // a mere wish
#endif
  return memory;
}

void deallocate_aligned(void* memory, std::size_t bytes) {
  ::operator delete(memory, alignment(bytes));
}

}  // namespace nnbind
