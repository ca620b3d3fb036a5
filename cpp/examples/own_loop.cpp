// A loss of one's own, first in a fit that stops early, then in a loop of one's own steps.
#include <cmath>
#include <iostream>
#include <memory>

#include "nnbind/nnbind.hpp"

using namespace nnbind;

/// d(y, f) = Σ log cosh(f - y): like the squared error near y, like the absolute error far from it.
class LogCosh final : public Loss {
 public:
  LogCosh() : Loss("log_cosh", Reduction::mean) {}
  void evaluate(const LossRows<float>& rows, bool /*pre_activation*/) const override { of(rows); }
  void evaluate(const LossRows<double>& rows, bool /*pre_activation*/) const override { of(rows); }

 private:
  template <class T>
  static void of(const LossRows<T>& rows) {
    for (Index i = 0; i < rows.predictions.rows; ++i) {
      const T weight = rows.weights == nullptr ? T{1} : rows.weights[i];
      T sum = 0;
      for (Index k = 0; k < rows.predictions.cols; ++k) {
        const T r = rows.predictions(i, k) - rows.targets[i][k];
        sum += std::abs(r) + std::log1p(std::exp(-2 * std::abs(r))) - std::log(T{2});
        if (rows.gradient.data != nullptr) {
          rows.gradient(i, k) = rows.scale * weight * std::tanh(r);
        }
      }
      rows.losses[i] = weight * sum;
    }
  }
};

int main() {
  // y = sin 3x, with noise of which a tenth is far off.
  constexpr Index samples = 500;
  Random random(1);
  Matrix<float> x(samples, 1), y(samples, 1);
  for (Index i = 0; i < samples; ++i) {
    const double at = 2 * random.uniform() - 1;
    const double noise = random.uniform() < 0.1 ? random.normal() : 0.05 * random.normal();
    x.view()(i, 0) = static_cast<float>(at);
    y.view()(i, 0) = static_cast<float>(std::sin(3 * at) + noise);
  }
  const Dataset<float> all{x.view(), y.view()};
  const Dataset<float> training = all.part(0, 400), validation = all.part(400, 100);
  const Losses loss(std::make_shared<LogCosh>());
  const Network<float> start = mlp<float>(1, {16}, 1, "tanh");

  // A fit that ends when the validation loss has not fallen for ten epochs.
  Network<float> fitted(start);
  FitOptions options;
  options.epochs = 500;
  options.batch_size = 20;
  options.early_stopping = EarlyStopping{.patience = 10};
  History history;
  fit(fitted, training, loss, *adam(constant_rate(0.01)), options, history, &validation);
  std::cout << "fit: best validation loss "
            << history.val_loss[static_cast<std::size_t>(history.best_epoch)] << " in epoch "
            << history.best_epoch << " of " << history.epochs() << '\n';

  // Steps of one's own: here on the batches in order, until the validation loss is as good.
  Network<float> stepped(start);
  const OptimizerPointer optimizer = adam(constant_rate(0.01));
  const double goal = evaluate(fitted, validation, loss).loss;
  int epochs = 0;
  while (epochs < 500 && evaluate(stepped, validation, loss).loss > goal) {
    for (Index first = 0; first < training.size(); first += 20) {
      train_step(stepped, training.part(first, 20), loss, *optimizer);
    }
    ++epochs;
  }
  std::cout << "own steps: validation loss " << evaluate(stepped, validation, loss).loss
            << " after " << epochs << " epochs\n";
}
