// The checks of a fit, before anything is changed, and its run.
#include <type_traits>

#include "fit_run.hpp"
#include "metric_names.hpp"
#include "nnbind/error.hpp"
#include "nnbind/training.hpp"

namespace nnbind {

namespace {

/// The arguments that fits from arrays and from iterators have in common.
template <class T>
struct Call {
  Network<T>& network;
  const Dataset<T>* data;  // or source; the other is nullptr
  BatchSource<T>* source;
  const Losses& losses;
  Optimizer& optimizer;
  const FitOptions& options;
  FitState<T>& state;
  History& history;
  const Dataset<T>* validation;
  const FitHooks& hooks;

  void check_arguments() const {
    options.check(hooks.where);
    require(hooks.interval >= 0, hooks.where,
            "interval is " + number_text(hooks.interval) + "; expected a number >= 0");
    check_metric_names(network, options.metrics, validation != nullptr, hooks.where);
    if (data != nullptr) {
      check(*data, network, losses, hooks.where);
      options.check_samples(data->size(), hooks.where);
    } else {
      check_losses(losses, network, hooks.where);
      require(options.sample_order.empty(), hooks.where, "an iterator takes no sample_order");
      require(options.samples.empty(), hooks.where, "an iterator takes no samples");
    }
    if (validation != nullptr) {
      check(*validation, network, losses, hooks.where, "validation ");
      options.check_validation(validation->size(), hooks.where);
    } else {
      options.check_validation({}, hooks.where);
    }
  }

  void run() const {
    const TrainingLock lock = optimizer.lock(hooks.where);
    optimizer.bind(network.identity());
    FitRun<T>(network, data, source, losses, optimizer, options, state, history, validation, hooks)
        .run();
  }
};

template <class T>
void begin(const Call<T>& call) {
  call.check_arguments();
  const TrainingLock lock = call.network.lock(call.hooks.where);
  call.run();
}

/// The data are of the size of those it began with, and what the history tells is the same.
template <class T>
void check_same_data(const Call<T>& call) {
  const std::vector<std::int64_t>::size_type listed = call.options.samples.size();
  if (call.data != nullptr) {
    const Index n = listed == 0 ? call.data->size() : static_cast<Index>(listed);
    require(n == call.state.samples, call.hooks.where,
            "there are " + std::to_string(n) + " samples; the fit began with " +
                std::to_string(call.state.samples));
  }
  const bool validated = !call.history.val_loss.empty();
  require(validated == (call.validation != nullptr), call.hooks.where,
          validated ? "there is no validation set; the fit began with one"
                    : "there is a validation set; the fit began without one");
  const auto in_words = [](const std::vector<std::string>& names) {
    return names.empty() ? "none"
                         : joined(std::vector<std::string_view>(names.begin(), names.end()));
  };
  const std::vector<std::string> names = metric_names(call.network, call.options.metrics);
  require(names == call.history.metric_names, call.hooks.where,
          "the metrics are " + in_words(names) + "; the fit began with " +
              in_words(call.history.metric_names));
}

template <class T>
void begin_or_go_on(Network<T>& network, const Dataset<T>* data, BatchSource<T>* source,
                    Training<T>& training, const Dataset<T>* validation, const FitHooks& hooks) {
  require(training.optimizer != nullptr, hooks.where, "there is no optimizer");
  const Call<T> call{
      network,          data,           source,           training.losses, *training.optimizer,
      training.options, training.state, training.history, validation,      hooks};
  call.check_arguments();
  const TrainingLock lock = network.lock(hooks.where);
  if (call.state.epoch > 0) {
    check_whole(network, training, hooks.where);
    check_same_data(call);
    const bool over = call.state.stopped || call.options.epochs <= call.state.epoch;
    require(over || !call.state.returned, hooks.where,
            "the fit had ended and returned to its best epoch, from where it cannot go on to "
            "epoch " +
                std::to_string(call.options.epochs) +
                "; a file saved before its end can, and a fit with restore_best off");
  }
  if (!training.options.seed) training.options.seed = network.seed();
  call.run();
}

}  // namespace

template <class T>
void check_whole(const Network<T>& network, const Training<T>& training, const std::string& where) {
  const FitState<T>& state = training.state;
  require(state.epoch > 0, where, "no epoch of the fit has been completed");
  require(training.optimizer != nullptr, where, "there is no optimizer");
  require(training.optimizer->trains(network.identity()), where,
          "the optimizer of the last fit no longer trains this network");
  require(
      network.steps_trained >= state.steps, where,
      "the network was reset since the last whole epoch of its fit, which cannot be gone on with "
      "from here");
  require(network.steps_trained == state.steps, where,
          "the network has made steps since the last whole epoch of its fit, which cannot be gone "
          "on with from here");
}

template <class T>
void fit(Network<T>& network, const Dataset<T>& data, const Losses& losses, Optimizer& optimizer,
         const FitOptions& options, History& history,
         const std::type_identity_t<Dataset<T>>* validation, const FitHooks& hooks) {
  FitState<T> state;
  begin<T>(
      {network, &data, nullptr, losses, optimizer, options, state, history, validation, hooks});
}

template <class T>
void fit(Network<T>& network, BatchSource<T>& source, const Losses& losses, Optimizer& optimizer,
         const FitOptions& options, History& history,
         const std::type_identity_t<Dataset<T>>* validation, const FitHooks& hooks) {
  FitState<T> state;
  begin<T>(
      {network, nullptr, &source, losses, optimizer, options, state, history, validation, hooks});
}

template <class T>
void fit(Network<T>& network, const Dataset<T>& data, Training<T>& training,
         const std::type_identity_t<Dataset<T>>* validation, const FitHooks& hooks) {
  begin_or_go_on<T>(network, &data, nullptr, training, validation, hooks);
}

template <class T>
void fit(Network<T>& network, BatchSource<T>& source, Training<T>& training,
         const std::type_identity_t<Dataset<T>>* validation, const FitHooks& hooks) {
  begin_or_go_on<T>(network, nullptr, &source, training, validation, hooks);
}

#define NNBIND_INSTANTIATE(T)                                                                      \
  template void fit<T>(Network<T>&, const Dataset<T>&, const Losses&, Optimizer&,                  \
                       const FitOptions&, History&, const Dataset<T>*, const FitHooks&);           \
  template void fit<T>(Network<T>&, BatchSource<T>&, const Losses&, Optimizer&, const FitOptions&, \
                       History&, const Dataset<T>*, const FitHooks&);                              \
  template void fit<T>(Network<T>&, const Dataset<T>&, Training<T>&, const Dataset<T>*,            \
                       const FitHooks&);                                                           \
  template void fit<T>(Network<T>&, BatchSource<T>&, Training<T>&, const Dataset<T>*,              \
                       const FitHooks&);                                                           \
  template void check_whole<T>(const Network<T>&, const Training<T>&, const std::string&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
