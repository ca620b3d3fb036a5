// The products of a fully connected layer, T = X W + b, forward and backward.
// X is (n × inputs), W is (inputs × units), T is (n × units). Weights, biases and gradients of T
// are read in whole vectors: up to a vector beyond their last element, which their owners keep
// allocated.
//
// Which loop computes a product depends on the shapes, and on how the matrices lie. Who computes
// the same product often asks for the loop once: in the smallest networks the choice takes as long.
#pragma once

#include "nnbind/descent.hpp"
#include "nnbind/matrix.hpp"

namespace nnbind::kernels {

/// T = X W + b, where b is the row below W; without `bias` T = X W. Parts of the columns of packed
/// weights have the bits of the whole; weights of at most a vector's columns, whose sums are taken
/// in another order than those of more, shall not be packed.
template <class T>
using AffineLoop = void (*)(const Rows<T>& x, const Panels<const T>& weights, bool bias,
                            const MatrixView<T>& out);
template <class T>
AffineLoop<T> affine_loop(const Rows<T>& x, const Panels<const T>& weights);

/// ∂L/∂X = ∂L/∂T · Wᵀ; written over `grad_inputs`, or added to it. With some rows of W, those
/// columns of ∂L/∂X. `grad_inputs` may have more, up to whole vectors, which get what is of no use.
/// `one_sample`: ∂L/∂T is a row, where all batches have but one sample; a row that may be a part of
/// a batch has its sums in the order of the whole.
template <class T>
using InputGradientLoop = void (*)(const MatrixView<const T>& grad_out,
                                   const Panels<const T>& weights, bool accumulate,
                                   const MatrixView<T>& grad_inputs);
template <class T>
InputGradientLoop<T> input_gradient_loop(const Panels<const T>& weights, bool one_sample);

/// ∂L/∂W = Xᵀ · ∂L/∂T for the columns `inputs` of X: a (inputs.size() × units) block of it; and
/// where `gradient` has a row more, in that ∂L/∂b = Σ over the rows of ∂L/∂T. To both are added the
/// penalties of a descent, on the same block of W and b. With a descent that has a rule that step
/// by it instead; what is then in `gradient` is not the gradient.
template <class T>
using GradientLoop = void (*)(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                              bool accumulate, const Panels<T>& gradient,
                              const Descent<T>& descent);
template <class T>
GradientLoop<T> gradient_loop(const MatrixView<const T>& grad_out, bool accumulate,
                              const Descent<T>& descent);

/// The same, computed once.
template <class T>
void affine(const Rows<T>& x, const Panels<const T>& weights, bool bias, const MatrixView<T>& out) {
  affine_loop(x, weights)(x, weights, bias, out);
}
template <class T>
void affine_input_gradient(const MatrixView<const T>& grad_out, const Panels<const T>& weights,
                           bool accumulate, const MatrixView<T>& grad_inputs,
                           bool one_sample = false) {
  input_gradient_loop<T>(weights, one_sample)(grad_out, weights, accumulate, grad_inputs);
}
template <class T>
void affine_gradient(const Rows<T>& x, Range inputs, const MatrixView<const T>& grad_out,
                     bool accumulate, const Panels<T>& gradient, const Descent<T>& descent = {}) {
  gradient_loop<T>(grad_out, accumulate, descent)(x, inputs, grad_out, accumulate, gradient,
                                                  descent);
}

}  // namespace nnbind::kernels
