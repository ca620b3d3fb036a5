#include <algorithm>

#include "model/attributes.hpp"
#include "model/training.hpp"
#include "nnbind/error.hpp"

namespace nnbind::model {

namespace {

/// `thing` is a loss, a schedule or an optimizer.
template <class Thing>
Json recipe_of(const Thing& thing, const std::string& what) {
  const std::optional<Recipe> recipe = thing.recipe();
  require(recipe.has_value(), "save",
          what + " is no built-in one: a file holds no code, and so no training with it");
  return {{"name", recipe->name}, {"options", as_json(recipe->options)}};
}

Json losses_of(const Losses& losses) {
  Json list = Json::array();
  for (const Losses::Term& term : losses.terms) {
    Json loss = recipe_of(*term.loss, "the loss " + nnbind::in_quotes(term.loss->name()));
    loss["weight"] = term.weight;
    list.push_back(std::move(loss));
  }
  return list;
}

/// With a seed, which a fit has set unless somebody took it away again. No fit comes to the ends of
/// what a file may say of epochs and batches, which stand there for "without end" and "whole".
Json options_of(const FitOptions& options, std::uint64_t network_seed) {
  Json json{{"epochs", std::min(options.epochs, most_index)},
            {"batch_size", std::min(options.batch_size, most_index)},
            {"shuffle", options.shuffle},
            {"seed", options.seed.value_or(network_seed)},
            {"metrics", Json::array()},
            {"regularizer",
             {{"l1", options.regularizer.l1},
              {"l2", options.regularizer.l2},
              {"bias", options.regularizer.bias},
              {"divide_by_batch_size", options.regularizer.divide_by_batch_size}}}};
  for (const Metric metric : options.metrics) json["metrics"].push_back(metric_name(metric));
  if (const auto& stopping = options.early_stopping) {
    json["early_stopping"] = {{"patience", stopping->patience},
                              {"min_delta", stopping->min_delta},
                              {"restore_best", stopping->restore_best}};
  }
  return json;
}

template <class T>
Json state_of(const Training<T>& training) {
  const FitState<T>& state = training.state;
  Json json{{"epoch", state.epoch},
            {"samples", state.samples},
            {"epochs_without_improvement", state.epochs_without_improvement},
            {"stopped", state.stopped},
            {"returned", state.returned}};
  if (training.history.best_epoch >= 0) json["best_epoch"] = training.history.best_epoch;
  return json;
}

/// Adds a vector as a tensor: a view of it, or a copy.
template <class T>
void add_view(Description& to, const std::string& name, std::span<const T> numbers) {
  to.tensors.push_back({name, dtype_name<T>, {numbers.size()}, std::as_bytes(numbers)});
}

template <class T>
void add_copy(Description& to, const std::string& name, std::vector<T> numbers) {
  add_view<T>(to, name, to.keep(std::move(numbers)));
}

void add_metrics(Description& to, const std::string& name,
                 const std::vector<std::vector<double>>& metrics, std::size_t epochs) {
  std::vector<double> numbers;
  for (const auto& series : metrics) numbers.insert(numbers.end(), series.begin(), series.end());
  add_copy(to, name, std::move(numbers));
  to.tensors.back().shape = {metrics.size(), epochs};
}

void add_history(Description& to, const History& history) {
  const auto epochs = static_cast<std::size_t>(history.epochs());
  add_view<double>(to, "history.loss", history.loss);
  add_view<double>(to, "history.learning_rate", history.learning_rate);
  add_view<double>(to, "history.seconds", history.seconds);
  add_metrics(to, "history.metrics", history.metrics, epochs);
  if (history.val_loss.empty()) return;
  add_view<double>(to, "history.val_loss", history.val_loss);
  add_metrics(to, "history.val_metrics", history.val_metrics, epochs);
}

}  // namespace

template <class T>
void describe_training(const Network<T>& network, const Training<T>& training, Description& to) {
  check_whole(network, training, "save");
  const Optimizer& optimizer = *training.optimizer;
  Document json{
      {"options", options_of(training.options, network.seed())},
      {"losses", losses_of(training.losses)},
      {"optimizer", recipe_of(optimizer, "the optimizer " + nnbind::in_quotes(optimizer.name()))},
      {"schedule", recipe_of(optimizer.schedule(), "the schedule of the learning rate")},
      {"state", state_of(training)},
      {"notes", as_json(training.notes)}};
  json["optimizer"]["iterations"] = optimizer.iterations();
  to.training = json.dump();
  add_history(to, training.history);
  for (std::size_t k = 0; k < optimizer.state_vectors(); ++k) {
    add_copy<T>(to, "optimizer." + std::to_string(k), optimizer.state<T>().in_order(k));
  }
  add_copy(to, "schedule.state", optimizer.schedule().state());
  add_copy<double>(to, "fit.best", {training.state.best});
  if (!training.state.theta_is_best) {
    add_view<T>(to, "fit.best_theta", training.state.best_theta);
  }
  add_view<T>(to, "fit.best_state", training.state.best_state);
}

template void describe_training<float>(const Network<float>&, const Training<float>&, Description&);
template void describe_training<double>(const Network<double>&, const Training<double>&,
                                        Description&);

}  // namespace nnbind::model
