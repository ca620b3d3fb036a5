// The products of a layer against the naive loops. The values are small integers, whose products
// and sums are exact in any order: so equal means equal.
#include <gtest/gtest.h>

#include <vector>

#include "data.hpp"
#include "kernels/affine.hpp"
#include "kernels/product_tile.hpp"
#include "naive.hpp"

namespace nnbind::test {
namespace {

// Else sums go to memory and back at every step, and all but the results are wrong.
TEST(Tile, FitsTheRegisters) {
#if defined(__AVX512F__) || defined(__aarch64__)
  constexpr int registers = 32;
#else
  constexpr int registers = 16;
#endif
  EXPECT_LE(kernels::tile_rows * kernels::tile_vectors + kernels::tile_vectors + 1, registers);
  EXPECT_LE(kernels::tile_rows * kernels::narrow_chains + 2, registers);
  EXPECT_LE(kernels::row_vectors + 1, registers);
}

struct ProductShape {
  Index rows, inputs, units;
};

std::ostream& operator<<(std::ostream& out, const ProductShape& shape) {
  return out << shape.rows << " x " << shape.inputs << " x " << shape.units;
}

/// All shapes up to 13, and beyond that each pair of sizes up to 40 in any two of the dimensions,
/// with a third that runs through all sizes too; then larger ones.
std::vector<ProductShape> shapes() {
  std::vector<ProductShape> list;
  for (Index a = 1; a <= 40; ++a) {
    for (Index b = 1; b <= 40; ++b) {
      const Index third = 1 + (7 * a + 11 * b) % 40;
      list.insert(list.end(), {{a, b, third}, {third, a, b}, {b, third, a}});
      for (Index c = 1; c <= 13 && a <= 13 && b <= 13; ++c) list.push_back({a, b, c});
    }
  }
  Random random(1);
  const auto size = [&] { return static_cast<Index>(1 + random.below(300)); };
  for (int k = 0; k < 10; ++k) list.push_back({size(), size(), size()});
  list.insert(
      list.end(),
      {{1, 300, 700}, {700, 1, 1}, {1, 1, 700}, {20, 50, 1100}, {300, 100, 130}, {30, 300, 1100}});
  for (Index units = 2; units <= 17; ++units) list.push_back({3 * units - 5, 62 + units, units});
  for (const Index rows : {127, 128, 300}) {
    for (const Index inputs : {127, 128, 160, 300}) list.push_back({rows, inputs, 1});
  }
  return list;
}

template <class T>
class Affine : public ::testing::Test {
 protected:
  /// Integers in -4 .. 4 in a frame of NaN, with rows further apart than they are long, or not.
  Framed<T> integers(Index rows, Index cols) {
    // Of columns half are without gaps: those have loops of their own.
    Framed<T> matrix(rows, cols, cols + static_cast<Index>(random_.below(cols == 1 ? 2 : 4)));
    refill(matrix.view());
    return matrix;
  }
  void refill(MatrixView<T> values) {
    for (Index i = 0; i < values.rows; ++i) {
      for (Index j = 0; j < values.cols; ++j) values(i, j) = static_cast<T>(random_.below(9)) - 4;
    }
  }
  Framed<T> copy(const Framed<T>& from) {
    Framed<T> to(from.view().rows, from.view().cols, from.view().cols);
    for (Index i = 0; i < from.view().rows; ++i) {
      std::copy_n(from.view().row(i), from.view().cols, to.view().row(i));
    }
    return to;
  }
  static bool equal(const Framed<T>& a, const Framed<T>& b) {
    return test::equal<T>(a.view(), b.view());
  }
  static bool equal(PackedMatrix<T>& a, const Framed<T>& b) {
    return test::equal<T>(Panels<const T>(a.panels()), b.view());
  }

