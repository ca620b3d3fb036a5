// Losses by name, and the checks they share.
#include "nnbind/loss.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

using Maker = LossPointer (*)();
constexpr std::array<std::pair<std::string_view, Maker>, 9> makers{{
    {"squared_error", [] { return squared_error(); }},
    {"mse", [] { return mean_squared_error(); }},
    {"binary_cross_entropy", [] { return binary_cross_entropy(); }},
    {"cross_entropy", [] { return cross_entropy(); }},
    {"absolute_error", [] { return absolute_error(); }},
    {"huber", [] { return huber(); }},
    {"hinge", [] { return hinge(); }},
    {"perceptron", [] { return perceptron_criterion(); }},
    {"poisson", [] { return poisson(); }},
}};

}  // namespace

Recipe Loss::built_in(Attributes options) const {
  options.emplace_back("reduction", std::string(reduction_ == Reduction::mean ? "mean" : "sum"));
  return {name_, std::move(options)};
}

bool Losses::run_alone() const {
  return std::ranges::any_of(terms, [](const Term& term) { return term.loss->runs_alone(); });
}

Reduction reduction_from_name(std::string_view name) {
  require(name == "mean" || name == "sum", "Loss",
          "unknown reduction " + in_quotes(name) + R"(; expected "mean" or "sum")");
  return name == "mean" ? Reduction::mean : Reduction::sum;
}

std::vector<std::string_view> loss_names() {
  std::vector<std::string_view> names(makers.size());
  std::ranges::transform(makers, names.begin(), [](const auto& maker) { return maker.first; });
  return names;
}

DecisionThreshold Loss::decision_threshold(const Activation& output) const {
  if (output.gives_probabilities()) return {0.5, 0.5};
  if (output.kind() == Activation::Kind::log_softmax) return {std::log(0.5), std::log(0.5)};
  return {parts_at_zero() ? 0 : 0.5, 0};
}

LossPointer loss_from_name(std::string_view name, const std::string& where) {
  const auto* const found = std::ranges::find(makers, name, [](const auto& m) { return m.first; });
  require(found != makers.end(), where,
          "unknown loss " + in_quotes(name) + "; expected one of " + joined(loss_names()));
  return found->second();
}

}  // namespace nnbind
