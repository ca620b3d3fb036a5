// Drawings: the DOT text of a network.
#include "nnbind/dot.hpp"

#include <gtest/gtest.h>

#include "expect_message.hpp"
#include "nnbind/expression.hpp"

namespace nnbind::test {
namespace {

TEST(Dot, NamesNodesAndShapesAndTellsKindsApart) {
  Graph<double> graph;
  const auto x = input(graph, 2, "x");
  const auto w = parameter(graph, 2, 3, Initializer("zeros"), "w");
  const auto y = dense(tanh(matmul(x, w)), {.units = 4, .activation = "relu", .name = "y"});
  const std::string text = to_dot(Network<double>(std::move(graph), y.id));
  EXPECT_TRUE(contains(text, R"x(n0 [label="x\ninput\n(n, 2)", shape=ellipse)x"));
  EXPECT_TRUE(
      contains(text, R"x(n1 [label="w\nparameter\n(2, 3)", shape=box, style="dashed,filled")x"));
  EXPECT_TRUE(contains(text, R"x(n2 [label="matmul", shape=box];)x"));
  EXPECT_TRUE(
      contains(text, R"x(n4 [label="y\ndense relu\n16 parameters", shape=box, peripheries=2)x"));
  EXPECT_TRUE(contains(text, R"x(n1 -> n2 [label="(2, 3)"];)x"));
  EXPECT_TRUE(contains(text, R"x(n3 -> n4 [label="(n, 3)"];)x"));
  EXPECT_TRUE(text.starts_with("digraph"));
  EXPECT_TRUE(text.ends_with("}\n"));
}

TEST(Dot, EscapesNames) {
  Graph<double> graph;
  const auto x = input(graph, 1, "a \"b\" \\N\nc");
  const auto y = tanh(x);
  EXPECT_TRUE(contains(to_dot(Network<double>(std::move(graph), y.id)),
                       R"x("a \"b\" \\N\nc\ninput\n(n, 1)")x"));
}

TEST(Dot, ShowsSharedParameters) {
  Graph<float> graph;
  const auto op = std::make_shared<Dense<float>>(DenseOptions{.units = 2});
  const NodeId first = graph.add(op, {graph.input(2)});
  const NodeId second = graph.add(op, {first}, "", first);
  EXPECT_TRUE(
      contains(to_dot(Network<float>(std::move(graph), second)), "n1 -> n2 [label=\"shares\""));
}

}  // namespace
}  // namespace nnbind::test
