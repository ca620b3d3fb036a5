// JSON from strangers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "nnbind/matrix.hpp"

namespace nnbind::model {

using Json = nlohmann::json;

/// A whole text of JSON. The library's own destructor makes a list of all values below, and ends
/// the program where there is no memory for it; this one takes them apart from below, without any.
class Document : public Json {
 public:
  using Json::Json;
  Document(Json&& json)
      : Json(std::move(json)) {}  // NOLINT(google-explicit-constructor): it is one
  Document(const Document&) = delete;
  Document(Document&&) = default;
  Document& operator=(const Document&) = delete;
  Document& operator=(Document&&) = delete;
  ~Document();
};

/// Parses a text. Throws FileError, in words of `what`, if it is no JSON, nested deeper than eight
/// levels, or has a key twice in one object.
Document parse_json(std::string_view text, const std::string& what);

/// The member of an object. Throws FileError, in words of `what`, if there is none.
const Json& member(const Json& object, const std::string& key, const std::string& what);

/// Throws FileError unless `object` is one, and has no other keys than these.
void require_keys(const Json& object, std::initializer_list<std::string_view> known,
                  const std::string& what);

/// Values of one type. Throw FileError, in words of `what`, if it is of another.
std::uint64_t natural_number(const Json& value, const std::string& what);
constexpr Index most_index = Index{1} << 62;  // so that one may be added
/// At most that.
Index index_number(const Json& value, const std::string& what);
bool flag(const Json& value, const std::string& what);
double real(const Json& value, const std::string& what);
const std::string& text(const Json& value, const std::string& what);
const Json& list(const Json& value, const std::string& what);
const Json& list(Json&& value, const std::string& what) = delete;  // it would be gone

/// The value as JSON, cut short, for messages.
std::string shown(const Json& value);

/// Throws FileError "what" unless `condition` holds.
void require_file(bool condition, const std::string& what);
/// Throws FileError "what is VALUE; expected ...": apart from the condition, since to show a value
/// takes longer than to look at it.
[[noreturn]] void refuse(const Json& value, const std::string& what, const std::string& expected);

}  // namespace nnbind::model
