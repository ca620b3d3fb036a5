// Operators: the nodes of a computation graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nnbind/activation.hpp"
#include "nnbind/attributes.hpp"
#include "nnbind/call.hpp"
#include "nnbind/descent.hpp"
#include "nnbind/matrix.hpp"
#include "nnbind/random.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// The shape of the values on an edge: a row for each sample of a batch, where `rows` is `batch`,
/// or a number of rows that no batch changes, as parameters and constants have.
struct Shape {
  static constexpr Index batch = -1;
  Index rows = batch;
  Index cols = 0;

  [[nodiscard]] bool is_batch() const { return rows == batch; }
  bool operator==(const Shape&) const = default;
};

/// "(n, 3)" or "(4, 3)", for messages.
std::string shape_text(Shape shape);

/// The rows of a batch that an operator computes in the forward direction, or some columns of them.
/// Of an input that is no batch, all rows are there.
template <class T>
struct ForwardPass {
  std::span<const Rows<T>> inputs;      ///< (rows × width) from each input node
  Panels<const T> parameters;           ///< the operator's block of θ
  MatrixView<const T> state;            ///< the operator's block of the network's state
  MatrixView<T> new_state;              ///< the same, to be changed; not where data is null
  MatrixView<T> output;                 ///< (rows × width), to be written
  MatrixView<T> saved;                  ///< (rows × saved_width), kept for the backward pass
  Range columns;                        ///< of the output: all, unless they are shared out
  bool training = false;                ///< as a training step does it: batch statistics
  const DropoutKey* dropout = nullptr;  ///< in training; nullptr: nothing is dropped
  std::uint32_t node = 0;               ///< where in the graph, for the dropout
  Index first_row = 0;                  ///< where in the batch, for the dropout
  bool pre_activation = false;          ///< leave the output activation to the loss
  bool padded = false;  ///< rows to be written may be so up to the end of their last cache line
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
  MatrixView<const T> state;
  MatrixView<const T> output;
  MatrixView<const T> saved;
  Panels<const T> parameters;  ///< the operator's block of θ
  /// ∂L/∂output, which backward_output may replace by what the other functions will need.
  MatrixView<T> output_gradient;
  /// To be written in this order, since the same node may be there twice. Those of the inputs that
  /// are no batch are asked for apart from the others, with all rows of the batch at hand.
  std::span<const InputGradient<T>> input_gradients;
  /// Of the output for backward_output, of the first input's gradient for backward: all, unless
  /// they are shared out.
  Range columns;
  bool training = false;  ///< as in the forward pass
  bool dropout = false;   ///< whether the forward pass dropped units
  bool padded = false;    ///< as in the forward pass
  /// Whether batches have but one sample here. A single row of a larger batch, or of a smaller one
  /// in the memory for larger ones, is to have the bits that it has among others.
  bool one_sample = false;
};

/// Rows and columns of a block of parameters.
struct BlockShape {
  Index rows = 0;
  Index cols = 0;
  [[nodiscard]] Index size() const { return rows * cols; }
};

/// A block of ∂L/∂(parameters) from the whole batch; or, with a descent that has a rule, that step
/// by it at once. Descents are only for operators that say descends(); neither a rule nor a penalty
/// comes with accumulate, and beside a rule `gradient` is memory to be used. There is neither θ nor
/// the output here: what the gradient needs of them, `forward` keeps in `saved`.
template <class T>
struct ParameterPass {
  std::span<const Rows<T>> inputs;
  MatrixView<const T> state;
  MatrixView<const T> saved;
  MatrixView<const T> output_gradient;  ///< what backward_output left, all of its columns
  Block block;                          ///< of the parameters
  Panels<T> gradient;       ///< that block, to be written; plain unless the operator reads_panels()
  bool accumulate = false;  ///< add to it
  bool training = false;    ///< as in the forward pass
  Descent<T> descent;       ///< of that block of the parameters
};

/// Inputs that an operator may have.
inline constexpr std::size_t most_inputs = 16;

