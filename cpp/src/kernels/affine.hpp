// The products of a fully connected layer, T = X W + b, forward and backward.
// X is (n × inputs), W is (inputs × units), T is (n × units). Weights, biases, transposed weights
// and gradients of T are read in whole vectors: up to a vector beyond their last element, which
// their owners keep allocated.
#pragma once

#include "nnbind/matrix.hpp"

namespace nnbind::kernels {

/// T = X W + b, where b is the row below W; without `bias` T = X W.
template <class T>
void affine(Rows<T> x, Panels<const T> weights, bool bias, MatrixView<T> out);

/// ∂L/∂X = ∂L/∂T · Wᵀ, with Wᵀ (units × inputs) given; written over `grad_inputs`, or added to it.
template <class T>
void affine_input_gradient(Rows<T> grad_out, Panels<const T> transposed_weights, bool accumulate,
                           MatrixView<T> grad_inputs);

/// ∂L/∂W = Xᵀ · ∂L/∂T for the columns `inputs` of X: a (inputs.size() × units) block of it.
template <class T>
void affine_weight_gradient(Rows<T> x, Range inputs, MatrixView<const T> grad_out, bool accumulate,
                            MatrixView<T> grad_weights);

/// ∂L/∂b = Σ over the rows of ∂L/∂T.
template <class T>
void affine_bias_gradient(MatrixView<const T> grad_out, bool accumulate, T* grad_bias);

/// out (cols × rows) = inᵀ, for a block of in: those rows and columns of in, where both ranges
/// begin at a multiple of a cache line.
template <class T>
void transpose(Panels<const T> in, Range rows, Range cols, Panels<T> out);

}  // namespace nnbind::kernels
