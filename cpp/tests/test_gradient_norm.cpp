// Clipping by the norm of a gradient, whoever computes which part of it, and where that lies.
#include "gradient_norm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

template <class T>
class Norm : public ::testing::Test {
 protected:
  static constexpr Index inputs = 60, units = 100;

  Norm() : network_(mlp<T>(inputs, {}, units)), gradient_(inputs + 1, units) {
    Random random(3);
    fill_uniform(gradient_.view(), random);
  }

  /// The scale, with the gradient taken in by blocks of so many rows and columns.
  double scale(double clip_norm, Index rows = inputs + 1, Index columns = units,
               bool packs = false) {
    GradientNorm<T> norm(network_.graph());
    auto in_panels = packed<T>(gradient_.view());
    const auto all = packs ? in_panels.panels() : Panels<T>::plain(gradient_.view());
    for (Index i = 0; i <= inputs; i += rows) {
      for (Index j = 0; j < units; j += columns) {
        const Block block{{i, std::min(i + rows, inputs + 1)}, {j, std::min(j + columns, units)}};
        Panels<T> part = all.middle_rows(i, block.rows.size()).middle_columns(j, 0);
        part.cols = block.cols.size();
        norm.add(network_.output_ids()[0], block, part);
      }
    }
    return norm.scale(clip_norm);
  }
  double by_hand() const {
    double square = 0;
    for (Index i = 0; i <= inputs; ++i) {
      for (Index j = 0; j < units; ++j) {
        const double g = gradient_.view()(i, j);
        square += g * g;
      }
    }
    return std::sqrt(square);
  }

  Network<T> network_;
  Matrix<T> gradient_;
};

using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Norm, Types);

TYPED_TEST(Norm, IsTheRootOfTheSumOfSquares) {
  const double norm = this->by_hand();
  EXPECT_NEAR(this->scale(0.5), 0.5 / norm, 1e-6 / norm);
  EXPECT_EQ(this->scale(2 * norm), 1);
}

TYPED_TEST(Norm, HasTheSameBitsHoweverItIsSharedOut) {
  const double whole = this->scale(0.5);
  for (const Index rows : {rows_of_shares, 4 * rows_of_shares, this->inputs + 1}) {
    for (const Index columns : {panel_columns<TypeParam>, 2 * panel_columns<TypeParam>}) {
      for (const bool packs : {false, true}) {
        EXPECT_EQ(this->scale(0.5, rows, columns, packs), whole) << rows << ", " << columns;
      }
    }
  }
}

// The squares of floats fit a double.
TYPED_TEST(Norm, OverflowsOnlyWhereADoubleDoes) {
  for (const double large : {1e19, 1e30}) {
    this->gradient_.view()(7, 50) = static_cast<TypeParam>(large);
    EXPECT_NEAR(this->scale(1) * large, 1, 1e-6);
  }
}

TYPED_TEST(Norm, LeavesWhatIsNoNumber) {
  this->gradient_.view()(60, 99) = std::numeric_limits<TypeParam>::quiet_NaN();
  EXPECT_EQ(this->scale(1), 1);
}

}  // namespace
}  // namespace nnbind::test
