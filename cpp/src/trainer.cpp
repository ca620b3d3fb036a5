#include "nnbind/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "batch_run.hpp"
#include "nnbind/error.hpp"
#include "theta_vector.hpp"

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
                 const Regularizer& regularizer, const Mode<T>& mode, bool clips, Then then) {
  const Batch<T> batch{&data, nullptr, data.size()};
  const int members = training_members(network, losses, data.size());
  BatchRun<T> run(network, losses, regularizer, data.size(), members, Purpose::step, clips);
  run_team(members, [&](const Member& member) {
    run.forward_backward(member, batch, mode, false);
    member.barrier();
    then(run, member, batch);
  });
  return run.data_loss(batch) + run.penalty();
}

/// As in a step: by the same cells.
template <class T>
void clip(std::span<T> gradient, const Graph<T>& graph, double clip_norm) {
  GradientNorm<T> norm(graph);
  for (const NodeId id : graph.parameter_nodes()) {
    const MatrixView<const T> block = graph.node(id).parameters_in(gradient.data());
    norm.add(id, {{0, block.rows}, {0, block.cols}}, Panels<const T>::plain(block));
  }
  const auto scale = static_cast<T>(norm.scale(clip_norm));
  for (T& g : gradient) g *= scale;
}

}  // namespace

template <class T>
double train_step(Network<T>& network, const Dataset<T>& data, const Losses& losses,
                  Optimizer& optimizer, const Regularizer& regularizer) {
  regularizer.check();
  check(data, network, losses, "Network.train_step");
  const TrainingLock lock = network.lock("Network.train_step");
  const TrainingLock optimizer_lock = optimizer.lock("Network.train_step");
  optimizer.bind(network.identity());
  optimizer.arrange<T>(parameter_layout(network.graph(), data.size(), Purpose::step));
  const DropoutKey dropout{network.seed(), network.steps_trained};
  StateGuard<T> state(network);
  const double value = run_batch(
      network, data, losses, regularizer, {true, &dropout, network.state().data()},
      optimizer.clip_norm().has_value(),
      [&](BatchRun<T>& run, const Member& member, const Batch<T>& batch) {
        run.prepare_update(member, batch, optimizer);
        member.alone([&] {
          if (!std::isfinite(run.data_loss(batch) + run.penalty())) {
            throw DivergenceError("[Network.train_step] the loss is not finite; no step was made");
          }
          run.begin_step(optimizer);
        });
        run.update(member, batch, optimizer);
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
  const TrainingLock lock = network.lock("Network.loss_and_gradient");
  const DropoutKey dropout{network.seed(), network.steps_trained};
  return run_batch(network, data, losses, regularizer,
                   {training, training ? &dropout : nullptr, nullptr}, false,
                   [&](BatchRun<T>& run, const Member& member, const Batch<T>& batch) {
                     run.store_gradient(member, batch, network.gradient());
                   });
}

template <class T>
void apply_gradient(Network<T>& network, std::span<const std::type_identity_t<T>> gradient,
                    Optimizer& optimizer) {
  const std::string where = "Network.apply_gradient";
  check_vector<T>(gradient, network.parameter_count(), where, "gradient");
  const TrainingLock lock = network.lock(where);
  const TrainingLock optimizer_lock = optimizer.lock(where);
  optimizer.bind(network.identity());
  optimizer.arrange<T>(parameter_layout(network.graph(), 1, Purpose::step));
  AlignedVector<T> clipped;
  if (optimizer.clip_norm()) {
    clipped.assign(gradient.begin(), gradient.end());
    clip<T>(clipped, network.graph(), *optimizer.clip_norm());
    gradient = clipped;
  }
  optimizer.begin_step();
  run_team(threads_for(10.0 * static_cast<double>(gradient.size())), [&](const Member& member) {
    for (const NodeId id : network.graph().parameter_nodes()) {
      const Node<T>& node = network.graph().node(id);
      const auto [rows, cols] = node.parameters;
      const Range mine = member.share(rows);
      const auto of_mine = [&](auto matrix) { return matrix.middle_rows(mine); };
      UpdateBlock<T> block{of_mine(network.parameters(id)),
                           of_mine(node.parameters_in(gradient.data())),
                           {},
                           node.weights_among(mine)};
      for (std::size_t k = 0; k < optimizer.state_vectors(); ++k) {
        block.state[k] = of_mine(optimizer.state<T>().block(k, id).view(0, cols));
      }
      if (mine.size() > 0) optimizer.update(block);
    }
  });
  optimizer.end_step();
  ++network.steps_trained;
}

#define NNBIND_INSTANTIATE(T)                                                              \
  template double train_step<T>(Network<T>&, const Dataset<T>&, const Losses&, Optimizer&, \
                                const Regularizer&);                                       \
  template double loss_and_gradient<T>(Network<T>&, const Dataset<T>&, const Losses&,      \
                                       const Regularizer&, bool);                          \
  template void apply_gradient<T>(Network<T>&, std::span<const T>, Optimizer&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