 private:
  Random random_{2};
};

using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Affine, Types);

TYPED_TEST(Affine, ForwardEqualsTheNaiveLoopForEveryShape) {
  using T = TypeParam;
  for (const ProductShape& shape : shapes()) {
    const auto x = this->integers(shape.rows, shape.inputs);
    const auto block = this->integers(shape.inputs + 1, shape.units);  // the bias is the last row
    const auto weights = block.view().middle_rows(0, shape.inputs);
    auto panels = packed<T>(block.view());
    auto out = this->integers(shape.rows, shape.units);
    auto expected = this->copy(out);
    for (const bool bias : {false, true}) {
      naive::affine<T>(x.view(), weights, bias ? block.view().row(shape.inputs) : nullptr,
                       expected.view());
      kernels::affine<T>(x.rows(), Panels<T>::plain(weights), bias, out.view());
      ASSERT_TRUE(this->equal(out, expected)) << shape << ", bias: " << bias;
      this->refill(out.view());
      kernels::affine<T>(x.rows(), panels.panels().middle_rows(0, shape.inputs), bias, out.view());
      ASSERT_TRUE(this->equal(out, expected)) << shape << ", packed, bias: " << bias;
    }
    ASSERT_TRUE(out.frame_is_whole()) << shape;
  }
}

TYPED_TEST(Affine, InputGradientEqualsTheNaiveLoopForEveryShape) {
  using T = TypeParam;
  for (const ProductShape& shape : shapes()) {
    const auto grad_out = this->integers(shape.rows, shape.units);
    const auto weights = this->integers(shape.inputs, shape.units);
    auto panels = packed<T>(weights.view());
    for (const Panels<T>& factor : {Panels<T>::plain(weights.view()), panels.panels()}) {
      auto out = this->integers(shape.rows, shape.inputs);
      auto expected = this->copy(out);
      for (const bool one_sample : {false, true}) {
        if (one_sample && shape.rows > 1) continue;
        for (const bool accumulate : {true, false}) {
          kernels::affine_input_gradient<T>(grad_out.view(), factor, accumulate, out.view(),
                                            one_sample);
          naive::input_gradient<T>(grad_out.view(), weights.view(), accumulate, expected.view());
          ASSERT_TRUE(this->equal(out, expected)) << shape << ", accumulate: " << accumulate;
        }
      }
      ASSERT_TRUE(out.frame_is_whole()) << shape;
    }
  }
}

TYPED_TEST(Affine, GradientEqualsTheNaiveLoopForEveryShape) {
  using T = TypeParam;
  for (const ProductShape& shape : shapes()) {
    const auto x = this->integers(shape.rows, shape.inputs);
    const auto grad_out = this->integers(shape.rows, shape.units);
    const Range all{0, shape.inputs};
    for (const bool bias : {false, true}) {
      auto out = this->integers(shape.inputs + (bias ? 1 : 0), shape.units);
      auto expected = this->copy(out);
      const MatrixView<T> naive_weights = expected.view().middle_rows(0, shape.inputs);
      T* const naive_bias = expected.view().row(shape.inputs);
      for (const bool accumulate : {true, false}) {
        kernels::affine_gradient<T>(x.rows(), all, grad_out.view(), accumulate,
                                    Panels<T>::plain(out.view()));
        naive::weight_gradient<T>(x.view(), all, grad_out.view(), accumulate, naive_weights);
        if (bias) naive::bias_gradient<T>(grad_out.view(), accumulate, naive_bias);
        ASSERT_TRUE(this->equal(out, expected)) << shape << ", accumulate: " << accumulate;
      }
      ASSERT_TRUE(out.frame_is_whole()) << shape << ", bias: " << bias;
    }
  }
}

// As a fit has it: in panels, with what the optimizer will change beside it, which only it may.
TYPED_TEST(Affine, GradientInPanelsIsTheSameAndLeavesThetaToTheOptimizer) {
  using T = TypeParam;
  for (const ProductShape& shape : shapes()) {
    const auto x = this->integers(shape.rows, shape.inputs);
    const auto grad_out = this->integers(shape.rows, shape.units);
    const Range all{0, shape.inputs};
    auto plain = this->integers(shape.inputs + 1, shape.units);
    auto in_panels = packed<T>(plain.view());
    const auto theta = this->integers(shape.inputs + 1, shape.units);
    auto packed_theta = packed<T>(theta.view());
    auto first = packed<T>(theta.view());
    auto second = packed<T>(theta.view());
    const Descent<T> step{packed_theta.panels(), {first.panels().data, second.panels().data}};
    for (const bool accumulate : {true, false}) {
      const auto write = [&](const Panels<T>& to, const Descent<T>& beside) {
        kernels::affine_gradient<T>(x.rows(), all, grad_out.view(), accumulate, to, beside);
      };
      auto expected = this->copy(plain);
      write(Panels<T>::plain(expected.view()), {});
      write(Panels<T>::plain(plain.view()), step);
      write(in_panels.panels(), step);
      ASSERT_TRUE(this->equal(plain, expected)) << shape << ", accumulate: " << accumulate;
      ASSERT_TRUE(this->equal(in_panels, expected)) << shape << ", accumulate: " << accumulate;
      ASSERT_TRUE(plain.frame_is_whole()) << shape;
    }
    for (PackedMatrix<T>* kept : {&packed_theta, &first, &second}) {
      ASSERT_TRUE(this->equal(*kept, theta)) << shape;
    }
  }
}

// θ ← θ - γ g, with γ = 2.
TYPED_TEST(Affine, DescentsAreTheirRuleWithTheGradient) {
  using T = TypeParam;
  const auto by_hand = [](const DescentRule<T>& rule, MatrixView<const T> gradient,
                          MatrixView<T> theta, MatrixView<T> velocity) {
    for (Index i = 0; i < theta.rows; ++i) {
      for (Index j = 0; j < theta.cols; ++j) {
        const T pull = -rule.rate * gradient(i, j);
        T& v = velocity(i, j) = rule.momentum * velocity(i, j) + pull;
        theta(i, j) += rule.nesterov ? rule.momentum * v + pull : v;
      }
    }
  };
  const auto rules = {DescentRule<T>{2}, DescentRule<T>{2, 3}, DescentRule<T>{2, 3, true}};
  for (const ProductShape& shape : shapes()) {
    const auto x = this->integers(shape.rows, shape.inputs);
    const auto grad_out = this->integers(shape.rows, shape.units);
    auto gradient = this->integers(shape.inputs + 1, shape.units);
    auto memory = this->integers(shape.inputs + 1, shape.units);
    const Range all{0, shape.inputs};
    naive::weight_gradient<T>(x.view(), all, grad_out.view(), false,
                              gradient.view().middle_rows(0, shape.inputs));
    naive::bias_gradient<T>(grad_out.view(), false, gradient.view().row(shape.inputs));
    for (const DescentRule<T>& rule : rules) {
      auto theta = this->integers(shape.inputs + 1, shape.units);
      Framed<T> velocity(shape.inputs + 1, shape.units, theta.view().stride);
      this->refill(velocity.view());
      auto packed_theta = packed<T>(theta.view());
      auto packed_velocity = packed<T>(velocity.view());
      auto expected = this->copy(theta);
      auto expected_velocity = this->copy(velocity);
      by_hand(rule, gradient.view(), expected.view(), expected_velocity.view());

      const bool moves = rule.momentum != 0;
      const auto descend = [&](const Panels<T>& to, T* v) {
        kernels::affine_gradient<T>(x.rows(), all, grad_out.view(), false,
                                    Panels<T>::plain(memory.view()),
                                    {to, {moves ? v : nullptr}, &rule});
      };
      descend(Panels<T>::plain(theta.view()), velocity.view().data);
      descend(packed_theta.panels(), packed_velocity.panels().data);
      ASSERT_TRUE(this->equal(theta, expected)) << shape;
      ASSERT_TRUE(!moves || this->equal(velocity, expected_velocity)) << shape;
      ASSERT_TRUE(theta.frame_is_whole() && memory.frame_is_whole()) << shape;
      ASSERT_TRUE(velocity.frame_is_whole()) << shape;
      ASSERT_TRUE(this->equal(packed_theta, expected)) << shape << " packed";
      ASSERT_TRUE(!moves || this->equal(packed_velocity, expected_velocity)) << shape << " packed";
    }
  }
}

// Of L + R: g + l1 sign(w) + l2 w, of weights and biases with penalties of their own, or none.
TYPED_TEST(Affine, PenalizedGradientsAndDescentsAreThoseOfTheLossAndThePenalty) {
  using T = TypeParam;
  const PenaltySlopes<T> square{0, 2}, both{3, 2};
  const std::vector<BlockPenalty<T>> penalties = {{square, {}}, {both, square}, {{}, both}};
  const DescentRule<T> plain_rule{2}, moving_rule{2, 3};
  for (const ProductShape& shape : shapes()) {
    const BlockPenalty<T>& penalty = penalties[static_cast<std::size_t>(shape.units % 3)];
    const auto x = this->integers(shape.rows, shape.inputs);
    const auto grad_out = this->integers(shape.rows, shape.units);
    const Range all{0, shape.inputs};
    auto theta = this->integers(shape.inputs + 1, shape.units);
    auto expected = this->copy(theta);
    auto packed_theta = packed<T>(theta.view());
    naive::weight_gradient<T>(x.view(), all, grad_out.view(), false,
                              expected.view().middle_rows(0, shape.inputs));
    naive::bias_gradient<T>(grad_out.view(), false, expected.view().row(shape.inputs));
    for (Index i = 0; i <= shape.inputs; ++i) {
      const PenaltySlopes<T>& slopes = i < shape.inputs ? penalty.weights : penalty.biases;
      for (Index j = 0; j < shape.units; ++j) {
        const T w = theta.view()(i, j);
        const T sign = w > 0 ? T{1} : w < 0 ? T{-1} : T{0};
        expected.view()(i, j) += slopes.l1 * sign + slopes.l2 * w;
      }
    }
    const auto run = [&](const Panels<T>& to, const Descent<T>& descent) {
      kernels::affine_gradient<T>(x.rows(), all, grad_out.view(), false, to, descent);
    };
    const Panels<T> plain_place = Panels<T>::plain(theta.view());
    auto stored = this->integers(shape.inputs + 1, shape.units);
    auto in_panels = packed<T>(stored.view());
    run(Panels<T>::plain(stored.view()), {plain_place, {}, nullptr, &penalty});
    run(in_panels.panels(), {packed_theta.panels(), {}, nullptr, &penalty});
    ASSERT_TRUE(this->equal(stored, expected)) << shape;
    ASSERT_TRUE(this->equal(in_panels, expected)) << shape << " packed";
    ASSERT_TRUE(stored.frame_is_whole()) << shape;

    // Steps by that gradient, with a velocity of zeros or without: the same twice.
    for (const DescentRule<T>& rule : {plain_rule, moving_rule}) {
      const bool moves = rule.momentum != 0;
      auto moved = this->copy(theta);
      auto packed_moved = packed<T>(theta.view());
      Framed<T> plain_velocity(shape.inputs + 1, shape.units, moved.view().stride);
      for (Index i = 0; i <= shape.inputs; ++i) {
        std::fill_n(plain_velocity.view().row(i), shape.units, T{0});
      }
      auto velocity = packed<T>(plain_velocity.view());
      run(in_panels.panels(), {Panels<T>::plain(moved.view()),
                               {moves ? plain_velocity.view().data : nullptr},
                               &rule,
                               &penalty});
      run(in_panels.panels(),
          {packed_moved.panels(), {moves ? velocity.panels().data : nullptr}, &rule, &penalty});
      auto after = this->copy(theta);
      for (Index i = 0; i <= shape.inputs; ++i) {
        for (Index j = 0; j < shape.units; ++j) {
          after.view()(i, j) -= rule.rate * expected.view()(i, j);
        }
      }
      ASSERT_TRUE(this->equal(moved, after)) << shape << ", moves: " << moves;
      ASSERT_TRUE(this->equal(packed_moved, after)) << shape << " packed, moves: " << moves;
      ASSERT_TRUE(moved.frame_is_whole() && plain_velocity.frame_is_whole()) << shape;
    }
  }
}

TYPED_TEST(Affine, WeightGradientOfEveryRangeIsThosePartsOfTheWhole) {
  using T = TypeParam;
  const auto x = this->integers(9, 29);
  const auto grad_out = this->integers(9, 19);
  for (Index begin = 0; begin < 29; ++begin) {
    for (Index end = begin; end <= 29; ++end) {
      auto out = this->integers(end - begin, 19);
      auto expected = this->copy(out);
      kernels::affine_gradient<T>(x.rows(), {begin, end}, grad_out.view(), true,
                                  Panels<T>::plain(out.view()));
      naive::weight_gradient<T>(x.view(), {begin, end}, grad_out.view(), true, expected.view());
      ASSERT_TRUE(this->equal(out, expected)) << begin << " .. " << end;
      ASSERT_TRUE(out.frame_is_whole()) << begin << " .. " << end;
    }
  }
}

// As a sanitizer sees it: each row has memory of its own.
TYPED_TEST(Affine, WeightGradientReadsNothingBeyondARow) {
  using T = TypeParam;
  constexpr Index rows = 60, units = 70;
  const auto grad_out = this->integers(rows, units);
  for (Index inputs = 1; inputs <= 110; inputs += inputs == 30 ? 60 : 1) {
    const auto x = this->integers(rows, inputs);
    std::vector<std::vector<T>> samples;
    std::vector<const T*> list;
    for (Index i = 0; i < rows; ++i) {
      samples.emplace_back(x.view().row(i), x.view().row(i) + inputs);
      list.push_back(samples.back().data());
    }
    auto out = this->integers(inputs, units);
    auto expected = this->copy(out);
    kernels::affine_gradient<T>({list.data(), rows, inputs}, {0, inputs}, grad_out.view(), false,
                                Panels<T>::plain(out.view()));
    naive::weight_gradient<T>(x.view(), {0, inputs}, grad_out.view(), false, expected.view());
    ASSERT_TRUE(this->equal(out, expected)) << inputs;
  }
}

TYPED_TEST(Affine, BiasGradientEqualsTheNaiveLoopForEveryShape) {
  using T = TypeParam;
  for (Index rows = 1; rows <= 40; ++rows) {
    const auto x = this->integers(rows, 1);
    for (Index units = 1; units <= 40; ++units) {
      const auto grad_out = this->integers(rows, units);
      auto out = this->integers(1, units);
      auto expected = this->copy(out);
      for (const bool accumulate : {true, false}) {
        kernels::affine_gradient<T>(x.rows(), {0, 0}, grad_out.view(), accumulate,
                                    Panels<T>::plain(out.view()));
        naive::bias_gradient<T>(grad_out.view(), accumulate, expected.view().data);
        ASSERT_TRUE(this->equal(out, expected)) << rows << " x " << units;
      }
      ASSERT_TRUE(out.frame_is_whole()) << rows << " x " << units;
    }
  }
}

// Real numbers, where another order of the same sum would show.
template <class T>
struct Products {
  Matrix<T> out{61, 45}, grad_inputs{61, 37}, grad_weights{37, 45};
  bool operator==(const Products& other) const {
    return test::equal<T>(out.view(), other.out.view()) &&
           test::equal<T>(grad_inputs.view(), other.grad_inputs.view()) &&
           test::equal<T>(grad_weights.view(), other.grad_weights.view());
  }
};

TYPED_TEST(Affine, PartsOfTheRowsAndColumnsHaveTheBitsOfTheWhole) {
  using T = TypeParam;
  Random random(3);
  const auto x = random_matrix<T>(61, 37, random);
  auto block = random_matrix<T>(38, 45, random);
  const auto grad_out = random_matrix<T>(61, 45, random);
  auto panels = packed<T>(block.view());
  const auto run = [&](Index part, bool pack, Index columns) {
    Products<T> products;
    const Panels<T> parameters = pack ? panels.panels() : Panels<T>::plain(block.view());
    for (Index i = 0; i < 61; i += part) {
      const Index count = std::min(part, 61 - i);
      for (Index j = 0; j < 45; j += columns) {
        const Index width = std::min(columns, 45 - j);
        kernels::affine<T>(x.rows().middle_rows(i, count),
                           parameters.middle_rows(0, 37).middle_columns(j, width), true,
                           products.out.view().middle_rows(i, count).middle_columns(j, width));
      }
      kernels::affine_input_gradient<T>(grad_out.view().middle_rows(i, count),
                                        parameters.middle_rows(0, 37), false,
                                        products.grad_inputs.view().middle_rows(i, count));
    }
    for (Index k = 0; k < 37; k += part) {
      const Range range{k, std::min<Index>(k + part, 37)};
      kernels::affine_gradient<T>(
          x.rows(), range, grad_out.view(), false,
          Panels<T>::plain(products.grad_weights.view()).middle_rows(k, range.size()));
    }
    return products;
  };
  const Products<T> whole = run(61, false, 45);
  for (const Index part : {1, 2, 5, 6, 7, 12, 13, 30}) {
    for (const bool pack : {false, true}) {
      EXPECT_TRUE(run(part, pack, 45) == whole) << part << " rows at a time, packed: " << pack;
      EXPECT_TRUE(run(part, pack, panel_columns<T>) == whole) << part << " rows, packed: " << pack;
    }
  }
}

TYPED_TEST(Affine, RowsOfWideWeightsHaveTheBitsOfAllTogether) {
  using T = TypeParam;
  Random random(4);
  const auto x = random_matrix<T>(30, 600, random);
  auto block = random_matrix<T>(601, 1100, random);
  const auto weights = Panels<T>::plain(block.view()).middle_rows(0, 600);
  Matrix<T> together(30, 1100);
  Matrix<T> alone(30, 1100);
  kernels::affine<T>(x.rows(), weights, true, together.view());
  for (Index i = 0; i < 30; ++i) {
    kernels::affine<T>(x.rows().middle_rows(i, 1), weights, true, alone.view().middle_rows(i, 1));
  }
  EXPECT_TRUE(test::equal<T>(together.view(), alone.view()));
}

TYPED_TEST(Affine, ASampleAloneHasTheBitsOfABatchForEveryWidthOfATile) {
  using T = TypeParam;
  Random random(6);
  const auto x = random_matrix<T>(2, 21, random);
  for (Index units = 2; units <= (kernels::row_vectors + 1) * kernels::lanes<T>; ++units) {
    auto block = random_matrix<T>(22, units, random);
    const auto weights = Panels<T>::plain(block.view()).middle_rows(0, 21);
    Matrix<T> together(2, units);
    Matrix<T> alone(1, units);
    kernels::affine<T>(x.rows(), weights, true, together.view());
    kernels::affine<T>(x.rows().middle_rows(1, 1), weights, true, alone.view());
    EXPECT_TRUE(test::equal<T>(together.view().middle_rows(1, 1), alone.view())) << units;
  }
}

TYPED_TEST(Affine, RowsOfAFewColumnsHaveTheBitsOfAllTogetherWhereverTheyLie) {
  using T = TypeParam;
  Random random(7);
  for (Index inputs = 60; inputs <= 69; ++inputs) {
    for (const Index units : {Index{2}, kernels::lanes<T>, kernels::lanes<T> + 1}) {
      const auto x = random_matrix<T>(40, inputs, random);
      auto block = random_matrix<T>(inputs + 1, units, random);
      const auto weights = Panels<T>::plain(block.view()).middle_rows(0, inputs);
      Matrix<T> together(40, units);
      Matrix<T> alone(40, units);
      Matrix<T> apart(40, units);
      kernels::affine<T>(x.rows(), weights, true, together.view());
      for (Index i = 0; i < 40; ++i) {
        kernels::affine<T>(x.rows().middle_rows(i, 1), weights, true,
                           alone.view().middle_rows(i, 1));
      }
      Rows<T> rows = x.rows();
      rows.stride = 0;  // as of rows that may lie anywhere
      kernels::affine<T>(rows, weights, true, apart.view());
      EXPECT_TRUE(test::equal<T>(together.view(), alone.view())) << inputs << " x " << units;
      EXPECT_TRUE(test::equal<T>(together.view(), apart.view())) << inputs << " x " << units;
    }
  }
}

TYPED_TEST(Affine, ALastColumnHasTheBitsOfTheWholeAsAPartOfItsOwn) {
  using T = TypeParam;
  constexpr Index units = panel_columns<T> + 1;
  Random random(5);
  const auto x = random_matrix<T>(20, 37, random);
  auto block = random_matrix<T>(38, units, random);
  auto panels = packed<T>(block.view());
  const auto weights = panels.panels().middle_rows(0, 37);
  Matrix<T> whole(20, units);
  Matrix<T> parts(20, units);
  kernels::affine<T>(x.rows(), Panels<T>::plain(block.view()).middle_rows(0, 37), true,
                     whole.view());
  for (const Range part : {Range{0, units - 1}, Range{units - 1, units}}) {
    kernels::affine<T>(x.rows(), weights.middle_columns(part), true,
                       parts.view().middle_columns(part));
  }
  EXPECT_TRUE(test::equal<T>(whole.view(), parts.view()));
}

}  // namespace
}  // namespace nnbind::test
