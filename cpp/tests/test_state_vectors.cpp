// The layouts in which an optimizer's vectors may lie.
#include <gtest/gtest.h>

#include <numeric>

#include "expect_message.hpp"
#include "nnbind/error.hpp"
#include "nnbind/state_vectors.hpp"

namespace nnbind::test {
namespace {

constexpr std::size_t vector_count = 2;

/// A node without parameters, and blocks of less than a panel, of whole panels, and of both.
ThetaLayout layout(bool packed) {
  return {{0, 0}, {3, 5, packed}, {2, panel_columns<float>, packed}, {4, 77, packed}, {1, 1}};
}

std::vector<float> numbers(float first) {
  std::vector<float> values(3 * 5 + 2 * panel_columns<float> + 4 * 77 + 1);
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST(StateVectors, AreZerosAtFirst) {
  StateVectors<float> state;
  EXPECT_TRUE(state.empty());
  state.arrange(vector_count, layout(true));
  EXPECT_EQ(state.in_order(1), std::vector<float>(numbers(0).size()));
}

TEST(StateVectors, KeepTheirNumbersInEachLayout) {
  StateVectors<float> state;
  state.arrange(vector_count, {{.rows = 1, .cols = static_cast<Index>(numbers(0).size())}});
  state.assign(0, numbers(1));
  state.assign(1, numbers(1000));
  for (const bool packed : {true, false, true}) {
    state.arrange(vector_count, layout(packed));
    EXPECT_EQ(state.in_order(0), numbers(1));
    EXPECT_EQ(state.in_order(1), numbers(1000));
  }
}

TEST(StateVectors, AreNoMoreThanAnUpdateHasRoomFor) {
  StateVectors<float> state;
  expect_message<OptionError>("[Optimizer] has 3 state vectors; expected at most 2",
                              [&] { state.arrange(3, layout(true)); });
  EXPECT_TRUE(state.empty());
}

TEST(StateVectors, HaveBlocksThatLieAsTheLayoutSays) {
  for (const bool packed : {true, false}) {
    StateVectors<float> state;
    state.arrange(1, layout(packed));
    state.assign(0, numbers(0));
    const Panels<float> block = state.block(0, 3);
    EXPECT_EQ(block.is_packed(), packed);
    const Index begin = 3 * 5 + 2 * panel_columns<float>;
    for (Index i = 0; i < 4; ++i) {
      for (Index j = 0; j < 77; ++j) {
        EXPECT_EQ(block.column(j)[i * block.stride], static_cast<float>(begin + i * 77 + j));
      }
    }
  }
}

}  // namespace
}  // namespace nnbind::test
