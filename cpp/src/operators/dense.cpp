#include "nnbind/dense.hpp"

#include <algorithm>

#include "kernels/activation.hpp"
#include "kernels/affine.hpp"
#include "kernels/dropout.hpp"
#include "kernels/packet.hpp"
#include "nnbind/error.hpp"
#include "operators/attributes.hpp"
#include "option_checks.hpp"

namespace nnbind {

void DenseOptions::check() const {
  require_count("Dense", "units", units, 1);
  require_not_negative("Dense", "l1", l1);
  require_not_negative("Dense", "l2", l2);
  require_fraction("Dense", "dropout", dropout);
}

template <class T>
Dense<T>::Dense(DenseOptions options) : options_(std::move(options)) {
  options_.check();
}

template <class T>
Shape Dense<T>::shape(std::span<const Shape> inputs) const {
  if (inputs.size() != 1) throw ShapeError("expected one input");
  return {inputs[0].rows, options_.units};
}

template <class T>
BlockShape Dense<T>::parameters(std::span<const Shape> inputs) const {
  return {inputs[0].cols + (options_.bias ? 1 : 0), options_.units};
}

template <class T>
Index Dense<T>::weight_rows(std::span<const Shape> inputs) const {
  return inputs[0].cols;
}

template <class T>
std::optional<Attributes> Dense<T>::attributes() const {
  Attributes attributes{{"units", options_.units},
                        {"activation", std::string(options_.activation.name())}};
  operators::describe_alpha(options_.activation, attributes);
  if (options_.init) operators::describe(*options_.init, attributes);
  attributes.insert(attributes.end(), {{"bias", options_.bias},
                                       {"l1", options_.l1},
                                       {"l2", options_.l2},
                                       {"dropout", options_.dropout}});
  return attributes;
}

template <class T>
std::vector<NamedRows> Dense<T>::parameter_names(BlockShape parameters) const {
  if (!options_.bias) return {{"weights", parameters.rows}};
  return {{"weights", parameters.rows - 1}, {"bias", 1, true}};
}

// Whole vectors of units are computed, or of inputs where there is one unit. What the bias, the
// activation, the loss and the calls take is as if there were a few more inputs.
template <class T>
Index Dense<T>::work(std::span<const Shape> inputs) const {
  constexpr Index more_inputs = 16;
  constexpr Index floats = std::is_same_v<T, float> ? 1 : 2;  // that take as long as a T
  if (options_.units == 1) return floats * (2 * inputs[0].cols + more_inputs * line_elements<T>);
  return floats * (inputs[0].cols + more_inputs) * ceil_div(options_.units, line_elements<T>) *
         line_elements<T>;
}

template <class T>
void Dense<T>::initialize(MatrixView<T> parameters, Random& random, std::string_view name) const {
  for (Index i = 0; i < parameters.rows; ++i) {
    std::fill_n(parameters.row(i), parameters.cols, T{0});
  }
  const Initializer init = options_.init.value_or(Initializer::for_activation(options_.activation));
  init.fill(parameters, options_.bias, random, name);
}

namespace {

/// Whether the output does not hold the argument of g': where that is t itself, or y before
/// dropout. Of a y ⊙ mask the rectifiers need no more than the sign, which is that of y where any
/// gradient comes through.
bool saves_argument(const Activation& g, bool drops) {
  using Kind = Activation::Kind;
  const bool sign_is_enough =
      g.kind() == Kind::identity || g.kind() == Kind::relu || g.kind() == Kind::leaky_relu;
  return g.needs_pre_activation() || (drops && !sign_is_enough);
}

}  // namespace

// Saved for the backward pass: the argument of g', and the dropout mask behind it.
template <class T>
Index Dense<T>::saved_width(Index width) const {
  const bool drops = options_.dropout > 0;
  return (saves_argument(options_.activation, drops) ? width : 0) + (drops ? width : 0);
}

template <class T>
template <class U>
MatrixView<U> Dense<T>::mask_of(MatrixView<U> saved) const {
  return saved.middle_columns(saved.cols - options_.units, options_.units);
}

// Whole vectors of the output, where its rows have room for them: but for softmaxes, which see how
// wide a row is; the masks of dropout, behind the arguments of g'; and a single unit.
template <class T>
Range Dense<T>::whole_columns(Range columns, bool padded, bool drops) const {
  if (!padded || drops || options_.activation.is_row_wise() || options_.units == 1) return columns;
  return {columns.begin, kernels::whole_vectors<T>(columns.end)};
}

// Each pass is a lambda whose views and loops are settled: a call, or run where it was made.
template <class T>
auto Dense<T>::ready_forward(const ForwardPass<T>& pass) const {
  const Index inputs = pass.inputs[0].cols;
  const Activation& g = options_.activation;
  const bool saves = !pass.pre_activation && pass.saved.data != nullptr;
  const bool drops = saves && options_.dropout > 0 && pass.dropout != nullptr;
  const Range columns = whole_columns(pass.columns, pass.padded, drops);
  const Panels<const T> weights = pass.parameters.middle_rows(0, inputs).middle_columns(columns);
  const MatrixView<T> output = pass.output.middle_columns(columns);
  // Where g' takes t, t is saved and y is in the output; where it takes y, and dropout will change
  // the output, t and then y are saved; else both are in the output, one after the other.
  const MatrixView<T> argument =
      (saves && saves_argument(g, drops) ? pass.saved : pass.output).middle_columns(columns);
  const MatrixView<T> y = g.needs_pre_activation() ? output : argument;
  const MatrixView<T> mask = drops ? mask_of(pass.saved).middle_columns(columns) : MatrixView<T>{};
  return [x = pass.inputs[0], weights, argument, y, output, mask, &options = options_,
          affine = kernels::affine_loop(pass.inputs[0], weights),
          activate = pass.pre_activation ? nullptr : kernels::activation_loop<T>(g),
          dropout = drops ? pass.dropout : nullptr, node = pass.node, first = pass.first_row,
          column = columns.begin] {
    affine(x, weights, options.bias, argument);
    if (activate == nullptr) return;
    activate(options.activation, argument, y);
    if (dropout == nullptr) return;
    kernels::dropout<T>({*dropout, node, first, column}, options.dropout, y, mask, output);
  };
}

// ∂L/∂t = (∂L/∂y ⊙ mask) ⊙ g'(t), where the output was y ⊙ mask.
template <class T>
auto Dense<T>::ready_backward_output(const BackwardPass<T>& pass) const {
  const Activation& g = options_.activation;
  const bool drops = options_.dropout > 0 && pass.dropout;
  const Range columns = whole_columns(pass.columns, pass.padded, drops);
  return [&g, slope = kernels::slope_loop<T>(g),
          argument = (saves_argument(g, drops) ? pass.saved : pass.output).middle_columns(columns),
          gradient = pass.output_gradient.middle_columns(columns),
          mask = drops ? mask_of(pass.saved).middle_columns(columns) : MatrixView<const T>{}] {
    slope(g, argument, argument, gradient, mask);
  };
}

// ∂L/∂X = ∂L/∂T · Wᵀ.
template <class T>
auto Dense<T>::ready_backward(const BackwardPass<T>& pass) const {
  const auto& [to, accumulate] = pass.input_gradients[0];
  const Range inputs = pass.columns;
  const Index end = pass.padded ? kernels::whole_vectors<T>(inputs.end) : inputs.end;
  const MatrixView<const T> from = pass.output_gradient;
  const Panels<const T> weights = pass.parameters.middle_rows(inputs);
  return [from, weights, accumulate = accumulate, to = to.middle_columns({inputs.begin, end}),
          multiply = kernels::input_gradient_loop<T>(weights, pass.one_sample)] {
    multiply(from, weights, accumulate, to);
  };
}

// ∂L/∂W = Xᵀ · ∂L/∂T, and ∂L/∂b = Σ over the samples of ∂L/∂T.
template <class T>
auto Dense<T>::ready_parameter_gradient(const ParameterPass<T>& pass) const {
  const auto& [rows, cols] = pass.block;
  const MatrixView<const T> from = pass.output_gradient.middle_columns(cols);
  return [x = pass.inputs[0], weights = Range{rows.begin, std::min(rows.end, pass.inputs[0].cols)},
          from, accumulate = pass.accumulate, to = pass.gradient, descent = pass.descent,
          multiply = kernels::gradient_loop(from, pass.accumulate, pass.descent)] {
    multiply(x, weights, from, accumulate, to, descent);
  };
}

template <class T>
void Dense<T>::forward(const ForwardPass<T>& pass) const {
  ready_forward(pass)();
}
template <class T>
void Dense<T>::backward_output(const BackwardPass<T>& pass) const {
  ready_backward_output(pass)();
}
template <class T>
void Dense<T>::backward(const BackwardPass<T>& pass) const {
  ready_backward(pass)();
}
template <class T>
void Dense<T>::parameter_gradient(const ParameterPass<T>& pass) const {
  ready_parameter_gradient(pass)();
}

template <class T>
Call Dense<T>::forward_call(const ForwardPass<T>& pass) const {
  return ready_forward(pass);
}
template <class T>
Call Dense<T>::backward_output_call(const BackwardPass<T>& pass) const {
  return ready_backward_output(pass);
}
template <class T>
Call Dense<T>::backward_call(const BackwardPass<T>& pass) const {
  return ready_backward(pass);
}
template <class T>
Call Dense<T>::parameter_gradient_call(const ParameterPass<T>& pass) const {
  return ready_parameter_gradient(pass);
}

template class Dense<float>;
template class Dense<double>;

}  // namespace nnbind
