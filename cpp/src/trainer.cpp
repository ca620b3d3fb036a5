#include "nnbind/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "batch_run.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

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
  optimizer.bind(network.identity());
  optimizer.arrange<T>(parameter_layout(network.graph(), data.size(), Purpose::step));
  const DropoutKey dropout{network.seed(), network.steps_trained};
  StateGuard<T> state(network);
  const double value = run_batch(
      network, data, losses, regularizer, {true, &dropout, network.state().data()},
      [&](BatchRun<T>& run, const Member& member, const Batch<T>& batch) {
        run.prepare_update(member, batch, optimizer);
        member.alone([&] {
          if (!std::isfinite(run.data_loss(batch) + run.penalty())) {
            throw DivergenceError("[Network.train_step] the loss is not finite; no step was made");
          }
          run.begin_step(optimizer);
        });
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

#define NNBIND_INSTANTIATE(T)                                                              \
  template double train_step<T>(Network<T>&, const Dataset<T>&, const Losses&, Optimizer&, \
                                const Regularizer&);                                       \
  template double loss_and_gradient<T>(Network<T>&, const Dataset<T>&, const Losses&,      \
                                       const Regularizer&, bool);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