/// An operator is a function of the values on its edges and of its block of θ. It keeps no state:
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
  /// The shape of its output. Throws ShapeError that says what it expects if the inputs do not fit;
  /// infer_shape (graph.hpp) puts the nodes' names and shapes before it.
  [[nodiscard]] virtual Shape shape(std::span<const Shape> inputs) const = 0;
  /// Its block of θ.
  [[nodiscard]] virtual BlockShape parameters(std::span<const Shape> /*inputs*/) const {
    return {};
  }
  /// The rows of that block that are weights; the others are biases.
  [[nodiscard]] virtual Index weight_rows(std::span<const Shape> /*inputs*/) const { return 0; }
  /// Its block of the network's state: numbers beside θ that training moves without a gradient.
  [[nodiscard]] virtual BlockShape state(std::span<const Shape> /*inputs*/) const { return {}; }
  /// R of its own weights: l1 · ‖W‖₁ + l2/2 · ‖W‖².
  [[nodiscard]] virtual PenaltySlopes<double> penalty() const { return {}; }
  /// Columns kept from the forward pass for the backward pass; `width` is those of the output.
  [[nodiscard]] virtual Index saved_width(Index /*width*/) const { return 0; }
  /// The work of one row in the forward pass: how many multiply-adds of floats take as long where
  /// the processor does nothing else. It decides how many threads are worth it.
  [[nodiscard]] virtual Index work(std::span<const Shape> /*inputs*/) const { return 0; }
  /// What make_operator (model_file.hpp) makes it anew from, together with kind(); nothing if it
  /// cannot be written to a file.
  [[nodiscard]] virtual std::optional<Attributes> attributes() const { return std::nullopt; }
  /// The rows of its block of θ by name, and of its block of the state: all of them, in order.
  [[nodiscard]] virtual std::vector<NamedRows> parameter_names(BlockShape /*parameters*/) const {
    return {};
  }
  [[nodiscard]] virtual std::vector<NamedRows> state_names(BlockShape /*state*/) const {
    return {};
  }
  /// What its output is an activation of, so that a loss may take the pre-activation instead.
  [[nodiscard]] virtual Activation activation() const { return {}; }
  /// Whether it drops units in training.
  [[nodiscard]] virtual bool drops() const { return false; }

  virtual void initialize(MatrixView<T> /*parameters*/, Random& /*random*/,
                          std::string_view /*name*/) const {}
  virtual void initialize_state(MatrixView<T> /*state*/) const {}

  /// Whether its parameters may be handed to it packed in panels, for the speed of large products.
  [[nodiscard]] virtual bool reads_panels() const { return false; }
  /// Whether the columns of its output may be computed apart from each other, by several threads.
  [[nodiscard]] virtual bool splits_columns() const { return false; }
  /// Whether, in training, it must see all rows of a column at once: then threads share out its
  /// columns, which are those of its input.
  [[nodiscard]] virtual bool needs_whole_columns() const { return false; }
  /// Whether it runs code that only the calling thread may run, as Python's.
  [[nodiscard]] virtual bool runs_alone() const { return false; }

  virtual void forward(const ForwardPass<T>& pass) const = 0;
  /// Whether backward_output does anything.
  [[nodiscard]] virtual bool changes_output_gradient() const { return false; }
  /// The elementwise beginning of the backward pass: ∂L/∂y becomes ∂L/∂t, in place. It is left out
  /// where the loss has given ∂L/∂t.
  virtual void backward_output(const BackwardPass<T>& /*pass*/) const {}
  /// Writes the gradients of its inputs. ∂L/∂θ comes later, from parameter_gradient.
  virtual void backward(const BackwardPass<T>& pass) const = 0;
  /// Writes a block of ∂L/∂(parameters): every operator that has parameters must override it
  /// (check_gradients tells if it does not). It must not throw: in a fit others may have made the
  /// step.
  virtual void parameter_gradient(const ParameterPass<T>& /*pass*/) const {}
  /// Whether parameter_gradient can take a Descent: the step itself, and the penalties.
  [[nodiscard]] virtual bool descends() const { return false; }

  /// The same functions with a pass that is to be run many times: what comes out the same each time
  /// may be settled here. All that the pass points at stays where it is.
  [[nodiscard]] virtual Call forward_call(const ForwardPass<T>& pass) const {
    return [this, pass] { forward(pass); };
  }
  [[nodiscard]] virtual Call backward_output_call(const BackwardPass<T>& pass) const {
    return [this, pass] { backward_output(pass); };
  }
  [[nodiscard]] virtual Call backward_call(const BackwardPass<T>& pass) const {
    return [this, pass] { backward(pass); };
  }
  [[nodiscard]] virtual Call parameter_gradient_call(const ParameterPass<T>& pass) const {
    return [this, pass] { parameter_gradient(pass); };
  }
};

template <class T>
using OperatorPointer = std::shared_ptr<const Operator<T>>;

}  // namespace nnbind
