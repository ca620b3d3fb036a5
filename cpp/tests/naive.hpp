// What the fast kernels must compute, as anyone would write it.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "nnbind/matrix.hpp"
#include "nnbind/random.hpp"

namespace nnbind::test::naive {

/// T = X W + b.
template <class T>
void affine(MatrixView<const T> x, MatrixView<const T> weights, const T* bias, MatrixView<T> out);

/// ∂L/∂X = ∂L/∂T · Wᵀ.
template <class T>
void input_gradient(MatrixView<const T> grad_out, MatrixView<const T> weights, bool accumulate,
                    MatrixView<T> grad_inputs);

/// ∂L/∂W = Xᵀ · ∂L/∂T, rows `inputs` of it.
template <class T>
void weight_gradient(MatrixView<const T> x, Range inputs, MatrixView<const T> grad_out,
                     bool accumulate, MatrixView<T> grad_weights);

/// ∂L/∂b = Σ over the rows of ∂L/∂T.
template <class T>
void bias_gradient(MatrixView<const T> grad_out, bool accumulate, T* grad_bias);

/// Philox4x32-10 of one counter.
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                           std::uint64_t key) {
  auto [c0, c1, c2, c3] = counter;
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32U);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53U} * c0;
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57U} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32U) ^ c1 ^ key0;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32U) ^ c3 ^ key1;
    c3 = static_cast<std::uint32_t>(product0);
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return {c0, c1, c2, c3};
}

/// The random word that decides over a unit.
inline std::uint32_t dropout_word(const DropoutKey& key, std::uint32_t node, Index row,
                                  Index column) {
  const auto words =
      philox({static_cast<std::uint32_t>(key.step),
              static_cast<std::uint32_t>(key.step >> 32U) << 16U ^ node,
              static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column / 4)},
             key.seed ^ 0x6E6E62696E640000U);
  return words.at(static_cast<std::size_t>(column % 4));
}

/// What dropout multiplies a unit by: 0 or 1 / (1 - rate).
template <class T>
T dropout_factor(const DropoutKey& key, std::uint32_t node, Index row, Index column, double rate) {
  const std::uint32_t word = dropout_word(key, node, row, column);
  return word < std::floor(rate * 0x1p32) ? T{0} : static_cast<T>(1 / (1 - rate));
}

}  // namespace nnbind::test::naive
