// The masks of dropout against one decision after the other, over every width and offset.
#include <gtest/gtest.h>

#include "data.hpp"
#include "kernels/dropout.hpp"
#include "naive.hpp"

namespace nnbind::test {
namespace {

using kernels::DropoutPlace;

/// Row i is the mask of the sample place.row + i.
template <class T>
Matrix<T> mask_at(const DropoutPlace& place, double rate, Index rows, Index cols) {
  Matrix<T> ones(rows, cols), mask(rows, cols), out(rows, cols);
  for (Index i = 0; i < rows; ++i) std::fill_n(ones.view().row(i), cols, T{1});
  kernels::dropout<T>(place, rate, ones.view(), mask.view(), out.view());
  return mask;
}

std::vector<float> row_at(const DropoutPlace& place, double rate, Index cols) {
  const Matrix<float> mask = mask_at<float>(place, rate, 1, cols);
  return {mask.view().row(0), mask.view().row(0) + cols};
}

template <class T>
Framed<T> framed(Index cols, Index stride) {
  Framed<T> values(2, cols, stride);
  Random random(7);
  fill_uniform(values.view(), random);
  return values;
}

template <class T>
void expect_naive(const DropoutPlace& place, double rate, Index cols) {
  const auto x = framed<T>(cols, cols + 3), in_place = framed<T>(cols, cols);
  const auto gradient = framed<T>(cols, cols + 2);
  const Framed<T> mask(2, cols, cols + 5), out(2, cols, cols + 1);
  kernels::dropout<T>(place, rate, x.view(), mask.view(), out.view());
  kernels::dropout<T>(place, rate, in_place.view(), mask.view(), in_place.view());
  kernels::multiply_by_mask<T>(mask.view(), gradient.view());
  for (Index i = 0; i < 2; ++i) {
    for (Index j = 0; j < cols; ++j) {
      const T factor =
          naive::dropout_factor<T>(place.key, place.node, place.row + i, place.column + j, rate);
      ASSERT_EQ(mask.view()(i, j), factor) << "column " << j << " of " << cols;
      for (const auto* product : {&out, &in_place, &gradient}) {
        ASSERT_EQ(product->view()(i, j), x.view()(i, j) * factor)
            << "column " << j << " of " << cols;
      }
    }
  }
  for (const auto* written : {&mask, &out, &in_place, &gradient}) {
    ASSERT_TRUE(written->frame_is_whole()) << cols << " columns from " << place.column;
  }
}

template <class T>
class DropoutMask : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(DropoutMask, Types);

TYPED_TEST(DropoutMask, IsTheNaiveOneForEveryWidthAndFirstColumn) {
  const DropoutKey key{0x123456789abcdef0, 0xfedc00000003};
  for (Index cols = 1; cols <= 140; ++cols) {
    for (const Index column : {0, 1, 2, 3, 4, 62, 63, 64, 65, 127}) {
      expect_naive<TypeParam>({key, 5, 1000, column}, 0.3, cols);
    }
  }
}

TYPED_TEST(DropoutMask, IsTheNaiveOneForEveryRate) {
  for (const double rate : {0.0, 0x1p-32, 0.2, 0.5, 0.75, 1 - 0x1p-32, 1 - 0x1p-53}) {
    expect_naive<TypeParam>({{1, 2}, 3, 4, 0}, rate, 100);
  }
}

TEST(Dropout, DropsWhereTheWordIsLessThanTheRate) {
  const DropoutPlace place{{1, 2}, 3, 4, 5};
  const double word = naive::dropout_word(place.key, place.node, place.row, place.column);
  EXPECT_NE(row_at(place, word * 0x1p-32, 1), std::vector<float>{0});
  EXPECT_EQ(row_at(place, (word + 1) * 0x1p-32, 1), std::vector<float>{0});
}

TEST(Dropout, DrawsTheSameMaskAsEver) {
  EXPECT_EQ(row_at({{1, 2}, 3, 4, 0}, 0.5, 8), (std::vector<float>{2, 0, 0, 0, 0, 0, 2, 2}));
}

TEST(Dropout, DropsThePartAskedForAndScalesTheRest) {
  for (const double rate : {0.1, 0.5, 0.9}) {
    double dropped = 0;
    constexpr Index rows = 1000;
    const Matrix<double> mask = mask_at<double>({{1, 2}, 3, 0, 0}, rate, rows, 99);
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < 99; ++j) {
        const double factor = mask.view()(i, j);
        dropped += factor == 0;
        EXPECT_TRUE(factor == 0 || factor == 1 / (1 - rate));
      }
    }
    const double draws = rows * 99;
    EXPECT_NEAR(dropped, rate * draws, 4 * std::sqrt(draws * rate * (1 - rate))) << rate;
  }
}

TEST(Dropout, IsAnotherForEachSeedStepNodeAndRow) {
  const auto mask = [](const DropoutPlace& place) { return row_at(place, 0.5, 64); };
  const auto reference = mask({{1, 2}, 3, 4, 0});
  EXPECT_EQ(mask({{1, 2}, 3, 4, 0}), reference);
  EXPECT_NE(mask({{2, 2}, 3, 4, 0}), reference);
  EXPECT_NE(mask({{1, 3}, 3, 4, 0}), reference);
  EXPECT_NE(mask({{1, 2}, 4, 4, 0}), reference);
  EXPECT_NE(mask({{1, 2}, 3, 5, 0}), reference);
}

}  // namespace
}  // namespace nnbind::test
