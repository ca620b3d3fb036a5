// A network as a drawing: a text for Graphviz.
#pragma once

#include <string>

#include "nnbind/network.hpp"

namespace nnbind {

/// The graph in the DOT language (graphviz.org/doc/info/lang.html), from left to right: a box for
/// each operator with its name, kind and number of parameters; ellipses for inputs; dashed boxes
/// for parameters, plain text for constants; a double frame for outputs. Edges carry the shape of
/// the value that travels along them, dotted where two nodes share their parameters.
/// `dot -Tsvg` makes a picture of it.
template <class T>
std::string to_dot(const Network<T>& network);

}  // namespace nnbind
