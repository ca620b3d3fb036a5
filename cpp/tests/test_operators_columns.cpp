// Products, columns put together and taken apart, and values that come from no other node.
#include "naive.hpp"
#include "operator_checks.hpp"

namespace nnbind::test {
namespace {

TEST(MatMul, HasRightGradients) {
  for (const auto& [k, m] : {std::pair<Index, Index>{1, 1}, {3, 5}, {19, 2}, {40, 19}}) {
    expect_right(matmul<double>(), {batch_of(k), {k, m}});
    expect_right(matmul<double>(), {{4, k}, {k, m}});
  }
}

TEST(MatMul, HasRightGradientsWhereBothFactorsAreOneNode) {
  expect_right(matmul<double>(), {{6, 6}, {6, 6}}, {.same = true});
}

template <class T>
class MatMulOf : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(MatMulOf, Types);

// Shapes beyond the pieces of the backward product: 16 or 32 rows of W, 128 columns, 48 samples.
TYPED_TEST(MatMulOf, IsTheNaiveProductForwardAndBackward) {
  using T = TypeParam;
  constexpr Index n = 101;
  constexpr Index k = 67;
  constexpr Index m = 261;
  Random random(5);
  std::vector<Matrix<T>> factors;
  factors.push_back(random_matrix<T>(n, k, random));
  factors.push_back(random_matrix<T>(k, m, random));
  Matrix<T> y(n, m), to_x(n, k), to_w(k, m), expected_x(n, k), expected_w(k, m);
  naive::affine<T>(factors[0].view(), factors[1].view(), nullptr, y.view());
  const double unit = 100 * static_cast<double>(std::numeric_limits<T>::epsilon());
  const auto expect_near = [&](MatrixView<const T> a, MatrixView<const T> b) {
    const auto error = [](T one, T other) { return std::abs(static_cast<double>(one - other)); };
    for (Index i = 0; i < a.rows; ++i) {
      for (Index j = 0; j < a.cols; ++j) ASSERT_LE(error(a(i, j), b(i, j)), 10 * unit);
    }
  };
  expect_near(output_of(matmul<T>(), factors).view(), y.view());

  Matrix<T> g = random_matrix<T>(n, m, random);
  naive::input_gradient<T>(g.view(), factors[1].view(), false, expected_x.view());
  naive::weight_gradient<T>(factors[0].view(), {0, k}, g.view(), false, expected_w.view());
  const std::array<Rows<T>, 2> inputs{factors[0].rows(), factors[1].rows()};
  const std::array<InputGradient<T>, 2> to{InputGradient<T>{to_x.view()},
                                           InputGradient<T>{to_w.view()}};
  BackwardPass<T> pass;
  pass.inputs = inputs;
  pass.output_gradient = g.view();
  pass.input_gradients = to;
  matmul<T>()->backward(pass);
  expect_near(to_x.view(), expected_x.view());
  expect_near(to_w.view(), expected_w.view());
}

TEST(MatMul, RefusesFactorsThatDoNotFit) {
  expect_refused(matmul<double>(), {batch_of(3), batch_of(3)},
                 R"([matmul] "a" (n, 3), "b" (n, 3): expected a second factor with fixed rows)");
  expect_refused(matmul<double>(), {batch_of(3), {2, 3}},
                 R"([matmul] "a" (n, 3), "b" (2, 3): expected as many columns in the first)");
  expect_refused(matmul<double>(), {batch_of(3)}, R"([matmul] "a" (n, 3): expected two inputs)");
}

TEST(Concatenate, HasRightGradients) {
  expect_right(concatenate<double>(), {batch_of(2), batch_of(19), batch_of(1)});
  expect_right(concatenate<double>(), {{3, 2}, {3, 4}});
  expect_right(concatenate<double>(), std::vector<Shape>(16, batch_of(2)));
  expect_right(concatenate<double>(), {batch_of(3), batch_of(3)}, {.same = true});
}

TEST(Concatenate, PutsColumnsSideBySide) {
  Random random(6);
  std::vector<Matrix<double>> x;
  for (const Index width : {2, 5, 1}) x.push_back(random_matrix<double>(4, width, random));
  expect_values(output_of(concatenate<double>(), x), [&](Index i, Index j) {
    return j < 2 ? x[0].view()(i, j) : j < 7 ? x[1].view()(i, j - 2) : x[2].view()(i, 0);
  });
}

TEST(Concatenate, RefusesWhatDoesNotFit) {
  expect_refused(concatenate<double>(), {batch_of(2), {3, 2}},
                 R"([concatenate] "a" (n, 2), "b" (3, 2): expected equal rows)");
  expect_refused(concatenate<double>(), {batch_of(2)},
                 R"([concatenate] "a" (n, 2): expected 2 to 16 inputs)");
  expect_message<ShapeError>("expected 2 to 16 inputs", [] {
    (void)concatenate<double>()->shape(std::vector<Shape>(17, batch_of(2)));
  });
}

TEST(Slice, HasRightGradients) {
  expect_right(slice<double>(3, 5), {batch_of(19)});
  expect_right(slice<double>(0, 2), {batch_of(2)});
  expect_right(slice<double>(1, 1), {{4, 3}});
}

TEST(Slice, TakesItsColumns) {
  Random random(6);
  std::vector<Matrix<double>> x;
  x.push_back(random_matrix<double>(4, 9, random));
  expect_values(output_of(slice<double>(2, 4), x),
                [&](Index i, Index j) { return x[0].view()(i, j + 2); });
}

TEST(Slice, RefusesColumnsThatAreNotThere) {
  expect_refused(slice<double>(3, 2), {batch_of(4)},
                 R"([slice] "a" (n, 4): expected at least 5 columns)");
  expect_message<OptionError>("[slice] first is -1; expected an integer >= 0",
                              [] { slice<float>(-1, 2); });
  expect_message<OptionError>("[slice] count is 0; expected an integer >= 1",
                              [] { slice<float>(0, 0); });
}

TEST(Parameter, IsItsBlockOfTheta) {
  const auto op = parameter<double>(3, 19, Initializer("zeros"));
  expect_right(op, {});
  Random random(6);
  const auto theta = random_matrix<double>(3, 19, random);
  EXPECT_TRUE(equal<double>(output_of<double>(op, {}, theta.view()).view(), theta.view()));
}

TEST(Parameter, CountsAsWeightsUnlessItIsASingleRow) {
  EXPECT_EQ(parameter<double>(3, 2, Initializer("zeros"))->weight_rows({}), 3);
  EXPECT_EQ(parameter<double>(1, 2, Initializer("zeros"))->weight_rows({}), 0);
}

TEST(Parameter, StartsAsItsInitializerSays) {
  Random random(6);
  Matrix<double> values(2, 3);
  parameter<double>(2, 3, Initializer::array({1, 2, 3, 4, 5, 6}, 2, 3))
      ->initialize(values.view(), random, "p");
  expect_values(values, [](Index i, Index j) { return static_cast<double>(3 * i + j + 1); });
  parameter<double>(2, 3, Initializer::constant(7))->initialize(values.view(), random, "p");
  expect_values(values, [](Index /*i*/, Index /*j*/) { return 7.0; });
}

TEST(Parameter, RefusesAShapeThatIsNone) {
  expect_message<OptionError>("[parameter] has shape (0, 3); expected integers >= 1",
                              [] { parameter<double>(0, 3, Initializer("zeros")); });
  expect_message<ShapeError>("[parameter] the initial values have shape (1, 2); expected (2, 2)",
                             [] { parameter<double>(2, 2, Initializer::array({1, 2}, 1, 2)); });
  expect_refused(parameter<double>(1, 1, Initializer("zeros")), {batch_of(1)},
                 R"([parameter] "a" (n, 1): expected no inputs)");
}

TEST(Constant, HoldsACopy) {
  Random random(6);
  auto values = random_matrix<double>(3, 19, random);
  const auto op = constant<double>(values.view());
  const std::vector<double> before = flat(values.view());
  values.view()(0, 0) = 100;
  EXPECT_EQ(flat(output_of<double>(op, {}).view()), before);
}

TEST(Constant, RefusesWhatIsNoNumber) {
  Matrix<double> values(2, 2);
  values.view()(1, 0) = std::nan("");
  expect_message<OptionError>("[constant] has a NaN or an infinity in row 1",
                              [&] { constant<double>(values.view()); });
  expect_message<OptionError>("[constant] has shape (0, 2); expected at least one value",
                              [] { constant<double>({nullptr, 0, 2, 2}); });
}

}  // namespace
}  // namespace nnbind::test
