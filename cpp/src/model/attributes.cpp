#include "model/attributes.hpp"

namespace nnbind::model {

Json as_json(const Attribute& value) {
  return std::visit(
      [](const auto& number) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(number)>, AttributeArray>) {
          return nullptr;
        } else {
          return number;
        }
      },
      value);
}

Attribute attribute(const Json& value, const std::string& what) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) {
    const bool fits =
        !value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{INT64_MAX};
    if (!fits) refuse(value, what, "at most 2^63 - 1");
    return value.get<std::int64_t>();
  }
  if (value.is_number_float()) return value.get<double>();
  return text(value, what);
}

Json as_json(const Attributes& attributes) {
  Json object = Json::object();
  for (const auto& [name, value] : attributes) object[name] = as_json(value);
  return object;
}

Attributes attributes(const Json& object, const std::string& what) {
  if (!object.is_object()) refuse(object, what, "an object");
  Attributes attributes;
  for (const auto& [name, value] : object.items()) {
    attributes.emplace_back(name, attribute(value, what + "." + name));
  }
  return attributes;
}

}  // namespace nnbind::model
