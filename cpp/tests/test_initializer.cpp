// Initializers: the variances that their names promise.
#include <gtest/gtest.h>

#include <cmath>

#include "nnbind/error.hpp"
#include "nnbind/initializer.hpp"

namespace nnbind::test {
namespace {

TEST(Initializer, DrawsWhatItsNamePromises) {
  constexpr Index inputs = 300;
  constexpr Index units = 200;
  const std::vector<std::pair<std::string_view, double>> variances{
      {"zeros", 0},
      {"normal", 0.05 * 0.05},
      {"uniform", 0.1 * 0.1 / 12},
      {"lecun_normal", 1.0 / inputs},
      {"lecun_uniform", 1.0 / inputs},
      {"glorot_normal", 2.0 / (inputs + units)},
      {"glorot_uniform", 2.0 / (inputs + units)},
      {"he_normal", 2.0 / inputs},
      {"he_uniform", 2.0 / inputs}};
  for (const auto& [name, variance] : variances) {
    Random random(1);
    Matrix<double> block(inputs + 1, units);
    Initializer(name).fill(block.view(), true, random, "layer");
    double square = 0;
    double most = 0;
    for (Index i = 0; i < inputs; ++i) {
      for (Index j = 0; j < units; ++j) {
        square += std::pow(block.view()(i, j), 2);
        most = std::max(most, std::abs(block.view()(i, j)));
      }
    }
    EXPECT_NEAR(square / (inputs * units), variance, 0.03 * variance) << name;
    if (name.ends_with("uniform")) {
      EXPECT_LE(most, std::sqrt(3 * variance)) << name;
    }
    for (Index j = 0; j < units; ++j) EXPECT_EQ(block.view()(inputs, j), 0) << name << "'s bias";
  }
}

TEST(Initializer, TakesTheNumbersInPythonsOrder) {
  Random random(1);
  Matrix<double> block(2, 2);
  Initializer::normal(0, 1.5).fill(block.view(), false, random, "layer");
  EXPECT_EQ(block.view()(1, 1), 1.5);
  Initializer::normal(0).fill(block.view(), false, random, "layer");
  EXPECT_EQ(block.view()(1, 1), 0);
}

TEST(Initializer, OfAnArrayIsThatArrayAndMustFit) {
  const Initializer array = Initializer::array({1, 2, 3, 4, 5, 6}, 3, 2);
  Random random(1);
  Matrix<float> block(3, 2), wide(3, 3);
  array.fill(block.view(), true, random, "layer");
  EXPECT_EQ(block.view()(2, 1), 6);
  EXPECT_THROW(array.fill(wide.view(), true, random, "layer"), ShapeError);
}

TEST(Initializer, OfAnArrayNeedsAllOfItsValues) {
  using Shape = std::pair<Index, Index>;
  for (const auto& [rows, cols] :
       {Shape{3, 3}, {2, 2}, {-3, -2}, {6, 0}, {0, 2}, {Index{1} << 62, 4}}) {
    EXPECT_THROW(Initializer::array({1, 2, 3, 4, 5, 6}, rows, cols), ShapeError) << rows;
  }
}

}  // namespace
}  // namespace nnbind::test
