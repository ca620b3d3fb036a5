// The operators of a graph beside the fully connected layer (dense.hpp).
//
// x is (n × w), a row for each sample, or (r × w) with a fixed number of rows, as parameters,
// constants and what is computed from them alone have. With graph.add such an operator becomes a
// node; expression.hpp writes the same as formulas.
#pragma once

#include "nnbind/initializer.hpp"
#include "nnbind/operator.hpp"

namespace nnbind {

// Two inputs, element by element. A dimension of 1 is repeated to fit the other, as in NumPy: so
// (n × w) goes with (n × w), (n × 1), (1 × w) and (1 × 1), and (r × w) likewise. The gradient of
// what is repeated is the sum over its repetitions. Rows of a batch go with rows of a batch, or
// with a single fixed row. ShapeError where the shapes do not fit.

/// a + b.
template <class T>
OperatorPointer<T> add();
/// a - b.
template <class T>
OperatorPointer<T> subtract();
/// a ⊙ b.
template <class T>
OperatorPointer<T> multiply();
/// a / b.
template <class T>
OperatorPointer<T> divide();
/// a^b. Its slope in b, a^b log a, exists for a > 0; at a = 0 it is taken as 0 where b >= 0.
template <class T>
OperatorPointer<T> power();

// One input, element by element.

/// -x.
template <class T>
OperatorPointer<T> negate();
/// eˣ.
template <class T>
OperatorPointer<T> exp();
/// The natural logarithm of x.
template <class T>
OperatorPointer<T> log();
/// x^exponent. Throws OptionError unless the exponent is finite.
template <class T>
OperatorPointer<T> power(double exponent);
/// g(x), an operator named like g; softmaxes go along the rows. As an output it may leave g to the
/// loss, as a fully connected layer may.
template <class T>
OperatorPointer<T> activation(const Activation& g);
/// x ⊙ mask / (1 - rate) in training, where an element of the mask is 0 with probability `rate`,
/// else 1; x at inference. Throws OptionError unless 0 <= rate < 1.
/// Srivastava et al., "Dropout", JMLR 2014.
template <class T>
OperatorPointer<T> dropout(double rate);

// Along the rows.

/// Σ_j x_ij: (n × w) -> (n × 1).
template <class T>
OperatorPointer<T> sum();
/// Σ_j x_ij / w: (n × w) -> (n × 1).
template <class T>
OperatorPointer<T> mean();
/// The product of x (n × k) and a fixed w (k × m): (n × m). x may be fixed too.
template <class T>
OperatorPointer<T> matmul();
/// The columns of 2 to 16 inputs of equal rows, side by side.
template <class T>
OperatorPointer<T> concatenate();
/// Columns [first, first + count). Throws OptionError unless first >= 0 and count >= 1.
template <class T>
OperatorPointer<T> slice(Index first, Index count);

// Normalizations. Their parameters are (2 × w): γ, at first 1, and β, at first 0. Both count as
// biases: R leaves them alone unless asked.

struct BatchNormOptions {
  double momentum = 0.1;  ///< of the running statistics, 0 to 1
  double epsilon = 1e-5;  ///< >= 1.2e-38, a normal float; beside the variance

  /// Throws OptionError if one of them is not allowed.
  void check() const;
};

/// y = γ ⊙ x̂ + β with x̂ = (x - μ) / √(σ² + ε) column by column. In training μ and σ² are those of
/// the batch, with σ² = Σ (x - μ)² / n; at inference they are the running ones, which are the
/// operator's state (2 × w), at first 0 and 1. A step of training moves them:
/// running ← (1 - momentum) running + momentum · batch, where the variance is Σ (x - μ)² / (n - 1)
/// as in PyTorch; a batch of one sample has none, and leaves the running variance as it is.
/// Ioffe and Szegedy, "Batch normalization", ICML 2015.
template <class T>
OperatorPointer<T> batch_norm(BatchNormOptions options = {});

struct LayerNormOptions {
  double epsilon = 1e-5;  ///< >= 1.2e-38, a normal float; beside the variance

  /// Throws OptionError if it is not allowed.
  void check() const;
};

/// y = γ ⊙ x̂ + β with x̂ = (x - μ) / √(σ² + ε), where μ and σ² = Σ_j (x_j - μ)² / w are those of
/// the row, in training and at inference alike. Ba, Kiros and Hinton, "Layer normalization", 2016.
template <class T>
OperatorPointer<T> layer_norm(LayerNormOptions options = {});

// No inputs.

/// Values (rows × cols) of its own in θ. R takes several rows for weights and a single row for a
/// bias. Throws OptionError unless rows and cols are >= 1, and ShapeError if an initial array has
/// another shape.
template <class T>
OperatorPointer<T> parameter(Index rows, Index cols, const Initializer& init);
/// A copy of `values`. Throws OptionError if there are none, or a NaN or an infinity among them.
template <class T>
OperatorPointer<T> constant(MatrixView<const T> values);

}  // namespace nnbind
