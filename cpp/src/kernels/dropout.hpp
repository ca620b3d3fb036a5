// Dropout: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: "Dropout: a simple way to
// prevent neural networks from overfitting", JMLR 15, 2014.
#pragma once

#include "nnbind/matrix.hpp"
#include "nnbind/random.hpp"

namespace nnbind::kernels {

/// Whose mask: that of a node's units from `column` on, for the samples of the batch from `row` on.
struct DropoutPlace {
  DropoutKey key;
  std::uint32_t node = 0;
  Index row = 0;
  Index column = 0;
};

/// out = x ⊙ mask, where mask(i, j) is 1 / (1 - rate) with probability 1 - rate, else 0: a function
/// of (seed, step, node, row, column), whoever computes it. `out` may be x.
template <class T>
void dropout(const DropoutPlace& place, double rate, MatrixView<const T> x, MatrixView<T> mask,
             MatrixView<T> out);

/// gradient ← gradient ⊙ mask.
template <class T>
void multiply_by_mask(MatrixView<const T> mask, MatrixView<T> gradient);

}  // namespace nnbind::kernels
