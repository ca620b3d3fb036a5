// Whether there is a NaN or an infinity among values.
#pragma once

#include "nnbind/matrix.hpp"

namespace nnbind::kernels {

/// True if every value is finite. At the speed of the memory: x - x is 0 for those that are and NaN
/// for the others, so that a sum tells all at once; rows that follow each other without a gap are
/// one long row.
template <class T>
bool all_finite(MatrixView<const T> values);

}  // namespace nnbind::kernels
