// The options of operators, losses, schedules and optimizers as names and values: what a model file
// says of them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nnbind/matrix.hpp"

namespace nnbind {

/// Numbers (rows × cols), row-major: a constant, or initial values.
struct AttributeArray {
  Index rows = 0;
  Index cols = 0;
  std::vector<double> values;
};

using Attribute = std::variant<bool, std::int64_t, double, std::string, AttributeArray>;

/// In the order in which they are told, each name once.
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// From what a thing that is built in can be made again: its name among those, and its options.
struct Recipe {
  std::string name;
  Attributes options;
};

/// Some rows of an operator's block of θ or of its state, under a name: "weights", "bias".
struct NamedRows {
  std::string name;
  Index rows = 1;
  bool is_vector = false;  ///< a single row that is (cols) in a file, not (1 × cols)
};

}  // namespace nnbind
