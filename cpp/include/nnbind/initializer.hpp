// Initial weights of a layer. Biases start at zero.
#pragma once

#include <string_view>
#include <vector>

#include "nnbind/activation.hpp"
#include "nnbind/matrix.hpp"
#include "nnbind/random.hpp"

namespace nnbind {

/// How the weights W (inputs × units) of a layer are drawn. The uniform ones are on
/// [-√(3 v), √(3 v)], so that they too have the variance v:
///
/// | name                            | variance v           | source                          |
/// |---------------------------------|----------------------|---------------------------------|
/// | zeros, constant(value)          | 0                    |                                 |
/// | normal(std, mean)               | std²                 |                                 |
/// | uniform(low, high)              | (high - low)² / 12   |                                 |
/// | lecun_normal, lecun_uniform     | 1 / inputs           | LeCun et al., "Efficient        |
/// |                                 |                      | BackProp", 1998                 |
/// | glorot_normal, glorot_uniform   | 2 / (inputs + units) | Glorot and Bengio, AISTATS 2010 |
/// | he_normal, he_uniform           | 2 / inputs           | He et al., ICCV 2015            |
/// | array                           | the user's own       |                                 |
///
/// Draws are made in double precision from one stream and rounded to the type of θ: the same seed
/// gives the same θ on every platform, and a float32 network holds the rounded float64 one.
class Initializer {
 public:
  enum class Kind : unsigned char {
    zeros,
    constant,
    normal,
    uniform,
    lecun_normal,
    lecun_uniform,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    array
  };

  /// By name, with the usual numbers: constant 0, normal N(0, 0.05²), uniform on [-0.05, 0.05).
  /// Throws OptionError that lists the names if there is none such.
  explicit Initializer(std::string_view name);

  static Initializer constant(double value);
  static Initializer normal(double std, double mean = 0);
  static Initializer uniform(double low, double high);
  /// The user's own values, row-major: (inputs × units), or (inputs + 1) × units with the bias as
  /// the last row. Throws ShapeError unless there are rows · cols of them, and OptionError unless
  /// they are finite.
  static Initializer array(std::vector<double> values, Index rows, Index cols);
  /// He (normal) for ReLU and its kin, LeCun (normal) for selu, Glorot (uniform) for the others.
  static Initializer for_activation(const Activation& activation);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] static std::vector<std::string_view> names();
  /// The two numbers of constant (value, -), normal (std, mean) and uniform (low, high).
  [[nodiscard]] double first() const { return first_; }
  [[nodiscard]] double second() const { return second_; }
  [[nodiscard]] const std::vector<double>& values() const { return values_; }
  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index cols() const { return cols_; }

  /// Fills a layer's block, (inputs × units) or, with a bias row, (inputs + 1) × units.
  /// Throws ShapeError naming `layer` if an array does not fit, and OptionError if a weight is
  /// larger than a T can be.
  template <class T>
  void fill(MatrixView<T> block, bool bias, Random& random, std::string_view layer) const;

 private:
  explicit Initializer(Kind kind, double first = 0, double second = 0)
      : kind_(kind), first_(first), second_(second) {}

  [[nodiscard]] double draw(Random& random, double variance) const;

  Kind kind_;
  double first_ = 0;
  double second_ = 0;
  std::vector<double> values_;
  Index rows_ = 0;
  Index cols_ = 0;
};

}  // namespace nnbind
