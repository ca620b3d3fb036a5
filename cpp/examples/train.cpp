// Two rings of points, one around the other, told apart by a small network with a skip connection.
// `train FILE` saves it, for predict.cpp or for Python's nn.load.
#include <cmath>
#include <cstdint>
#include <iostream>
#include <numbers>
#include <vector>

#include "nnbind/nnbind.hpp"

using namespace nnbind;

int main(int argc, char** argv) {
  // Samples: the points (x, y) of rings of radius 1 and 2, and which ring each is on.
  constexpr Index samples = 400;
  Random random(1);
  Matrix<float> points(samples, 2);
  std::vector<std::int64_t> rings;
  for (Index i = 0; i < samples; ++i) {
    rings.push_back(i % 2);
    const double angle = 2 * std::numbers::pi * random.uniform();
    const double radius = 1 + static_cast<double>(i % 2) + 0.15 * random.normal();
    points.view()(i, 0) = static_cast<float>(radius * std::cos(angle));
    points.view()(i, 1) = static_cast<float>(radius * std::sin(angle));
  }
  const Dataset<float> data{points.view(), rings.data()};
  const Dataset<float> training = data.part(0, 300);
  const Dataset<float> test = data.part(300, 100);

  // The output layer sees the points themselves beside the hidden layer.
  Graph<float> graph;
  const auto x = input(graph, 2, "x");
  const auto h = dense(x, {.units = 16, .activation = "tanh", .name = "h"});
  const auto y = dense(concatenate({x, h}), {.units = 2, .activation = "softmax", .name = "y"});
  Network<float> network(graph, y.id);
  std::cout << network.summary() << '\n';

  // Train.
  FitOptions options;
  options.epochs = 30;
  options.batch_size = 20;
  History history;
  fit(network, training, cross_entropy(), *adam(constant_rate(0.01)), options, history);

  // Test, and predict.
  const auto result = evaluate(network, test, cross_entropy(), {Metric::accuracy});
  std::cout << "loss " << history.loss.front() << " -> " << history.loss.back() << '\n'
            << "test accuracy " << result.metrics[0] << '\n';
  const std::vector<float> inner{0.6F, -0.8F};
  std::vector<float> probabilities(2);
  network.predict({inner.data(), 1, 2, 2}, {probabilities.data(), 1, 2, 2});
  std::cout << "(0.6, -0.8) is on the inner ring with probability " << probabilities[0] << '\n';
  if (argc > 1) save(network, argv[1]);
}
