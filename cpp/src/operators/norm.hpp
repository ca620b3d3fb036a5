// What the normalizations y = γ ⊙ x̂ + β share: their parameters (2 × w), γ above β.
#pragma once

#include <algorithm>
#include <cmath>

#include "nnbind/operators.hpp"
#include "operators/elements.hpp"

namespace nnbind::operators {

inline void require_epsilon(double epsilon, const std::string& where) {
  require(std::isfinite(epsilon) && epsilon > 0, where,
          "epsilon is " + number_text(epsilon) + "; expected a number > 0");
}

template <class T>
class Norm : public Operator<T> {
 public:
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return only(inputs); }
  [[nodiscard]] BlockShape parameters(std::span<const Shape> inputs) const override {
    return {2, inputs[0].cols};
  }
  [[nodiscard]] Index multiply_adds(std::span<const Shape> inputs) const override {
    return 4 * elements_per_sample(inputs[0]);
  }
  void initialize(MatrixView<T> parameters, Random& /*random*/,
                  std::string_view /*name*/) const override {
    std::fill_n(parameters.row(0), parameters.cols, T{1});
    std::fill_n(parameters.row(1), parameters.cols, T{0});
  }
  /// γ, for the backward pass.
  [[nodiscard]] BlockShape cache_shape(BlockShape parameters) const override {
    return {1, parameters.cols};
  }
  void cache_parameters(Panels<const T> parameters, Block block, Panels<T> cache) const override {
    if (block.rows.begin > 0 || block.rows.size() == 0) return;
    for (Index j = block.cols.begin; j < block.cols.end; ++j) {
      *cache.column(j) = *parameters.column(j);
    }
  }

 protected:
  // Parameters and caches of one row are one piece of memory: these are not packed in panels
  // (reads_panels), and panels of a single row follow each other without a gap.
  static const T* gamma(Panels<const T> parameters) { return parameters.data; }
  static const T* beta(Panels<const T> parameters) { return parameters.data + parameters.stride; }
};

}  // namespace nnbind::operators
