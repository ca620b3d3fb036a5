// What the normalizations y = γ ⊙ x̂ + β share: their parameters (2 × w), γ above β.
#pragma once

#include <algorithm>
#include <cmath>

#include "nnbind/operators.hpp"
#include "operators/elements.hpp"

namespace nnbind::operators {

template <class T>
class Norm : public Operator<T> {
 public:
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return only(inputs); }
  [[nodiscard]] BlockShape parameters(std::span<const Shape> inputs) const override {
    return {2, inputs[0].cols};
  }
  [[nodiscard]] std::vector<NamedRows> parameter_names(BlockShape /*parameters*/) const override {
    return {{"gamma", 1, true}, {"beta", 1, true}};
  }
  [[nodiscard]] Index work(std::span<const Shape> inputs) const override {
    return work_of_statistics * elements_per_sample(inputs[0]);
  }
  void initialize(MatrixView<T> parameters, Random& /*random*/,
                  std::string_view /*name*/) const override {
    std::fill_n(parameters.row(0), parameters.cols, T{1});
    std::fill_n(parameters.row(1), parameters.cols, T{0});
  }

 protected:
  // A row of parameters is one piece of memory: these are not packed in panels (reads_panels).
  static const T* gamma(Panels<const T> parameters) { return parameters.data; }
  static const T* beta(Panels<const T> parameters) { return parameters.data + parameters.stride; }
};

}  // namespace nnbind::operators
