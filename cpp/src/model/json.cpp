#include "model/json.hpp"

#include <algorithm>
#include <set>

#include "nnbind/error.hpp"

namespace nnbind::model {

namespace {

constexpr std::size_t deepest = 8;

/// Reads along and checks keys and depth. The library's own hook for that looks at all members of
/// the parent again after each object: quadratic time.
class Strictness final : public Json::json_sax_t {
 public:
  explicit Strictness(const std::string& what) : what_(what) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override { return open(); }
  bool key(string_t& key) override {
    if (keys_.back().insert(key).second) return true;
    throw FileError(what_ + " has the key " + nnbind::in_quotes(key) + " twice");
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& error) override {
    throw FileError(what_ + " is no JSON: " + error.what());
  }

 private:
  bool open() {
    if (keys_.size() == deepest) {
      throw FileError(what_ + " is nested deeper than " + std::to_string(deepest) + " levels");
    }
    keys_.emplace_back();
    return true;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  const std::string& what_;
  std::vector<std::set<std::string>> keys_;  // of the objects and lists that are open
};

/// As deep as it is nested: eight levels, whether from a file or for one.
void take_apart(Json& json) {
  if (!json.is_structured()) return;
  for (Json& part : json) take_apart(part);
  json.clear();
}

}  // namespace

Document::~Document() { take_apart(*this); }

void require_file(bool condition, const std::string& what) {
  if (!condition) throw FileError(what);
}

void refuse(const Json& value, const std::string& what, const std::string& expected) {
  throw FileError(what + " is " + shown(value) + "; expected " + expected);
}

Document parse_json(std::string_view text, const std::string& what) {
  Strictness strictness(what);
  Json::sax_parse(text, &strictness);
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {  // a number out of range
    throw FileError(what + " is no JSON: " + error.what());
  }
}

const Json& member(const Json& object, const std::string& key, const std::string& what) {
  if (!object.is_object()) refuse(object, what, "an object");
  const auto found = object.find(key);
  require_file(found != object.end(), what + " has no " + nnbind::in_quotes(key));
  return *found;
}

void require_keys(const Json& object, std::initializer_list<std::string_view> known,
                  const std::string& what) {
  if (!object.is_object()) refuse(object, what, "an object");
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      throw FileError(what + " has an unknown key " + nnbind::in_quotes(key));
    }
  }
}

std::uint64_t natural_number(const Json& value, const std::string& what) {
  if (!value.is_number_unsigned()) refuse(value, what, "an integer >= 0");
  return value.get<std::uint64_t>();
}

Index index_number(const Json& value, const std::string& what) {
  const std::uint64_t number = natural_number(value, what);
  if (number > std::uint64_t{most_index}) refuse(value, what, "at most 2^62");
  return static_cast<Index>(number);
}

bool flag(const Json& value, const std::string& what) {
  if (!value.is_boolean()) refuse(value, what, "true or false");
  return value.get<bool>();
}

double real(const Json& value, const std::string& what) {
  if (!value.is_number()) refuse(value, what, "a number");
  return value.get<double>();
}

const std::string& text(const Json& value, const std::string& what) {
  if (!value.is_string()) refuse(value, what, "a string");
  return value.get_ref<const std::string&>();
}

const Json& list(const Json& value, const std::string& what) {
  if (!value.is_array()) refuse(value, what, "a list");
  return value;
}

std::string shown(const Json& value) {
  constexpr std::size_t longest = 60;
  if (value.is_structured() && value.size() > longest) {
    return (value.is_array() ? "a list of " : "an object of ") + std::to_string(value.size());
  }
  const std::string text = value.dump(-1, ' ', true);
  return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

}  // namespace nnbind::model
