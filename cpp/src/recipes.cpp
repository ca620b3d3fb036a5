// Losses, schedules and optimizers from their recipes, as they stand in files.
#include <limits>
#include <map>

#include "nnbind/error.hpp"
#include "nnbind/loss.hpp"
#include "nnbind/optimizer.hpp"
#include "operators/attributes.hpp"

namespace nnbind {

namespace {

using From = operators::AttributeReader;

/// table[recipe.name](options), once all options are taken.
template <class Table, class... Arguments>
auto made(const Table& table, const Recipe& recipe, const std::string& what,
          const Arguments&... arguments) {
  const auto found = table.find(recipe.name);
  require(found != table.end(), what, "unknown " + what + " " + in_quotes(recipe.name));
  From from(recipe.options);
  auto result = found->second(from, arguments...);
  from.finish(what);
  return result;
}

int small_integer(From& from, const std::string& name) {
  const Index value = from.integer(name);
  require(value >= 0 && value <= std::numeric_limits<int>::max(), name,
          "is " + std::to_string(value) + "; expected 0 to 2^31 - 1");
  return static_cast<int>(value);
}

std::optional<double> clip_norm(From& from) {
  if (!from.has("clip_norm")) return std::nullopt;
  return from.real("clip_norm");
}

Reduction reduction(From& from) { return reduction_from_name(from.text("reduction")); }

LossPointer read_cross_entropy(From& from) {
  const bool from_logits = from.flag("from_logits");
  const double smoothing = from.real("label_smoothing");
  return cross_entropy(from_logits, smoothing, reduction(from));
}

SchedulePointer read_cosine(From& from) {
  const double rate = from.real("rate");
  const Index steps = from.integer("steps");
  const Index warmup = from.integer("warmup");
  return cosine_decay(rate, steps, warmup, from.real("final"));
}

SchedulePointer read_plateau(From& from) {
  const double rate = from.real("rate");
  const double factor = from.real("factor");
  const int patience = small_integer(from, "patience");
  const double min_delta = from.real("min_delta");
  return reduce_on_plateau(rate, factor, patience, min_delta, from.real("min_rate"));
}

template <SchedulePointer (*make)(double, std::int64_t, double)>
SchedulePointer read_decay(From& from) {
  const double rate = from.real("rate");
  const Index every = from.integer("every");
  return make(rate, every, from.real("factor"));
}

OptimizerPointer read_sgd(From& from, const SchedulePointer& schedule) {
  const double momentum = from.real("momentum");
  const bool nesterov = from.flag("nesterov");
  return sgd(schedule, momentum, nesterov, clip_norm(from));
}

OptimizerPointer read_adam(From& from, const SchedulePointer& schedule) {
  const double beta1 = from.real("beta1");
  const double beta2 = from.real("beta2");
  const double epsilon = from.real("epsilon");
  return adam(schedule, beta1, beta2, epsilon, clip_norm(from));
}

OptimizerPointer read_adamw(From& from, const SchedulePointer& schedule) {
  const double beta1 = from.real("beta1");
  const double beta2 = from.real("beta2");
  const double epsilon = from.real("epsilon");
  const double decay = from.real("weight_decay");
  return adamw(schedule, beta1, beta2, epsilon, decay, clip_norm(from));
}

OptimizerPointer read_rmsprop(From& from, const SchedulePointer& schedule) {
  const double rho = from.real("rho");
  const double epsilon = from.real("epsilon");
  return rmsprop(schedule, rho, epsilon, clip_norm(from));
}

OptimizerPointer read_adagrad(From& from, const SchedulePointer& schedule) {
  const double epsilon = from.real("epsilon");
  return adagrad(schedule, epsilon, clip_norm(from));
}

}  // namespace

LossPointer make_loss(const Recipe& recipe) {
  using Read = LossPointer (*)(From&);
  static const std::map<std::string, Read> table{
      {"squared_error", [](From& from) { return squared_error(reduction(from)); }},
      {"mse", [](From& from) { return mean_squared_error(reduction(from)); }},
      {"absolute_error", [](From& from) { return absolute_error(reduction(from)); }},
      {"huber", [](From& from) { return huber(from.real("delta"), reduction(from)); }},
      {"hinge", [](From& from) { return hinge(reduction(from)); }},
      {"perceptron", [](From& from) { return perceptron_criterion(reduction(from)); }},
      {"poisson", [](From& from) { return poisson(from.flag("log_input"), reduction(from)); }},
      {"binary_cross_entropy",
       [](From& from) { return binary_cross_entropy(from.flag("from_logits"), reduction(from)); }},
      {"cross_entropy", &read_cross_entropy},
  };
  return made(table, recipe, "loss");
}

SchedulePointer make_schedule(const Recipe& recipe) {
  using Read = SchedulePointer (*)(From&);
  static const std::map<std::string, Read> table{
      {"constant", [](From& from) { return constant_rate(from.real("rate")); }},
      {"step", &read_decay<step_decay>},
      {"exponential", &read_decay<exponential_decay>},
      {"cosine", &read_cosine},
      {"inverse_scaling",
       [](From& from) { return inverse_scaling(from.real("rate"), from.real("power")); }},
      {"reduce_on_plateau", &read_plateau},
  };
  return made(table, recipe, "schedule");
}

OptimizerPointer make_optimizer(const Recipe& recipe, const SchedulePointer& schedule) {
  using Read = OptimizerPointer (*)(From&, const SchedulePointer&);
  static const std::map<std::string, Read> table{{"SGD", &read_sgd},
                                                 {"Adam", &read_adam},
                                                 {"AdamW", &read_adamw},
                                                 {"RMSProp", &read_rmsprop},
                                                 {"AdaGrad", &read_adagrad}};
  return made(table, recipe, "optimizer", schedule);
}

}  // namespace nnbind
