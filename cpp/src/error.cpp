#include "nnbind/error.hpp"

#include <array>
#include <charconv>

namespace nnbind {

std::string shape_text(Index rows, Index cols) {
  return "(" + std::to_string(rows) + ", " + std::to_string(cols) + ")";
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string in_quotes(std::string_view name) { return '"' + std::string(name) + '"'; }

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const auto name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

void refuse_overlap(const std::string& what, Index stride, Index cols) {
  throw ShapeError(what + " has a stride of " + std::to_string(stride) +
                   "; expected at least its columns, " + std::to_string(cols));
}

void require(bool condition, const std::string& where, const std::string& what) {
  if (!condition) throw OptionError("[" + where + "] " + what);
}

}  // namespace nnbind
