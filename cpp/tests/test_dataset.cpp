// What is refused before a training begins.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "kernels/finite.hpp"

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
      EXPECT_TRUE(kernels::all_finite(values.data(), static_cast<Index>(count)));
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = bad;
        EXPECT_FALSE(kernels::all_finite(values.data(), static_cast<Index>(count)));
        values[i] = Limits::lowest();
      }
    }
  }
}

}  // namespace
}  // namespace nnbind
