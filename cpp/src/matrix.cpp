#include "nnbind/matrix.hpp"

#include <algorithm>

#include "nnbind/error.hpp"

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

Index checked_rows(Index rows, Index cols) {
  if (rows < 0 || cols < 0) {
    throw ShapeError("[Matrix] has shape " + shape_text(rows, cols) +
                     "; expected no number below 0");
  }
  constexpr Index most = Index{1} << 48;  // under which padded rows in bytes fit an Index
  if (cols > most || rows > most / std::max<Index>(cols, 1)) throw std::bad_array_new_length();
  return rows;
}

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
