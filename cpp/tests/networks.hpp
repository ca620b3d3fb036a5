// Networks for the tests.
#pragma once

#include <vector>

#include "nnbind/network.hpp"

namespace nnbind::test {

template <class T>
std::vector<T> theta_of(const Network<T>& network) {
  return {network.theta().begin(), network.theta().end()};
}

/// A network of several kinds of layers.
inline Network<double> mixed(std::uint64_t seed = 1) {
  std::vector<DenseOptions> layers(4);
  layers[0].units = 7;
  layers[0].activation = "gelu";
  layers[1].units = 5;
  layers[1].activation = "tanh";
  layers[1].bias = false;
  layers[1].l2 = 0.1;
  layers[2].units = 6;
  layers[2].activation = "softplus";
  layers[2].l1 = 0.05;
  layers[3].units = 3;
  layers[3].activation = "softmax";
  return sequential<double>(4, layers, seed);
}

}  // namespace nnbind::test
