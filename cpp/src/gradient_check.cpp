#include "nnbind/gradient_check.hpp"

#include <algorithm>
#include <cmath>

#include "nnbind/error.hpp"
#include "nnbind/trainer.hpp"

namespace nnbind {

namespace {

template <class T>
double central_difference(Network<T>& network, const Dataset<T>& data, const LossPointer& loss,
                          const Regularizer& regularizer, std::size_t i, double step) {
  T& parameter = network.theta()[i];
  const T center = parameter;
  const double h = step * std::max(1.0, std::abs(static_cast<double>(center)));
  const auto loss_at = [&](double value) {
    parameter = static_cast<T>(value);
    return loss_and_gradient(network, data, loss, regularizer);
  };
  const double up = loss_at(static_cast<double>(center) + h);
  const auto reached_up = static_cast<double>(parameter);
  const double down = loss_at(static_cast<double>(center) - h);
  const auto reached_down = static_cast<double>(parameter);
  parameter = center;
  return (up - down) / (reached_up - reached_down);
}

}  // namespace

template <class T>
GradientCheck check_gradients(Network<T>& network, const Dataset<T>& data, const LossPointer& loss,
                              const Regularizer& regularizer, double step) {
  require(std::isfinite(step) && step > 0, "check_gradients",
          "step is " + number_text(step) + "; expected a positive number");
  loss_and_gradient(network, data, loss, regularizer);
  const std::vector<T> analytic(network.gradient().begin(), network.gradient().end());
  double largest = 0;
  for (const T g : analytic) largest = std::max(largest, std::abs(static_cast<double>(g)));

  GradientCheck result;
  for (const Node<T>& node : network.graph().nodes()) {
    if (node.parameters.size() == 0) continue;
    GradientCheck::Entry worst{node.name, -1, 0, 0, 0, 0};
    for (Index i = 0; i < node.parameters.size(); ++i) {
      const auto at = static_cast<std::size_t>(node.offset + i);
      const double numerical = central_difference(network, data, loss, regularizer, at, step);
      const auto exact = static_cast<double>(analytic[at]);
      const double size = std::max({std::abs(exact), std::abs(numerical), 1e-3 * largest, 1e-30});
      const double error = std::abs(exact - numerical) / size;
      if (!(error <= worst.largest_relative_error)) {
        worst = {node.name, error,    i / node.parameters.cols, i % node.parameters.cols,
                 exact,     numerical};
      }
    }
    result.largest_relative_error =
        std::max(result.largest_relative_error, worst.largest_relative_error);
    result.nodes.push_back(worst);
  }
  loss_and_gradient(network, data, loss, regularizer);
  return result;
}

template GradientCheck check_gradients<float>(Network<float>&, const Dataset<float>&,
                                              const LossPointer&, const Regularizer&, double);
template GradientCheck check_gradients<double>(Network<double>&, const Dataset<double>&,
                                               const LossPointer&, const Regularizer&, double);

}  // namespace nnbind
