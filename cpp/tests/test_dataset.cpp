// What is refused before a training begins.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "kernels/finite.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind {
namespace {

template <class T>
class Finite : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Finite, Types);

TYPED_TEST(Finite, FindsOneBadValueWhereverItStands) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    for (std::size_t count = 1; count <= 40; ++count) {
      // Largest values, whose sum would overflow, and a bad one beyond the end.
      std::vector<TypeParam> values(count + 1, Limits::max());
      values[count] = bad;
      EXPECT_TRUE(kernels::all_finite<TypeParam>({values.data(), 1, static_cast<Index>(count), 0}));
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = bad;
        EXPECT_FALSE(
            kernels::all_finite<TypeParam>({values.data(), 1, static_cast<Index>(count), 0}));
        values[i] = Limits::lowest();
      }
    }
  }
}

TYPED_TEST(Finite, LooksAtRowsAndNotAtWhatLiesBetween) {
  constexpr TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  const Index rows = 3;
  for (const Index cols : {1, 7, 16, 37}) {
    for (const Index stride : {cols, cols + 5}) {
      std::vector<TypeParam> values(static_cast<std::size_t>(rows * stride), nan);
      const MatrixView<TypeParam> view{values.data(), rows, cols, stride};
      for (Index i = 0; i < rows; ++i) std::fill_n(view.row(i), cols, TypeParam{1});
      EXPECT_TRUE(kernels::all_finite<TypeParam>(view));
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < cols; ++j) {
          view(i, j) = nan;
          EXPECT_FALSE(kernels::all_finite<TypeParam>(view)) << i << ", " << j;
          view(i, j) = 1;
        }
      }
    }
  }
}

TEST(DatasetThreads, NameTheFirstBadRowWhoeverFindsIt) {
  const Index rows = 4000, cols = 600;
  const auto network = mlp<float>(cols, {}, 1);
  Matrix<float> x(rows, cols);
  Matrix<float> y(rows, 1);
  const Dataset<float> data{x.view(), y.view()};
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    for (const Index bad : {rows - 1, rows / 2, rows / 3, Index{0}}) {
      x.view()(bad, cols - 1) = std::numeric_limits<float>::quiet_NaN();
      const std::string expected = "[fit] X has a NaN in row " + std::to_string(bad);
      try {
        check(data, network, Losses(squared_error()), "fit", "");
        ADD_FAILURE() << expected;
      } catch (const OptionError& error) {
        EXPECT_EQ(error.what(), expected) << threads;
      }
    }
    for (Index i = 0; i < rows; ++i) x.view()(i, cols - 1) = 0;
    EXPECT_NO_THROW(check(data, network, Losses(squared_error()), "fit", ""));
  }
  reset_num_threads();
}

TEST(Dataset, HasNoPartBeyondItsEnds) {
  Matrix<float> x(5, 2), y(5, 1);
  const Dataset<float> data{x.view(), y.view()};
  EXPECT_EQ(data.part(5, 0).size(), 0);
  constexpr Index most = std::numeric_limits<Index>::max();
  using Part = std::pair<Index, Index>;
  for (const auto& [first, count] : {Part{-1, 2}, {0, -1}, {2, 4}, {6, 0}, {1, most}}) {
    EXPECT_THROW((void)data.part(first, count), OptionError) << first;
  }
}

TEST(Dataset, OfRowsBelowZeroIsRefused) {
  const auto network = mlp<float>(2, {}, 1);
  Matrix<float> x(5, 2), y(5, 1);
  const Dataset<float> data{{x.view().data, -5, 2}, {y.view().data, -5, 1}};
  EXPECT_THROW((void)evaluate(network, data, squared_error()), ShapeError);
}

TEST(Dataset, WithANullPointerIsRefused) {
  const auto network = mlp<float>(2, {}, 1);
  Matrix<float> x(5, 2), y(5, 1);
  const MatrixView<const float> no_x{nullptr, 5, 2, 2}, no_y{nullptr, 5, 1, 1};
  const auto refused = [&](const Dataset<float>& data, const Losses& losses) {
    EXPECT_THROW((void)evaluate(network, data, losses), OptionError);
  };
  refused({no_x, y.view()}, squared_error());
  refused({x.view(), no_y}, squared_error());
  refused({x.view(), y.view()}, LossPointer{});
  refused({x.view(), y.view()}, std::vector<Losses::Term>(1));
}

}  // namespace
}  // namespace nnbind
