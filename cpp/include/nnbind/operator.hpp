// Operators: the nodes of a computation graph.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nnbind/matrix.hpp"
#include "nnbind/random.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// The rows of a batch that an operator computes in the forward direction, or some columns of them.
template <class T>
struct ForwardPass {
  std::span<const Rows<T>> inputs;      ///< (rows × width) from each input node
  Panels<const T> parameters;           ///< the operator's block of θ
  MatrixView<T> output;                 ///< (rows × width), to be written
  MatrixView<T> saved;                  ///< (rows × saved_width), kept for the backward pass
  Range columns;                        ///< of the output: all, unless splits_columns()
  const DropoutKey* dropout = nullptr;  ///< in training; nullptr at inference
  std::uint32_t node = 0;               ///< where in the graph, for the dropout
  Index first_row = 0;                  ///< where in the batch, for the dropout
  bool pre_activation = false;          ///< leave the output activation to the loss
};

/// The gradient that an operator hands down to one of its inputs.
template <class T>
struct InputGradient {
  MatrixView<T> gradient;   ///< no gradient is wanted where data is null
  bool accumulate = false;  ///< add to it, since another consumer of that node has written
};

/// The same in the backward direction.
template <class T>
struct BackwardPass {
  std::span<const Rows<T>> inputs;
  MatrixView<const T> output;
  MatrixView<const T> saved;
  Panels<const T> cache;  ///< what cache_parameters wrote
  /// ∂L/∂output, which backward_output may replace by what the other functions will need.
  MatrixView<T> output_gradient;
  Rows<T> output_gradient_rows;  ///< the same memory, as a list of rows
  std::span<const InputGradient<T>> input_gradients;
  /// Of the output for backward_output, of the first input's gradient for backward: all, unless
  /// splits_columns().
  Range columns;
  bool dropout = false;  ///< whether the forward pass dropped units
};

/// Rows and columns of a block of parameters.
struct BlockShape {
  Index rows = 0;
  Index cols = 0;
  [[nodiscard]] Index size() const { return rows * cols; }
};

/// A rectangle of a block of parameters.
struct Block {
  Range rows;
  Range cols;
};

/// An operator is a function of (batch × width) values and of its block of θ. It keeps no state:
/// what a run needs is handed to it, so that many threads may use one operator at once.
template <class T>
class Operator {
 public:
  Operator() = default;
  virtual ~Operator() = default;
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  /// "dense", "input", ...
  [[nodiscard]] virtual std::string_view kind() const = 0;
  /// The columns of its output, from those of its inputs. Throws ShapeError if they do not fit.
  [[nodiscard]] virtual Index width(std::span<const Index> input_widths) const = 0;
  /// Its block of θ.
  [[nodiscard]] virtual BlockShape parameters(std::span<const Index> /*input_widths*/) const {
    return {};
  }
  /// The rows of that block that are weights; the others are biases.
  [[nodiscard]] virtual Index weight_rows(std::span<const Index> /*input_widths*/) const {
    return 0;
  }
  /// R of its own weights: l1 · ‖W‖₁ + l2/2 · ‖W‖².
  [[nodiscard]] virtual Regularizer penalty() const { return {}; }
  /// Columns kept from the forward pass for the backward pass.
  [[nodiscard]] virtual Index saved_width(Index /*width*/) const { return 0; }
  /// Multiply-adds for one row in the forward pass: the measure of the work.
  [[nodiscard]] virtual Index multiply_adds(std::span<const Index> /*input_widths*/) const {
    return 0;
  }

  virtual void initialize(MatrixView<T> /*parameters*/, Random& /*random*/,
                          std::string_view /*name*/) const {}

  /// Whether its parameters may be handed to it packed in panels, for the speed of large products.
  [[nodiscard]] virtual bool reads_panels() const { return false; }
  /// Whether the columns of its output may be computed apart from each other, by several threads.
  [[nodiscard]] virtual bool splits_columns() const { return false; }

  virtual void forward(const ForwardPass<T>& pass) const = 0;
  /// The elementwise beginning of the backward pass: ∂L/∂y becomes ∂L/∂t, in place. It is left out
  /// where the loss has given ∂L/∂t.
  virtual void backward_output(const BackwardPass<T>& /*pass*/) const {}
  /// Writes the gradients of its inputs. ∂L/∂θ comes later, from parameter_gradient.
  virtual void backward(const BackwardPass<T>& pass) const = 0;

  /// A block of ∂L/∂(parameters) from the whole batch, written over `gradient` or added to it.
  /// `output_gradient` is what backward_output left.
  virtual void parameter_gradient(std::span<const Rows<T>> /*inputs*/,
                                  MatrixView<const T> /*output_gradient*/, Block /*block*/,
                                  bool /*accumulate*/, MatrixView<T> /*gradient*/) const {}

  /// The shape of a copy of the parameters that backward reads, in another order.
  [[nodiscard]] virtual BlockShape cache_shape(BlockShape /*parameters*/) const { return {}; }
  /// Brings the copy up to date for a block of the parameters.
  virtual void cache_parameters(Panels<const T> /*parameters*/, Block /*block*/,
                                Panels<T> /*cache*/) const {}
};

}  // namespace nnbind
