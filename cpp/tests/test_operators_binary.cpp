// Elementwise operators of two inputs.
#include "operator_checks.hpp"

namespace nnbind::test {
namespace {

struct BinaryCase {
  std::string name;
  OperatorPointer<double> op;
  double (*formula)(double, double);
};

const std::vector<BinaryCase>& binary_cases() {
  static const std::vector<BinaryCase> list{
      {"add", add<double>(), [](double a, double b) { return a + b; }},
      {"subtract", subtract<double>(), [](double a, double b) { return a - b; }},
      {"multiply", multiply<double>(), [](double a, double b) { return a * b; }},
      {"divide", divide<double>(), [](double a, double b) { return a / b; }},
      {"power", power<double>(), [](double a, double b) { return std::pow(a, b); }}};
  return list;
}

// 19 columns: more than a vector, more than the chains of a sum, and no multiple of either.
const std::vector<std::vector<Shape>> patterns{{batch_of(19), batch_of(19)},
                                               {batch_of(19), batch_of(1)},
                                               {batch_of(1), batch_of(19)},
                                               {batch_of(1), batch_of(1)},
                                               {batch_of(19), {1, 19}},
                                               {batch_of(19), {1, 1}},
                                               {batch_of(1), {1, 19}},
                                               {{1, 19}, batch_of(19)},
                                               {{1, 1}, batch_of(19)},
                                               {{1, 19}, batch_of(1)},
                                               {{4, 19}, {4, 19}},
                                               {{4, 19}, {1, 19}},
                                               {{4, 19}, {4, 1}},
                                               {{4, 1}, {1, 19}},
                                               {{1, 1}, {4, 19}},
                                               {{1, 1}, {1, 1}}};

class BinaryOperator : public ::testing::TestWithParam<BinaryCase> {};

// Positive, apart from 0: there all five are defined and smooth.
TEST_P(BinaryOperator, HasRightGradientsForEachBroadcast) {
  for (const auto& shapes : patterns) {
    SCOPED_TRACE(shape_text(shapes[0]) + " and " + shape_text(shapes[1]));
    expect_right(GetParam().op, shapes, {.low = 0.5, .high = 2});
  }
}

TEST_P(BinaryOperator, AddsUpTheGradientsWhereBothInputsAreOneNode) {
  for (const auto& shapes : {std::vector(2, batch_of(7)), std::vector(2, Shape{3, 7})}) {
    const OperatorCheck how{.same = true, .low = 0.5, .high = 2};
    if (GetParam().name == "divide") {  // x / x is 1: its gradient is 0, to rounding
      for (const double result : OperatorRun(*GetParam().op, shapes, how).results()) {
        EXPECT_TRUE(result == 1 || std::abs(result) < 1e-15);
      }
    } else {
      expect_right(GetParam().op, shapes, how);
    }
  }
}

TEST_P(BinaryOperator, IsItsFormulaForEachBroadcast) {
  Random random(3);
  for (const Shape a_shape : {Shape{4, 19}, Shape{1, 19}, Shape{4, 1}, Shape{1, 1}}) {
    for (const Shape b_shape : {Shape{4, 19}, Shape{1, 19}, Shape{4, 1}, Shape{1, 1}}) {
      std::vector<Matrix<double>> x;
      x.push_back(random_matrix<double>(a_shape.rows, a_shape.cols, random, 0.5, 2));
      x.push_back(random_matrix<double>(b_shape.rows, b_shape.cols, random, 0.5, 2));
      const Matrix<double> y = output_of(GetParam().op, x);
      EXPECT_EQ(y.view().rows, std::max(a_shape.rows, b_shape.rows));
      EXPECT_EQ(y.view().cols, std::max(a_shape.cols, b_shape.cols));
      const auto at = [](const Matrix<double>& m, Index i, Index j) {
        return m.view()(std::min(i, m.view().rows - 1), std::min(j, m.view().cols - 1));
      };
      expect_values(
          y, [&](Index i, Index j) { return GetParam().formula(at(x[0], i, j), at(x[1], i, j)); });
    }
  }
}

TEST_P(BinaryOperator, RefusesShapesThatDoNotFit) {
  const OperatorPointer<double>& op = GetParam().op;
  const std::string name = "[" + GetParam().name + "] ";
  expect_refused(op, {batch_of(2), batch_of(3)},
                 name + R"("a" (n, 2), "b" (n, 3): expected equal columns, or a single one)");
  expect_refused(op, {batch_of(2), {4, 2}},
                 name + R"("a" (n, 2), "b" (4, 2): expected equal rows, or a single fixed one)");
  expect_refused(op, {{3, 2}, {4, 2}},
                 name + R"("a" (3, 2), "b" (4, 2): expected equal rows, or a single fixed one)");
  expect_refused(op, {batch_of(2)}, name + R"("a" (n, 2): expected two inputs)");
}

TEST_P(BinaryOperator, InfersTheShape) {
  const auto shape = [](Shape a, Shape b) {
    const std::array<Shape, 2> inputs{a, b};
    return GetParam().op->shape(inputs);
  };
  EXPECT_EQ(shape(batch_of(3), {1, 1}), batch_of(3));
  EXPECT_EQ(shape({1, 3}, batch_of(1)), batch_of(3));
  EXPECT_EQ(shape({4, 1}, {1, 3}), (Shape{4, 3}));
}

INSTANTIATE_TEST_SUITE_P(Each, BinaryOperator, ::testing::ValuesIn(binary_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Power, HasSlopesWhereALimitExists) {
  const auto slopes = [](double a, double b) { return slopes_at(power<double>(), {a, b}); };
  EXPECT_EQ(slopes(0, 2), (std::vector<double>{0, 0}));
  EXPECT_EQ(slopes(0, 1), (std::vector<double>{1, 0}));
  EXPECT_EQ(slopes(0, 0), (std::vector<double>{0, 0}));
  EXPECT_EQ(slopes(-2, 3)[0], 12);
  EXPECT_TRUE(std::isnan(slopes(-2, 3)[1]));
}

}  // namespace
}  // namespace nnbind::test
