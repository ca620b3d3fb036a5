// Columns put side by side, and taken apart.
#include <algorithm>
#include <limits>

#include "nnbind/operators.hpp"
#include "operators/elements.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

template <class T>
class Concatenate final : public Operator<T> {
 public:
  [[nodiscard]] std::string_view kind() const override { return "concatenate"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override { return Attributes{}; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    if (inputs.size() < 2 || inputs.size() > most_inputs) {
      throw ShapeError("expected 2 to " + std::to_string(most_inputs) + " inputs");
    }
    Shape all{inputs[0].rows, 0};
    for (const Shape input : inputs) {
      if (input.rows != all.rows) throw ShapeError("expected equal rows");
      all.cols += input.cols;
    }
    return all;
  }
  void forward(const ForwardPass<T>& pass) const override {
    Index first = 0;
    for (const Rows<T>& input : pass.inputs) {
      for (Index i = 0; i < input.count; ++i) {
        std::copy_n(input.row[i], input.cols, pass.output.row(i) + first);
      }
      first += input.cols;
    }
  }
  void backward(const BackwardPass<T>& pass) const override {
    Index first = 0;
    for (std::size_t k = 0; k < pass.inputs.size(); ++k) {
      const MatrixView<const T> part =
          pass.output_gradient.middle_columns(first, pass.inputs[k].cols);
      operators::hand_down(pass.input_gradients[k], [&](Index i, Index j) { return part(i, j); });
      first += pass.inputs[k].cols;
    }
  }
};

template <class T>
class Slice final : public Operator<T> {
 public:
  Slice(Index first, Index count) {
    require_count("slice", "first", first, 0);
    require_count("slice", "count", count, 1);
    constexpr Index last = std::numeric_limits<Index>::max();
    columns_ = {first, count > last - first ? last : first + count};
  }
  [[nodiscard]] std::string_view kind() const override { return "slice"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    return Attributes{{"first", columns_.begin}, {"count", columns_.size()}};
  }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override {
    const Shape input = operators::only(inputs);
    if (columns_.end > input.cols) {
      throw ShapeError("expected at least " + std::to_string(columns_.end) + " columns");
    }
    return {input.rows, columns_.size()};
  }
  void forward(const ForwardPass<T>& pass) const override {
    for (Index i = 0; i < pass.output.rows; ++i) {
      std::copy_n(pass.inputs[0].row[i] + columns_.begin, columns_.size(), pass.output.row(i));
    }
  }
  void backward(const BackwardPass<T>& pass) const override {
    const auto& [gradient, accumulate] = pass.input_gradients[0];
    for (Index i = 0; i < gradient.rows; ++i) {
      if (!accumulate) std::fill_n(gradient.row(i), gradient.cols, T{0});
      operators::put_row(gradient.row(i) + columns_.begin, columns_.size(), accumulate,
                         [&](Index j) { return pass.output_gradient(i, j); });
    }
  }

 private:
  Range columns_;
};

}  // namespace

template <class T>
OperatorPointer<T> concatenate() {
  return std::make_shared<Concatenate<T>>();
}

template <class T>
OperatorPointer<T> slice(Index first, Index count) {
  return std::make_shared<Slice<T>>(first, count);
}

#define NNBIND_INSTANTIATE(T)                   \
  template OperatorPointer<T> concatenate<T>(); \
  template OperatorPointer<T> slice<T>(Index, Index);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
