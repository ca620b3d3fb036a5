// Operators of one input: elementwise ones, sums along the rows, activations and dropout.
#include <numeric>

#include "naive.hpp"
#include "operator_checks.hpp"

namespace nnbind::test {
namespace {

struct UnaryCase {
  std::string name;
  OperatorPointer<double> op;
  double (*formula)(double);
  double low = -2;
};

const std::vector<UnaryCase>& unary_cases() {
  static const std::vector<UnaryCase> list{
      {"negate", negate<double>(), [](double x) { return -x; }},
      {"exp", exp<double>(), [](double x) { return std::exp(x); }},
      {"log", log<double>(), [](double x) { return std::log(x); }, 0.5},
      {"square", power<double>(2), [](double x) { return x * x; }},
      {"cube", power<double>(3), [](double x) { return x * x * x; }},
      {"root", power<double>(0.5), [](double x) { return std::sqrt(x); }, 0.5},
      {"reciprocal", power<double>(-1), [](double x) { return 1 / x; }, 0.5},
      {"one", power<double>(0), [](double /*x*/) { return 1.0; }},
      {"same", power<double>(1), [](double x) { return x; }}};
  return list;
}

class UnaryOperator : public ::testing::TestWithParam<UnaryCase> {};

TEST_P(UnaryOperator, HasRightGradients) {
  expect_right(GetParam().op, {batch_of(19)}, {.low = GetParam().low});
  expect_right(GetParam().op, {{3, 5}}, {.low = GetParam().low});
}

TEST_P(UnaryOperator, IsItsFormula) {
  Random random(2);
  std::vector<Matrix<double>> x;
  x.push_back(random_matrix<double>(4, 19, random, GetParam().low, 3));
  expect_values(output_of(GetParam().op, x),
                [&](Index i, Index j) { return GetParam().formula(x[0].view()(i, j)); });
}

TEST_P(UnaryOperator, RefusesAnotherNumberOfInputs) {
  expect_refused(GetParam().op, {batch_of(2), batch_of(2)},
                 R"("a" (n, 2), "b" (n, 2): expected one input)");
}

INSTANTIATE_TEST_SUITE_P(Each, UnaryOperator, ::testing::ValuesIn(unary_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Power, HasAConstantExponentWhoseSlopeAtZeroIsTheLimit) {
  EXPECT_EQ(slopes_at(power<double>(0), {0}), std::vector<double>{0});
  EXPECT_EQ(slopes_at(power<double>(1), {0}), std::vector<double>{1});
  EXPECT_EQ(slopes_at(power<double>(2), {0}), std::vector<double>{0});
  EXPECT_EQ(slopes_at(power<double>(3), {0}), std::vector<double>{0});
}

TEST(Power, RefusesAnExponentThatIsNotFinite) {
  expect_message<OptionError>("[power] the exponent is inf; expected a finite number",
                              [] { power<double>(HUGE_VAL); });
}

TEST(Reduction, HasRightGradients) {
  for (const auto& op : {sum<double>(), mean<double>()}) {
    for (const Shape shape : {batch_of(1), batch_of(7), batch_of(50), Shape{3, 18}}) {
      expect_right(op, {shape});
    }
  }
}

TEST(Reduction, IsOneColumn) {
  Random random(2);
  std::vector<Matrix<double>> x;
  x.push_back(random_matrix<double>(4, 37, random));
  const auto total = [&](Index i) {
    return std::accumulate(x[0].view().row(i), x[0].view().row(i) + 37, 0.0);
  };
  expect_values(output_of(sum<double>(), x), [&](Index i, Index /*j*/) { return total(i); });
  expect_values(output_of(mean<double>(), x), [&](Index i, Index /*j*/) { return total(i) / 37; });
}

class ActivationOperator : public ::testing::TestWithParam<std::string_view> {};

TEST_P(ActivationOperator, HasRightGradients) {
  const auto op = activation<double>(GetParam());
  EXPECT_EQ(op->kind(), GetParam());
  EXPECT_EQ(op->activation(), Activation(GetParam()));
  expect_right(op, {batch_of(19)});
  expect_right(op, {{3, 5}});
}

TEST_P(ActivationOperator, LeavesItselfToTheLoss) {
  Random random(4);
  const auto t = random_matrix<double>(4, 3, random);
  Matrix<double> y(4, 3);
  const Rows<double> inputs = t.rows();
  ForwardPass<double> pass;
  pass.inputs = {&inputs, 1};
  pass.output = y.view();
  pass.columns = {0, 3};
  pass.pre_activation = true;
  activation<double>(GetParam())->forward(pass);
  EXPECT_TRUE(equal<double>(y.view(), t.view()));
}

INSTANTIATE_TEST_SUITE_P(Each, ActivationOperator, ::testing::ValuesIn(Activation::names()),
                         [](const auto& test) { return std::string(test.param); });

TEST(Dropout, HasRightGradients) {
  const DropoutKey key{11, 5};
  expect_right(dropout<double>(0.4), {batch_of(19)}, {.dropout = &key});
  expect_right(dropout<double>(0.4), {batch_of(19)});
  expect_right(dropout<double>(0), {batch_of(19)}, {.dropout = &key});
  expect_right(dropout<double>(0.4), {{3, 5}}, {.dropout = &key});
}

TEST(Dropout, DropsAsItsMaskSaysInTrainingAndNothingAtInference) {
  Random random(4);
  std::vector<Matrix<double>> x;
  x.push_back(random_matrix<double>(6, 19, random));
  const auto op = dropout<double>(0.3);
  EXPECT_TRUE(equal<double>(output_of(op, x).view(), x[0].view()));

  const DropoutKey key{11, 5};
  Matrix<double> y(6, 19), saved(6, op->saved_width(19));
  const Rows<double> inputs = x[0].rows();
  ForwardPass<double> pass;
  pass.inputs = {&inputs, 1};
  pass.output = y.view();
  pass.saved = saved.view();
  pass.columns = {0, 19};
  pass.dropout = &key;
  pass.node = 3;
  pass.first_row = 10;
  op->forward(pass);
  for (Index i = 0; i < 6; ++i) {
    for (Index j = 0; j < 19; ++j) {
      EXPECT_EQ(y.view()(i, j),
                x[0].view()(i, j) * naive::dropout_factor<double>(key, 3, 10 + i, j, 0.3));
    }
  }
}

TEST(Dropout, SaysWhetherItDrops) {
  EXPECT_TRUE(dropout<float>(0.5)->drops());
  EXPECT_FALSE(dropout<float>(0)->drops());
}

TEST(Dropout, RefusesARateOutOfRange) {
  expect_message<OptionError>("[Dropout] rate is 1; expected 0 <= rate < 1",
                              [] { dropout<float>(1); });
  EXPECT_THROW(dropout<float>(-0.1), OptionError);
  EXPECT_THROW(dropout<float>(std::nan("")), OptionError);
}

}  // namespace
}  // namespace nnbind::test
