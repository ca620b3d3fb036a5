// An operator that calls a function of the test.
#pragma once

#include <algorithm>
#include <functional>

#include "nnbind/operator.hpp"

namespace nnbind::test {

/// Hands its input on after a call, as if that were a great deal of work.
template <class T>
class Calling final : public Operator<T> {
 public:
  explicit Calling(std::function<void()> call) : call_(std::move(call)) {}
  [[nodiscard]] std::string_view kind() const override { return "calling"; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] Index work(std::span<const Shape> /*inputs*/) const override {
    return 1'000'000'000;
  }
  [[nodiscard]] bool runs_alone() const override { return true; }
  void forward(const ForwardPass<T>& pass) const override {
    call_();
    for (Index i = 0; i < pass.output.rows; ++i) {
      std::copy_n(pass.inputs[0].row[i], pass.output.cols, pass.output.row(i));
    }
  }
  void backward(const BackwardPass<T>& /*pass*/) const override {}

 private:
  std::function<void()> call_;
};

}  // namespace nnbind::test
