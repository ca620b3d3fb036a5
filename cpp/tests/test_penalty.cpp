// R(θ) by blocks: its value, its bits, its slopes.
#include "penalty.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "data.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

template <class T>
class PenaltyOfALayer : public ::testing::Test {
 protected:
  static constexpr Index inputs = 60, units = 100, samples = 4;

  PenaltyOfALayer() : theta_(inputs + 1, units) {
    Random random(3);
    fill_uniform(theta_.view(), random);
    theta_.view()(5, 7) = 0;
  }

  /// A layer with an l1 of 0.5 and an l2 of 0.25 on its weights.
  static Network<T> layer() {
    DenseOptions options;
    options.units = units;
    options.l1 = 0.5;
    options.l2 = 0.25;
    return sequential<T>(inputs, {options});
  }
  static std::vector<Regularizer> regularizers() {
    return {{}, {2, 0}, {0, 3}, {2, 3, true}, {2, 3, true, true}};
  }

  /// Taken in by blocks of so many rows and columns.
  double value(const Regularizer& regularizer, Index rows = inputs + 1, Index columns = units,
               bool packs = false) {
    const Network<T> network = layer();
    Penalty<T> penalty(network.graph(), regularizer);
    auto in_panels = packed<T>(theta_.view());
    const auto all = packs ? in_panels.panels() : Panels<T>::plain(theta_.view());
    for (Index i = 0; i <= inputs; i += rows) {
      for (Index j = 0; j < units; j += columns) {
        const Block block{{i, std::min(i + rows, inputs + 1)}, {j, std::min(j + columns, units)}};
        const Panels<T> part = all.middle_rows(i, block.rows.size());
        penalty.add(network.output_ids()[0], block, part.middle_columns(j, block.cols.size()),
                    samples);
      }
    }
    return penalty.value();
  }

  Matrix<T> theta_;
};

using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(PenaltyOfALayer, Types);

TYPED_TEST(PenaltyOfALayer, IsTheNetworksAndItsOwn) {
  for (const Regularizer& r : this->regularizers()) {
    const double share = r.divide_by_batch_size ? 1.0 / this->samples : 1;
    double expected = 0;
    for (Index i = 0; i <= this->inputs; ++i) {
      const bool weights = i < this->inputs;
      const double part = weights || r.bias ? share : 0;
      for (Index j = 0; j < this->units; ++j) {
        const double w = this->theta_.view()(i, j);
        expected += (part * r.l1 + (weights ? 0.5 : 0)) * std::abs(w) +
                    (part * r.l2 + (weights ? 0.25 : 0)) / 2 * w * w;
      }
    }
    EXPECT_NEAR(this->value(r), expected, 1e-7 * expected) << r.l1 << ", " << r.l2;
  }
}

TYPED_TEST(PenaltyOfALayer, HasTheSameBitsHoweverItIsSharedOut) {
  const Regularizer regularizer{2, 3, true};
  const double whole = this->value(regularizer);
  for (const Index rows : {rows_of_shares, 4 * rows_of_shares, this->inputs + 1}) {
    for (const Index columns : {panel_columns<TypeParam>, 2 * panel_columns<TypeParam>}) {
      for (const bool packs : {false, true}) {
        EXPECT_EQ(this->value(regularizer, rows, columns, packs), whole) << rows << ", " << columns;
      }
    }
  }
}

// The squares of floats fit a double.
TYPED_TEST(PenaltyOfALayer, OverflowsOnlyWhereADoubleDoes) {
  for (const double large : {1e19, 1e30}) {
    this->theta_.view()(7, 50) = static_cast<TypeParam>(large);
    EXPECT_NEAR(this->value({}) / (0.125 * large * large), 1, 1e-6);
  }
}

TYPED_TEST(PenaltyOfALayer, HasTheSlopesThatItAddsToAGradient) {
  using T = TypeParam;
  const Network<T> network = this->layer();
  const NodeId id = network.output_ids()[0];
  for (const Regularizer& r : this->regularizers()) {
    const Penalty<T> penalty(network.graph(), r);
    const auto slopes = penalty.slopes(id, this->samples);
    const double share = r.divide_by_batch_size ? 1.0 / this->samples : 1;
    ASSERT_TRUE(slopes);
    const auto [weights, biases] = *slopes;
    EXPECT_EQ(weights.l1, static_cast<T>(share * r.l1 + 0.5));
    EXPECT_EQ(weights.l2, static_cast<T>(share * r.l2 + 0.25));
    EXPECT_EQ(biases.l1, r.bias ? static_cast<T>(share * r.l1) : T{0});
    EXPECT_EQ(biases.l2, r.bias ? static_cast<T>(share * r.l2) : T{0});

    // Rows 48 .. 60 are the last of the weights and the biases.
    Matrix<T> gradient(13, this->units);
    const MatrixView<T> theta = this->theta_.view().middle_rows(48, 13);
    penalty.add_gradient(id, {{48, 61}, {0, this->units}}, Panels<const T>::plain(theta),
                         this->samples, Panels<T>::plain(gradient.view()));
    const T w = theta(3, 9), b = theta(12, 9);
    EXPECT_NEAR(gradient.view()(3, 9), weights.l2 * w + std::copysign(weights.l1, w), 1e-6);
    EXPECT_NEAR(gradient.view()(12, 9), biases.l2 * b + std::copysign(biases.l1, b), 1e-6);
  }
}

TEST(Penalty, OfNothingIsZero) {
  const auto network = mlp<double>(3, {4}, 2);
  const Penalty<double> penalty(network.graph(), {0, 0, true});
  EXPECT_TRUE(penalty.is_zero());
  EXPECT_EQ(penalty.value(), 0);
  EXPECT_FALSE(penalty.slopes(1, 5));
  EXPECT_FALSE(Penalty<double>(mixed().graph(), {}).is_zero());
}

}  // namespace
}  // namespace nnbind::test
