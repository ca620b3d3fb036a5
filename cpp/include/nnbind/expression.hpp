// Formulas that grow a graph: sigmoid(w1 * x + w2 * y + b).
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "nnbind/dense.hpp"
#include "nnbind/error.hpp"
#include "nnbind/graph.hpp"
#include "nnbind/operators.hpp"

namespace nnbind {

/// A node of a graph, to write formulas with: each function or sign applied to it adds a node. The
/// graph must outlive it.
///
///     Graph<float> graph;
///     const auto x = input(graph, 2, "x");
///     const auto h = dense(x, {.units = 16, .activation = "tanh"});
///     const auto y = dense(concatenate({x, h}), {.units = 1});
///     Network<float> network(std::move(graph), y.id);
template <class T>
struct Expression {
  Graph<T>* graph = nullptr;
  NodeId id = 0;

  /// Throws OptionError if it belongs to no graph.
  [[nodiscard]] const Node<T>& node() const {
    require(graph != nullptr, "Expression", "belongs to no graph");
    return graph->node(id);
  }
  [[nodiscard]] Shape shape() const { return node().shape; }
};

/// The node of an operator over these inputs. Throws OptionError unless there is one, they belong
/// to one graph and the name is new, and ShapeError if their shapes do not fit.
template <class T>
Expression<T> apply(OperatorPointer<T> op, const std::vector<Expression<T>>& inputs,
                    std::string name = "") {
  require(op != nullptr, "Expression", "there is no operator; expected one to apply");
  const std::string kind(op->kind());
  std::vector<NodeId> ids;
  for (const Expression<T>& input : inputs) {
    require(input.graph != nullptr, kind, "an input belongs to no graph");
    require(input.graph == inputs[0].graph, kind,
            "the inputs belong to different graphs; expected one graph");
    ids.push_back(input.id);
  }
  require(!inputs.empty(), kind, "no inputs; expected at least one");
  Graph<T>* const graph = inputs[0].graph;
  return {graph, graph->add(std::move(op), std::move(ids), std::move(name))};
}

// ---- Sources: see Graph::input and operators.hpp ------------------------------------------------

template <class T>
Expression<T> input(Graph<T>& graph, Index width, std::string name = "") {
  return {&graph, graph.input(width, std::move(name))};
}

template <class T>
Expression<T> parameter(Graph<T>& graph, Index rows, Index cols, const Initializer& init,
                        std::string name = "") {
  return {&graph, graph.add(parameter<T>(rows, cols, init), {}, std::move(name))};
}

template <class T>
Expression<T> constant(Graph<T>& graph, std::type_identity_t<MatrixView<const T>> values,
                       std::string name = "") {
  return {&graph, graph.add(constant<T>(values), {}, std::move(name))};
}

/// A constant (1 × 1) beside x.
template <class T>
Expression<T> scalar_beside(const Expression<T>& x, double value) {
  require(x.graph != nullptr, "constant", "an input belongs to no graph");
  const auto rounded = static_cast<T>(value);
  return constant(*x.graph, {&rounded, 1, 1, 1});
}

// ---- Layers -------------------------------------------------------------------------------------

template <class T>
Expression<T> dense(const Expression<T>& x, DenseOptions options) {
  const std::string name = options.name;
  return apply<T>(std::make_shared<Dense<T>>(std::move(options)), {x}, name);
}

template <class T>
Expression<T> activate(const Expression<T>& x, const Activation& g, std::string name = "") {
  return apply<T>(activation<T>(g), {x}, std::move(name));
}

template <class T>
Expression<T> dropout(const Expression<T>& x, double rate, std::string name = "") {
  return apply<T>(dropout<T>(rate), {x}, std::move(name));
}

template <class T>
Expression<T> batch_norm(const Expression<T>& x, const BatchNormOptions& options = {},
                         std::string name = "") {
  return apply<T>(batch_norm<T>(options), {x}, std::move(name));
}

template <class T>
Expression<T> layer_norm(const Expression<T>& x, const LayerNormOptions& options = {},
                         std::string name = "") {
  return apply<T>(layer_norm<T>(options), {x}, std::move(name));
}

// ---- Arithmetic, with a number on either side too -----------------------------------------------

#define NNBIND_BINARY(sign, op)                                        \
  template <class T>                                                   \
  Expression<T> sign(const Expression<T>& a, const Expression<T>& b) { \
    return apply<T>(op<T>(), {a, b});                                  \
  }                                                                    \
  template <class T>                                                   \
  Expression<T> sign(const Expression<T>& a, double b) {               \
    return apply<T>(op<T>(), {a, scalar_beside(a, b)});                \
  }                                                                    \
  template <class T>                                                   \
  Expression<T> sign(double a, const Expression<T>& b) {               \
    return apply<T>(op<T>(), {scalar_beside(b, a), b});                \
  }
NNBIND_BINARY(operator+, add)
NNBIND_BINARY(operator-, subtract)
NNBIND_BINARY(operator*, multiply)
NNBIND_BINARY(operator/, divide)
#undef NNBIND_BINARY

template <class T>
Expression<T> operator-(const Expression<T>& x) {
  return apply<T>(negate<T>(), {x});
}

template <class T>
Expression<T> pow(const Expression<T>& base, const Expression<T>& exponent) {
  return apply<T>(power<T>(), {base, exponent});
}
template <class T>
Expression<T> pow(const Expression<T>& base, double exponent) {
  return apply<T>(power<T>(exponent), {base});
}
template <class T>
Expression<T> pow(double base, const Expression<T>& exponent) {
  return apply<T>(power<T>(), {scalar_beside(exponent, base), exponent});
}

template <class T>
Expression<T> matmul(const Expression<T>& x, const Expression<T>& w) {
  return apply<T>(matmul<T>(), {x, w});
}

// ---- Columns ------------------------------------------------------------------------------------

template <class T>
Expression<T> concatenate(const std::vector<Expression<T>>& inputs, std::string name = "") {
  return apply<T>(concatenate<T>(), inputs, std::move(name));
}
template <class T>
Expression<T> concatenate(std::initializer_list<Expression<T>> inputs, std::string name = "") {
  return concatenate(std::vector<Expression<T>>(inputs), std::move(name));
}

/// Columns [first, first + count) of x.
template <class T>
Expression<T> columns(const Expression<T>& x, Index first, Index count) {
  return apply<T>(slice<T>(first, count), {x});
}

// ---- Functions of one variable ------------------------------------------------------------------

#define NNBIND_UNARY(name)                     \
  template <class T>                           \
  Expression<T> name(const Expression<T>& x) { \
    return apply<T>(name<T>(), {x});           \
  }
NNBIND_UNARY(exp)
NNBIND_UNARY(log)
NNBIND_UNARY(sum)
NNBIND_UNARY(mean)
#undef NNBIND_UNARY

// The activations by name. Those with an α: activate(x, {"elu", 0.5}).
#define NNBIND_ACTIVATION(name)                \
  template <class T>                           \
  Expression<T> name(const Expression<T>& x) { \
    return activate(x, #name);                 \
  }
NNBIND_ACTIVATION(identity)
NNBIND_ACTIVATION(binary)
NNBIND_ACTIVATION(sigmoid)
NNBIND_ACTIVATION(tanh)
NNBIND_ACTIVATION(relu)
NNBIND_ACTIVATION(leaky_relu)
NNBIND_ACTIVATION(elu)
NNBIND_ACTIVATION(selu)
NNBIND_ACTIVATION(softplus)
NNBIND_ACTIVATION(softsign)
NNBIND_ACTIVATION(gelu)
NNBIND_ACTIVATION(silu)
NNBIND_ACTIVATION(hard_sigmoid)
NNBIND_ACTIVATION(softmax)
NNBIND_ACTIVATION(log_softmax)
#undef NNBIND_ACTIVATION

}  // namespace nnbind
