// Whether there is a NaN or an infinity among values.
#pragma once

#include "nnbind/matrix.hpp"

namespace nnbind::kernels {

/// True if every one of `count` consecutive values is finite. At the speed of the memory: x - x is
/// 0 for those that are and NaN for the others, so that a sum tells all at once.
template <class T>
bool all_finite(const T* values, Index count);

}  // namespace nnbind::kernels
