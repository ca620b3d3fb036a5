#include <algorithm>
#include <cmath>

#include "model/attributes.hpp"
#include "model/training.hpp"
#include "nnbind/error.hpp"

namespace nnbind::model {

namespace {

/// f(), with the field's name before the words of the errors of the parts themselves.
template <class F>
auto in_field(const std::string& what, F f) {
  try {
    return f();
  } catch (const FileError&) {
    throw;
  } catch (const std::invalid_argument& error) {
    throw FileError(what + ": " + error.what());
  }
}

/// Of a JSON object whose keys are "name", "options" and perhaps `other`.
Recipe recipe(const Json& json, const std::string& what, const char* other = "name") {
  require_keys(json, {"name", "options", other}, what);
  return {text(member(json, "name", what), what + ".name"),
          attributes(member(json, "options", what), what + ".options")};
}

template <class T>
Losses read_losses(const Json& json, const Network<T>& network) {
  std::vector<Losses::Term> terms;
  for (const Json& loss : list(json, "training.losses")) {
    const std::string what = "training.losses[" + std::to_string(terms.size()) + "]";
    const double weight = real(member(loss, "weight", what), what + ".weight");
    terms.push_back(
        {in_field(what, [&] { return make_loss(recipe(loss, what, "weight")); }), weight});
  }
  Losses losses(std::move(terms));
  in_field("training.losses", [&] { check_losses(losses, network, "load"); });
  return losses;
}

EarlyStopping read_early_stopping(const Json& json) {
  const std::string what = "training.options.early_stopping";
  require_keys(json, {"patience", "min_delta", "restore_best"}, what);
  const Index patience = index_number(member(json, "patience", what), what + ".patience");
  require_file(patience <= std::numeric_limits<int>::max(),
               what + ".patience is " + std::to_string(patience) + "; expected less than 2^31");
  return {static_cast<int>(patience), real(member(json, "min_delta", what), what + ".min_delta"),
          flag(member(json, "restore_best", what), what + ".restore_best")};
}

Regularizer read_regularizer(const Json& json) {
  const std::string what = "training.options.regularizer";
  require_keys(json, {"l1", "l2", "bias", "divide_by_batch_size"}, what);
  return {real(member(json, "l1", what), what + ".l1"),
          real(member(json, "l2", what), what + ".l2"),
          flag(member(json, "bias", what), what + ".bias"),
          flag(member(json, "divide_by_batch_size", what), what + ".divide_by_batch_size")};
}

FitOptions read_options(const Json& json) {
  const std::string what = "training.options";
  require_keys(
      json, {"epochs", "batch_size", "shuffle", "seed", "metrics", "regularizer", "early_stopping"},
      what);
  FitOptions options;
  options.epochs = index_number(member(json, "epochs", what), what + ".epochs");
  options.batch_size = index_number(member(json, "batch_size", what), what + ".batch_size");
  options.shuffle = flag(member(json, "shuffle", what), what + ".shuffle");
  options.seed = natural_number(member(json, "seed", what), what + ".seed");
  options.regularizer = read_regularizer(member(json, "regularizer", what));
  if (json.contains("early_stopping")) {
    options.early_stopping = read_early_stopping(json["early_stopping"]);
  }
  for (const Json& name : list(member(json, "metrics", what), what + ".metrics")) {
    options.metrics.push_back(
        in_field(what, [&] { return metric_from_name(text(name, what + ".metrics"), "metrics"); }));
  }
  in_field(what, [&] { options.check("load"); });
  return options;
}

template <class T>
void require_numbers(const std::string& name, std::span<const T> numbers) {
  require_file(std::ranges::none_of(numbers, [](T value) { return std::isnan(value); }),
               "tensor " + nnbind::in_quotes(name) + " has a NaN");
}

/// One that is to be filled: its size is the network's.
template <class T>
AlignedVector<T> read_vector(TensorReader& tensors, const std::string& name, std::size_t size) {
  AlignedVector<T> numbers(size);
  tensors.fill(Place<T>{name, {size}, numbers});
  return numbers;
}

template <class T>
OptimizerPointer read_optimizer(const Json& json, const Json& schedule_json,
                                const Network<T>& network, TensorReader& tensors) {
  const SchedulePointer schedule = in_field("training.schedule", [&] {
    return make_schedule(recipe(schedule_json, "training.schedule"));
  });
  const std::string what = "training.optimizer";
  const OptimizerPointer optimizer =
      in_field(what, [&] { return make_optimizer(recipe(json, what, "iterations"), schedule); });
  optimizer->bind(network.identity());
  optimizer->set_iterations(index_number(member(json, "iterations", what), what + ".iterations"));
  optimizer->arrange<T>({{.rows = 1, .cols = network.parameter_count()}});
  const std::size_t size = network.theta().size();
  for (std::size_t k = 0; k < optimizer->state_vectors(); ++k) {
    const std::string name = "optimizer." + std::to_string(k);
    const AlignedVector<T> numbers = read_vector<T>(tensors, name, size);
    require_numbers<T>(name, numbers);
    const bool squares = optimizer->sums_squares(k);
    require_file(!squares || std::ranges::none_of(numbers, [](T value) { return value < 0; }),
                 "tensor " + nnbind::in_quotes(name) + " has a sum of squares below 0");
    optimizer->state<T>().assign(k, numbers);
  }
  Schedule& own = optimizer->schedule();
  const auto numbers = tensors.numbers("schedule.state", {own.state().size()});
  in_field("tensor \"schedule.state\"", [&] { own.set_state(numbers); });
  return optimizer;
}

std::vector<std::vector<double>> read_metrics(TensorReader& tensors, const std::string& name,
                                              std::size_t metrics, std::size_t epochs) {
  const std::vector<double> numbers = tensors.numbers(name, {metrics, epochs});
  std::vector<std::vector<double>> series;
  for (std::size_t k = 0; k < metrics; ++k) {
    const auto first = numbers.begin() + static_cast<Index>(k * epochs);
    series.emplace_back(first, first + static_cast<Index>(epochs));
  }
  return series;
}

History read_history(TensorReader& tensors, std::size_t epochs, std::vector<std::string> names) {
  History history;
  history.loss = tensors.numbers("history.loss", {epochs});
  history.learning_rate = tensors.numbers("history.learning_rate", {epochs});
  history.seconds = tensors.numbers("history.seconds", {epochs});
  history.metrics = read_metrics(tensors, "history.metrics", names.size(), epochs);
  if (tensors.has("history.val_loss")) {
    history.val_loss = tensors.numbers("history.val_loss", {epochs});
    history.val_metrics = read_metrics(tensors, "history.val_metrics", names.size(), epochs);
  }
  history.metric_names = std::move(names);
  history.started = true;
  return history;
}

/// What check_variances throws, of each node's part.
template <class T>
void check_best_state(std::span<T> state, const Network<T>& network) {
  for (NodeId id = 0; id < network.graph().nodes().size(); ++id) {
    const Node<T>& node = network.graph().node(id);
    if (node.owner != id) continue;
    auto offset = static_cast<std::size_t>(node.state_offset);
    for (const NamedRows& part : node.op->state_names(node.state)) {
      const auto count = static_cast<std::size_t>(part.rows * node.state.cols);
      const std::string name = "fit.best_state: " + node.name + "." + part.name;
      check_variances(Place<T>{name, {count}, state.subspan(offset, count)});
      offset += count;
    }
  }
}

template <class T>
void read_state(const Json& json, Network<T>& network, TensorReader& tensors,
                Training<T>& training) {
  const std::string what = "training.state";
  require_keys(
      json, {"epoch", "samples", "epochs_without_improvement", "stopped", "returned", "best_epoch"},
      what);
  const auto number = [&](const char* key) {
    return index_number(member(json, key, what), what + "." + key);
  };
  FitState<T>& state = training.state;
  state.epoch = number("epoch");
  state.samples = number("samples");
  state.epochs_without_improvement = number("epochs_without_improvement");
  state.stopped = flag(member(json, "stopped", what), what + ".stopped");
  state.returned = flag(member(json, "returned", what), what + ".returned");
  state.steps = network.steps_trained;
  require_file(state.epoch >= 1, what + ".epoch is 0; expected at least 1");
  require_file(state.epochs_without_improvement <= state.epoch,
               what + ".epochs_without_improvement is more than the epochs");
  training.history = read_history(tensors, static_cast<std::size_t>(state.epoch),
                                  metric_names(network, training.options.metrics));
  if (json.contains("best_epoch")) training.history.best_epoch = number("best_epoch");
  require_file(training.history.best_epoch < state.epoch,
               what + ".best_epoch is none of the epochs");
  state.best = tensors.numbers("fit.best", {1})[0];
  require_numbers<double>("fit.best", {&state.best, 1});
  const bool may_be_best = state.returned || training.history.best_epoch == state.epoch - 1;
  state.theta_is_best = may_be_best && !tensors.has("fit.best_theta");
  if (!state.theta_is_best) {
    state.best_theta = read_vector<T>(tensors, "fit.best_theta", network.theta().size());
  }
  state.best_state = read_vector<T>(tensors, "fit.best_state", network.state().size());
  check_best_state<T>(state.best_state, network);
}

}  // namespace

template <class T>
Training<T> read_training(const Json& json, Network<T>& network, TensorReader& tensors) {
  const std::string what = "training";
  require_keys(json, {"options", "losses", "optimizer", "schedule", "state", "notes"}, what);
  Training<T> training;
  training.options = read_options(member(json, "options", what));
  training.losses = read_losses(member(json, "losses", what), network);
  training.optimizer = read_optimizer(member(json, "optimizer", what),
                                      member(json, "schedule", what), network, tensors);
  read_state(member(json, "state", what), network, tensors, training);
  training.notes = attributes(member(json, "notes", what), "training.notes");
  return training;
}

void skip_training(TensorReader& tensors) {
  tensors.skip({"history.", "optimizer.", "schedule.", "fit."});
}

template Training<float> read_training<float>(const Json&, Network<float>&, TensorReader&);
template Training<double> read_training<double>(const Json&, Network<double>&, TensorReader&);

}  // namespace nnbind::model
