// What can go wrong, by kind. One form of message: where, what came, what was expected, as in
// "[Network.fit] X has shape (100, 7); expected (n, 8)".
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "nnbind/matrix.hpp"

namespace nnbind {

/// A matrix or vector has a shape that does not fit.
class ShapeError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A value or an option is not one of the allowed.
class OptionError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A model file is not what it claims to be.
class FileError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// The loss, the validation loss or θ stopped being finite during a fit.
class DivergenceError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The network is being trained already, or the optimizer trains already.
class BusyError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// "(rows, cols)", for messages.
std::string shape_text(Index rows, Index cols);

/// A number as a person would write it: shortest form that reads back the same.
std::string number_text(double value);

/// The name between double quotes.
std::string in_quotes(std::string_view name);

/// The names, separated by commas.
std::string joined(std::span<const std::string_view> names);

/// Throws ShapeError, for rows to be written that lie one over the other; `what` is "[where] out".
[[noreturn]] void refuse_overlap(const std::string& what, Index stride, Index cols);

/// Throws OptionError unless `condition` holds; the message is "[where] what".
void require(bool condition, const std::string& where, const std::string& what);

}  // namespace nnbind
