// Attributes as JSON.
#pragma once

#include "model/json.hpp"
#include "nnbind/attributes.hpp"

namespace nnbind::model {

/// A number or a word; null for an array, which is a tensor of its own.
Json as_json(const Attribute& value);
/// Throws FileError, in words of `what`, if it is neither a number nor a word.
Attribute attribute(const Json& value, const std::string& what);

/// An object of numbers and words, and back.
Json as_json(const Attributes& attributes);
Attributes attributes(const Json& object, const std::string& what);

}  // namespace nnbind::model
