#include "nnbind/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "batch_run.hpp"
#include "fit_run.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

namespace {

void check_options(const FitOptions& options) {
  require(options.epochs >= 0, "Network.fit",
          "epochs is " + std::to_string(options.epochs) + "; expected an integer >= 0");
  require(options.batch_size >= 0, "Network.fit",
          "batch_size is " + std::to_string(options.batch_size) + "; expected an integer >= 1");
  options.regularizer.check();
  if (options.early_stopping) options.early_stopping->check();
}

void check_order(const FitOptions& options, Index samples) {
  const auto size = static_cast<Index>(options.sample_order.size());
  if (size == 0) return;
  if (size != samples && size != samples * options.epochs) {
    throw ShapeError("[Network.fit] sample_order has " + std::to_string(size) +
                     " entries; expected " + std::to_string(samples) +
                     ", or that for each of the " + std::to_string(options.epochs) + " epochs");
  }
  for (const std::int64_t sample : options.sample_order) {
    require(sample >= 0 && sample < samples, "Network.fit",
            "sample_order has the entry " + std::to_string(sample) + "; expected 0 <= entry < " +
                std::to_string(samples));
  }
}

}  // namespace

void EarlyStopping::check() const {
  require(patience >= 1, "EarlyStopping",
          "patience is " + std::to_string(patience) + "; expected an integer >= 1");
  require(std::isfinite(min_delta) && min_delta >= 0, "EarlyStopping",
          "min_delta is " + number_text(min_delta) + "; expected a number >= 0");
}

template <class T>
void fit(Network<T>& network, const Dataset<T>& data, const Losses& losses, Optimizer& optimizer,
         const FitOptions& options, History& history, const Dataset<T>* validation,
         const FitHooks& hooks) {
  check_options(options);
  check(data, network, losses, "Network.fit");
  check_order(options, data.size());
  if (validation != nullptr) check(*validation, network, losses, "Network.fit", "validation ");
  const typename Network<T>::TrainingLock lock(network, "Network.fit");
  optimizer.bind<T>(network.identity(), network.parameter_count());
  FitRun<T>(network, &data, nullptr, losses, optimizer, options, history, validation, hooks).run();
}

template <class T>
void fit(Network<T>& network, BatchSource<T>& source, const Losses& losses, Optimizer& optimizer,
         const FitOptions& options, History& history, const Dataset<T>* validation,
         const FitHooks& hooks) {
  check_options(options);
  require(options.sample_order.empty(), "Network.fit", "an iterator takes no sample_order");
  if (validation != nullptr) check(*validation, network, losses, "Network.fit", "validation ");
  const typename Network<T>::TrainingLock lock(network, "Network.fit");
  optimizer.bind<T>(network.identity(), network.parameter_count());
  FitRun<T>(network, nullptr, &source, losses, optimizer, options, history, validation, hooks)
      .run();
}

namespace {

/// The network's state as it was, unless the work that moves it comes to its end.
template <class T>
class StateGuard {
 public:
  explicit StateGuard(Network<T>& network)
      : network_(&network), before_(network.state().begin(), network.state().end()) {}
  ~StateGuard() { std::ranges::copy(before_, network_->state().begin()); }
  StateGuard(const StateGuard&) = delete;
  StateGuard& operator=(const StateGuard&) = delete;
  void keep() { before_.clear(); }

 private:
  Network<T>* network_;
  std::vector<T> before_;
};

/// One batch on a team of its own: forward and backward, then `then` on each member.
template <class T, class Then>
double run_batch(Network<T>& network, const Dataset<T>& data, const Losses& losses,
                 const Regularizer& regularizer, const Mode<T>& mode, Then then) {
  const Batch<T> batch{&data, nullptr, data.size()};
  const int members = training_members(network, losses, data.size());
  BatchRun<T> run(network, losses, regularizer, data.size(), members, Purpose::step);
  run_team(members, [&](const Member& member) {
    run.read_theta(member);
    member.barrier();
    run.forward_backward(member, batch, mode, false);
    member.barrier();
    then(run, member, batch);
  });
  return run.data_loss(batch) + run.penalty();
}

}  // namespace

template <class T>
double train_step(Network<T>& network, const Dataset<T>& data, const Losses& losses,
                  Optimizer& optimizer, const Regularizer& regularizer) {
  regularizer.check();
  check(data, network, losses, "Network.train_step");
  const typename Network<T>::TrainingLock lock(network, "Network.train_step");
  optimizer.bind<T>(network.identity(), network.parameter_count());
  const DropoutKey dropout{network.seed(), network.steps_trained};
  StateGuard<T> state(network);
  const double value = run_batch(
      network, data, losses, regularizer, {true, &dropout, network.state().data()},
      [&](BatchRun<T>& run, const Member& member, const Batch<T>& batch) {
        const bool finite = member.alone([&] {
          if (!std::isfinite(run.data_loss(batch) + run.penalty())) {
            throw DivergenceError("[Network.train_step] the loss is not finite; no step was made");
          }
          optimizer.begin_step();
        });
        if (!finite) return;
        if (optimizer.clip_norm()) {
          run.clipped_update(member, batch, optimizer);
        } else {
          run.update(member, batch, optimizer);
        }
      });
  state.keep();
  optimizer.end_step();
  ++network.steps_trained;
  return value;
}

template <class T>
double loss_and_gradient(Network<T>& network, const Dataset<T>& data, const Losses& losses,
                         const Regularizer& regularizer, bool training) {
  regularizer.check();
  check(data, network, losses, "Network.loss_and_gradient");
  const typename Network<T>::TrainingLock lock(network, "Network.loss_and_gradient");
  const DropoutKey dropout{network.seed(), network.steps_trained};
  return run_batch(network, data, losses, regularizer,
                   {training, training ? &dropout : nullptr, nullptr},
                   [&](BatchRun<T>& run, const Member& member, const Batch<T>& batch) {
                     run.store_gradient(member, batch, network.gradient());
                   });
}

#define NNBIND_INSTANTIATE(T)                                                                      \
  template void fit<T>(Network<T>&, const Dataset<T>&, const Losses&, Optimizer&,                  \
                       const FitOptions&, History&, const Dataset<T>*, const FitHooks&);           \
  template void fit<T>(Network<T>&, BatchSource<T>&, const Losses&, Optimizer&, const FitOptions&, \
                       History&, const Dataset<T>*, const FitHooks&);                              \
  template double train_step<T>(Network<T>&, const Dataset<T>&, const Losses&, Optimizer&,         \
                                const Regularizer&);                                               \
  template double loss_and_gradient<T>(Network<T>&, const Dataset<T>&, const Losses&,              \
                                       const Regularizer&, bool);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
