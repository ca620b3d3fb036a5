// A gradient check as text.
#include <array>
#include <cstdio>

#include "nnbind/error.hpp"
#include "nnbind/gradient_check.hpp"

namespace nnbind {

namespace {

using Entry = GradientCheck::Entry;
using OperatorEntry = GradientCheck::OperatorEntry;

std::string formatted(const char* format, double value) {
  std::array<char, 40> text{};
  (void)std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string counted_kinks(Index count) {
  return std::to_string(count) + (count == 1 ? " kink" : " kinks");
}

std::string both_values(const Entry& entry, const std::string& by) {
  return "at " + shape_text(entry.row, entry.col) + ": " + formatted("%.9g", entry.analytic) +
         " by " + by + ", " + formatted("%.9g", entry.numerical) + " by differences";
}

std::string place_of_kinks(const Entry& entry) {
  const std::string first = shape_text(entry.kink_row, entry.kink_col);
  return counted_kinks(entry.kinks) + (entry.kinks == 1 ? " at " : ", the first at ") + first;
}

std::string line(const Entry& entry) {
  std::string text = entry.node + ": relative error " +
                     formatted("%.1e", entry.largest_relative_error) + " " +
                     both_values(entry, "backpropagation");
  if (entry.kinks > 0) text += "; " + place_of_kinks(entry);
  return text + "\n";
}

std::string subject(const OperatorEntry& entry) {
  if (entry.is_loss) return "loss " + in_quotes(entry.kind) + " of " + in_quotes(entry.node) + ": ";
  return "operator " + in_quotes(entry.node) + " (" + entry.kind + "): ";
}

std::string variable(const OperatorEntry& entry) {
  if (entry.is_loss) return "gradient";
  if (entry.input == 0) return "gradient of its parameters";
  return "gradient of input " + std::to_string(entry.input) + " (" + in_quotes(entry.from) + ")";
}

}  // namespace

bool GradientCheck::ok() const {
  return largest_relative_error <= tolerance && largest_operator_error <= tolerance;
}

std::string GradientCheck::report() const {
  std::string text;
  for (const Entry& entry : nodes) text += line(entry);
  for (const OperatorEntry& entry : operators) {
    if (entry.largest_relative_error > tolerance) {
      text += subject(entry) + variable(entry) + " is wrong " + both_values(entry, "its backward") +
              "\n";
    }
    if (entry.kinks > 0)
      text += subject(entry) + variable(entry) + " has " + place_of_kinks(entry) + "\n";
  }
  text += "operators and losses by themselves: relative error " +
          formatted("%.1e", largest_operator_error) + "\n";
  text += (ok() ? "ok" : "WRONG") + (" at tolerance " + formatted("%g", tolerance));
  if (kinks > 0) text += ", " + counted_kinks(kinks) + " left out";
  return text;
}

}  // namespace nnbind
