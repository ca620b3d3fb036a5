#include "nnbind/initializer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/finite.hpp"
#include "nnbind/error.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

constexpr std::array<std::string_view, 10> initializer_names{
    "zeros",         "constant",      "normal",         "uniform",   "lecun_normal",
    "lecun_uniform", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform"};

double variance(Initializer::Kind kind, double inputs, double units) {
  using enum Initializer::Kind;
  switch (kind) {
    case lecun_normal:
    case lecun_uniform:
      return 1 / inputs;
    case glorot_normal:
    case glorot_uniform:
      return 2 / (inputs + units);
    case he_normal:
    case he_uniform:
      return 2 / inputs;
    default:
      return 0;
  }
}

}  // namespace

Initializer::Initializer(std::string_view name) : kind_(Kind::zeros) {
  const auto* const found = std::ranges::find(initializer_names, name);
  require(
      found != initializer_names.end(), "Initializer",
      "unknown initializer " + in_quotes(name) + "; expected one of " + joined(initializer_names));
  kind_ = static_cast<Kind>(found - initializer_names.begin());
  if (kind_ == Kind::normal) *this = normal(0.05);
  if (kind_ == Kind::uniform) *this = uniform(-0.05, 0.05);
}

Initializer Initializer::constant(double value) {
  require(std::isfinite(value), "Constant",
          "value is " + number_text(value) + "; expected a finite number");
  return Initializer(Kind::constant, value);
}

Initializer Initializer::normal(double std, double mean) {
  require(std::isfinite(mean), "Normal",
          "mean is " + number_text(mean) + "; expected a finite number");
  require_not_negative("Normal", "std", std);
  return Initializer(Kind::normal, std, mean);
}

Initializer Initializer::uniform(double low, double high) {
  require(std::isfinite(low) && std::isfinite(high) && low <= high, "Uniform",
          "low is " + number_text(low) + " and high is " + number_text(high) +
              "; expected finite numbers with low <= high");
  return Initializer(Kind::uniform, low, high);
}

Initializer Initializer::array(std::vector<double> values, Index rows, Index cols) {
  const auto count = static_cast<Index>(values.size());
  // By a division: a product could overflow.
  const bool fits =
      cols > 0 ? count % cols == 0 && count / cols == rows : cols == 0 && rows >= 0 && count == 0;
  if (!fits) {
    throw ShapeError("[Initializer] the array has " + std::to_string(count) +
                     " values; expected those of shape " + shape_text(rows, cols));
  }
  Initializer init(Kind::array);
  for (const double value : values) {
    require(std::isfinite(value), "Initializer", "the array has a NaN or an infinity");
  }
  init.values_ = std::move(values);
  init.rows_ = rows;
  init.cols_ = cols;
  return init;
}

Initializer Initializer::for_activation(const Activation& activation) {
  if (activation.is_rectifier()) return Initializer(Kind::he_normal);
  if (activation.kind() == Activation::Kind::selu) return Initializer(Kind::lecun_normal);
  return Initializer(Kind::glorot_uniform);
}

std::string_view Initializer::name() const {
  return kind_ == Kind::array ? "array" : initializer_names[static_cast<std::size_t>(kind_)];
}

std::vector<std::string_view> Initializer::names() {
  return {initializer_names.begin(), initializer_names.end()};
}

template <class T>
void Initializer::fill(MatrixView<T> block, bool bias, Random& random,
                       std::string_view layer) const {
  const Index inputs = bias ? block.rows - 1 : block.rows;
  if (kind_ == Kind::array) {
    if (cols_ != block.cols || (rows_ != inputs && rows_ != block.rows)) {
      throw ShapeError("[Dense] the initial weights of " + in_quotes(layer) + " have shape " +
                       shape_text(rows_, cols_) + "; expected " + shape_text(inputs, block.cols));
    }
    for (Index i = 0; i < rows_; ++i) {
      const double* row = values_.data() + i * cols_;
      std::transform(row, row + cols_, block.row(i), [](double w) { return static_cast<T>(w); });
    }
  } else {
    const double v = variance(kind_, static_cast<double>(inputs), static_cast<double>(block.cols));
    for (Index i = 0; i < inputs; ++i) {
      std::generate_n(block.row(i), block.cols, [&] { return static_cast<T>(draw(random, v)); });
    }
  }
  const Index filled = kind_ == Kind::array ? rows_ : inputs;
  require(kernels::all_finite<T>(block.middle_rows(0, filled)), "Initializer",
          "the initial weights of " + in_quotes(layer) + " are larger than a float32 can be");
}

double Initializer::draw(Random& random, double variance) const {
  switch (kind_) {
    case Kind::constant:
      return first_;
    case Kind::normal:
      return second_ + first_ * random.normal();
    case Kind::uniform:
      return first_ + (second_ - first_) * random.uniform();
    case Kind::lecun_normal:
    case Kind::glorot_normal:
    case Kind::he_normal:
      return std::sqrt(variance) * random.normal();
    case Kind::lecun_uniform:
    case Kind::glorot_uniform:
    case Kind::he_uniform:
      return std::sqrt(3 * variance) * (2 * random.uniform() - 1);
    default:
      return 0;
  }
}

template void Initializer::fill<float>(MatrixView<float>, bool, Random&, std::string_view) const;
template void Initializer::fill<double>(MatrixView<double>, bool, Random&, std::string_view) const;

}  // namespace nnbind
