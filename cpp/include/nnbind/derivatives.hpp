// Derivatives beside ∂L/∂θ: by the inputs, of each sample by itself, of f itself, and the second
// ones of L along a direction.
//
// All are of the network as it predicts: dropout is off, and normalizations use their running
// statistics. They read the network as predict does and change nothing of it: any number of
// threads may call them on one network at once. The bits of a result do not depend on the number of
// threads.
// Goodfellow, Bengio and Courville, "Deep Learning", 2016, sections 6.5 and 8.2.
#pragma once

#include <span>
#include <type_traits>

#include "nnbind/dataset.hpp"
#include "nnbind/network.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// out[k] (n × width of input k) = ∂L/∂X_k of the reduced loss: for "mean", the 1/n is in it.
/// R(θ) does not depend on X. Throws what `check` throws, and ShapeError if `out` does not fit.
template <class T>
void input_gradient(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                    std::span<const MatrixView<std::type_identity_t<T>>> out);
/// The same of a network with one input.
template <class T>
void input_gradient(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                    MatrixView<T> out) {
  input_gradient(network, data, losses, std::span<const MatrixView<T>>(&out, 1));
}

/// out (n × P): row i is ∂(w_i d(y_i, f(x_i)))/∂θ; of several outputs, ∂(w_i Σ_k weight_k d_k)/∂θ.
/// Without the reduction and without R: the mean of the rows (for "sum", their sum) is the gradient
/// of the reduced loss. Throws what `check` throws, and ShapeError if `out` does not fit.
template <class T>
void per_sample_gradients(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                          MatrixView<T> out);

/// out[k] (n·outputs × width of input k): row i·outputs + j is ∂f_j(x_i)/∂(x_i of input k), where
/// several outputs count as one, their columns side by side. Each output takes a backward pass.
/// Throws what `check` throws for X, and ShapeError if `out` does not fit.
template <class T>
void input_jacobian(const Network<T>& network,
                    std::span<const MatrixView<const std::type_identity_t<T>>> x,
                    std::span<const MatrixView<std::type_identity_t<T>>> out);
/// The same of a network with one input.
template <class T>
void input_jacobian(const Network<T>& network, MatrixView<const std::type_identity_t<T>> x,
                    MatrixView<T> out) {
  input_jacobian(network, std::span<const MatrixView<const T>>(&x, 1),
                 std::span<const MatrixView<T>>(&out, 1));
}

/// out (n·outputs × P): row i·outputs + j is ∂f_j(x_i)/∂θ. The same otherwise.
template <class T>
void parameter_jacobian(const Network<T>& network,
                        std::span<const MatrixView<const std::type_identity_t<T>>> x,
                        MatrixView<T> out);
/// The same of a network with one input.
template <class T>
void parameter_jacobian(const Network<T>& network, MatrixView<const std::type_identity_t<T>> x,
                        MatrixView<T> out) {
  parameter_jacobian(network, std::span<const MatrixView<const T>>(&x, 1), out);
}

/// How many gradients a Hessian-vector product is made of. Measured on a 40-100-100-10 network of
/// tanh against the exact product, in units of ‖H v‖: with weights as they are drawn the error is
/// 1e-10 from two and 1e-12 from four, with three times those weights 2e-9 and 2e-10.
enum class Differences : unsigned char { two, four };

/// out (P) = H v, where H (P × P) is the Hessian of L(θ) with R(θ), by differences of gradients
/// along v:
///
///     D(h) = (∇L(θ + h v) - ∇L(θ - h v)) / 2h                  two gradients, error O(h²)
///     (4 D(h/2) - D(h)) / 3                                    four gradients, error O(h⁴)
///
/// with h = s · min((1 + ‖θ‖) / ‖v‖, min_i (1 + |θ_i|) / |v_i|) and s = 6e-6 or 7e-4, the powers
/// 1/3 and 1/5 of the machine's ε. It is no exact product (Pearlmutter, "Fast exact multiplication
/// by the Hessian", 1994), and a kink between θ - h v and θ + h v, as ReLU's, shows in it. The part
/// of R is exact: l2 v, and 0 for l1. In double only: in float, differences have no digits left.
/// Throws what `check` throws, ShapeError unless v and out have the size of θ, and OptionError if v
/// is not finite.
void hessian_vector_product(const Network<double>& network, const Dataset<double>& data,
                            const Losses& losses, std::span<const double> v, std::span<double> out,
                            const Regularizer& regularizer = {},
                            Differences differences = Differences::four);

}  // namespace nnbind
