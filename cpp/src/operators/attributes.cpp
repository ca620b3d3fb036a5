#include "operators/attributes.hpp"

#include <algorithm>

#include "nnbind/error.hpp"

namespace nnbind::operators {

namespace {

bool has_alpha(const Activation& activation) { return activation.alpha() != 0; }

}  // namespace

void describe_alpha(const Activation& activation, Attributes& attributes) {
  if (has_alpha(activation)) attributes.emplace_back("alpha", activation.alpha());
}

void describe(const Initializer& init, Attributes& attributes) {
  attributes.emplace_back("init", std::string(init.name()));
  switch (init.kind()) {
    case Initializer::Kind::constant:
      attributes.emplace_back("init_value", init.first());
      break;
    case Initializer::Kind::normal:
      attributes.emplace_back("init_mean", init.second());
      attributes.emplace_back("init_std", init.first());
      break;
    case Initializer::Kind::uniform:
      attributes.emplace_back("init_low", init.first());
      attributes.emplace_back("init_high", init.second());
      break;
    case Initializer::Kind::array:
      attributes.emplace_back("init_values",
                              AttributeArray{init.rows(), init.cols(), init.values()});
      break;
    default:
      break;
  }
}

bool AttributeReader::has(const std::string& name) const {
  return std::ranges::any_of(attributes_, [&](const auto& entry) { return entry.first == name; });
}

template <class V>
const V* AttributeReader::find(const std::string& name, const char* expected, bool required) {
  const auto found =
      std::ranges::find_if(attributes_, [&](const auto& entry) { return entry.first == name; });
  const V* value = found == attributes_.end() ? nullptr : std::get_if<V>(&found->second);
  require(value != nullptr || !required, name,
          std::string(found == attributes_.end() ? "is missing" : "is of another type") +
              "; expected " + expected);
  taken_.insert(name);
  return value;
}

bool AttributeReader::flag(const std::string& name) { return *find<bool>(name, "true or false"); }

Index AttributeReader::integer(const std::string& name) {
  return *find<std::int64_t>(name, "an integer");
}

double AttributeReader::real(const std::string& name) {
  // A whole number may be written without a point.
  const auto* whole = find<std::int64_t>(name, "a number", false);
  return whole != nullptr ? static_cast<double>(*whole) : *find<double>(name, "a number");
}

std::string AttributeReader::text(const std::string& name) {
  return *find<std::string>(name, "a string");
}

AttributeArray AttributeReader::array(const std::string& name) {
  return *find<AttributeArray>(name, "an array");
}

Activation AttributeReader::activation(const std::string& name) {
  const Activation activation(name);
  return has_alpha(activation) ? Activation(name, real("alpha")) : activation;
}

Initializer AttributeReader::initializer() {
  const std::string name = text("init");
  if (name == "array") {
    AttributeArray array = this->array("init_values");
    return Initializer::array(std::move(array.values), array.rows, array.cols);
  }
  if (name == "constant") return Initializer::constant(real("init_value"));
  if (name == "normal") return Initializer::normal(real("init_std"), real("init_mean"));
  if (name == "uniform") return Initializer::uniform(real("init_low"), real("init_high"));
  return Initializer(name);
}

void AttributeReader::finish(const std::string& owner) const {
  for (const auto& [name, value] : attributes_) {
    require(taken_.contains(name), name, "is no attribute of this " + owner);
  }
}

}  // namespace nnbind::operators
