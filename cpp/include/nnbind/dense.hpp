// The fully connected layer.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nnbind/activation.hpp"
#include "nnbind/initializer.hpp"
#include "nnbind/operator.hpp"

namespace nnbind {

/// What a fully connected layer is made from.
struct DenseOptions {
  Index units = 1;
  Activation activation = {};
  std::optional<Initializer> init = {};  ///< by default the one for the activation
  bool bias = true;
  double l1 = 0;  ///< R of this layer's weights, beside the network's
  double l2 = 0;
  double dropout =
      0;  ///< part of the units dropped in training; the rest scaled by 1/(1 - dropout)
  std::string name = {};

  /// Throws OptionError if one of them is not allowed.
  void check() const;
};

/// Y = g(X W + b): X is (n × inputs), W (inputs × units), b (units), Y (n × units). A single unit
/// is the artificial neuron. Its block of θ is W with b as the last row.
/// Dropout: Srivastava et al., JMLR 2014.
template <class T>
class Dense final : public Operator<T> {
 public:
  /// Throws OptionError if an option is not allowed.
  explicit Dense(DenseOptions options);

  [[nodiscard]] const DenseOptions& options() const { return options_; }

  [[nodiscard]] std::string_view kind() const override { return "dense"; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override;
  [[nodiscard]] BlockShape parameters(std::span<const Shape> inputs) const override;
  [[nodiscard]] Index weight_rows(std::span<const Shape> inputs) const override;
  [[nodiscard]] PenaltySlopes<double> penalty() const override {
    return {options_.l1, options_.l2};
  }
  [[nodiscard]] std::optional<Attributes> attributes() const override;
  [[nodiscard]] std::vector<NamedRows> parameter_names(BlockShape parameters) const override;
  [[nodiscard]] Index saved_width(Index width) const override;
  [[nodiscard]] Index work(std::span<const Shape> inputs) const override;
  [[nodiscard]] Activation activation() const override { return options_.activation; }
  [[nodiscard]] bool drops() const override { return options_.dropout > 0; }
  void initialize(MatrixView<T> parameters, Random& random, std::string_view name) const override;
  [[nodiscard]] bool reads_panels() const override { return true; }
  /// Softmaxes look along whole rows.
  [[nodiscard]] bool splits_columns() const override { return !options_.activation.is_row_wise(); }
  void forward(const ForwardPass<T>& pass) const override;
  [[nodiscard]] bool changes_output_gradient() const override { return true; }
  void backward_output(const BackwardPass<T>& pass) const override;
  void backward(const BackwardPass<T>& pass) const override;
  void parameter_gradient(const ParameterPass<T>& pass) const override;
  [[nodiscard]] bool descends() const override { return true; }
  [[nodiscard]] Call forward_call(const ForwardPass<T>& pass) const override;
  [[nodiscard]] Call backward_output_call(const BackwardPass<T>& pass) const override;
  [[nodiscard]] Call backward_call(const BackwardPass<T>& pass) const override;
  [[nodiscard]] Call parameter_gradient_call(const ParameterPass<T>& pass) const override;

 private:
  [[nodiscard]] auto ready_forward(const ForwardPass<T>& pass) const;
  [[nodiscard]] auto ready_backward_output(const BackwardPass<T>& pass) const;
  [[nodiscard]] auto ready_backward(const BackwardPass<T>& pass) const;
  [[nodiscard]] auto ready_parameter_gradient(const ParameterPass<T>& pass) const;
  [[nodiscard]] Range whole_columns(Range columns, bool padded, bool drops) const;
  template <class U>
  [[nodiscard]] MatrixView<U> mask_of(MatrixView<U> saved) const;

  DenseOptions options_;
};

}  // namespace nnbind
