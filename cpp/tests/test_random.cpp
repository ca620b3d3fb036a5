// The generator against its published answers, and its draws against what they are drawn from.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "data.hpp"
#include "naive.hpp"
#include "nnbind/random.hpp"
#include "nnbind/trainer.hpp"
#include "philox.hpp"

namespace nnbind::test {
namespace {

using Block = std::array<std::uint32_t, 4>;

/// Block i of the 16 that are drawn together.
Block block_of(const philox::Words& words, std::size_t i) {
  return {words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]};
}

Block first_block(const philox::Counter& counter, std::uint64_t key) {
  philox::Words words;
  philox::draw<3>(key, counter, words);
  return block_of(words, 0);
}

// Random123's kat_vectors, "philox4x32 10".
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(first_block({0, 0, 0, 0}, 0), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(first_block({ones, ones, ones, ones}, ~std::uint64_t{0}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(first_block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

template <std::size_t counting>
void expect_counting() {
  constexpr std::uint64_t key = 0xfedcba9876543210;
  philox::Counter counter{0x80000001, 0xfffffff0, 3, 0x12345678};
  philox::Words words;
  philox::draw<counting>(key, counter, words);
  for (std::size_t i = 0; i < philox::counters; ++i) {
    EXPECT_EQ(block_of(words, i), naive::philox(counter, key)) << "word " << counting << " + " << i;
    ++counter[counting];
  }
}

TEST(Philox, CountsInTheWordAskedFor) {
  expect_counting<0>();
  expect_counting<1>();
  expect_counting<2>();
  expect_counting<3>();
}

TEST(Random, DrawsTheSameNumbersAsEver) {
  Random random(1, 2);
  EXPECT_EQ(random.bits(), 0x8cedc5d3e73404cfU);
  EXPECT_EQ(random.uniform(), 0x1.415fbba7e0e2p-5);
  EXPECT_EQ(random.normal(), 0x1.0f7c9ba47b30cp+0);
  EXPECT_EQ(random.normal(), -0x1.99765973d5d2fp+0);
  EXPECT_EQ(random.below(1000), 353U);
  std::vector<std::int64_t> order(8);
  epoch_order(1, 2, order);
  EXPECT_EQ(order, (std::vector<std::int64_t>{2, 7, 3, 1, 6, 5, 0, 4}));
}

TEST(Random, StreamsAndSeedsDiffer) {
  std::set<std::uint64_t> words;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::uint64_t stream = 0; stream < 20; ++stream) {
      Random random(seed, stream);
      for (int k = 0; k < 5; ++k) words.insert(random.bits());
    }
  }
  EXPECT_EQ(words.size(), 20 * 20 * 5);
}

/// Mean of f over draws, in standard errors from `expected`; `deviation` is that of f.
template <class F>
double deviations(double expected, double deviation, F f) {
  constexpr int draws = 200000;
  double sum = 0;
  for (int k = 0; k < draws; ++k) sum += f();
  return std::abs(sum / draws - expected) / (deviation / std::sqrt(double{draws}));
}

TEST(Random, UniformDrawsHaveTheMomentsOfTheUniform) {
  Random random(3);
  EXPECT_LT(deviations(0.5, std::sqrt(1 / 12.0), [&] { return random.uniform(); }), 4);
  EXPECT_LT(deviations(1 / 3.0, std::sqrt(4 / 45.0), [&] { return std::pow(random.uniform(), 2); }),
            4);
  for (int k = 0; k < 1000; ++k) {
    const double u = random.uniform();
    EXPECT_TRUE(u >= 0 && u < 1 && u == std::ldexp(std::floor(std::ldexp(u, 53)), -53));
  }
}

TEST(Random, NormalDrawsHaveTheMomentsOfTheNormal) {
  Random random(4);
  EXPECT_LT(deviations(0, 1, [&] { return random.normal(); }), 4);
  EXPECT_LT(deviations(1, std::sqrt(2), [&] { return std::pow(random.normal(), 2); }), 4);
  EXPECT_LT(deviations(0, std::sqrt(15), [&] { return std::pow(random.normal(), 3); }), 4);
  EXPECT_LT(deviations(3, std::sqrt(96), [&] { return std::pow(random.normal(), 4); }), 4);
}

// Φ(x) = erfc(-x / √2) / 2 leads back to the probability that was drawn; the slope of x against the
// rounding of Φ is at most 1 / φ(x).
TEST(Random, NormalDrawsAreTheExactQuantiles) {
  Random random(5);
  Random twin(5);
  for (int k = 0; k < 100000; ++k) {
    const long double x = random.normal();
    const auto p = static_cast<long double>(twin.bits() >> 12U) + 0.5L;
    const long double tail = std::min(p, 0x1p52L - p) * 0x1p-52L;
    const long double found = std::erfc(std::abs(x) / std::sqrt(2.0L)) / 2;
    const long double slope = std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846L);
    EXPECT_EQ(x < 0, p < 0x1p51L);
    EXPECT_LE(std::abs(found - tail) / slope, 8e-16L * std::max(std::abs(x), 1.0L)) << "x = " << x;
  }
}

TEST(Random, BelowIsInRangeAndUnbiased) {
  Random random(6);
  for (const std::uint64_t bound : {1U, 2U, 3U, 7U, 10U}) {
    std::vector<double> counts(bound);
    constexpr int draws = 50000;
    for (int k = 0; k < draws; ++k) ++counts.at(random.below(bound));
    const double expected = draws / static_cast<double>(bound);
    for (const double count : counts)
      EXPECT_LT(std::abs(count - expected), 4 * std::sqrt(expected));
  }
  // 3/4 of 2⁶⁴: without the rejection of Lemire's method each third number came twice as often.
  const std::uint64_t huge = std::uint64_t{3} << 62U;
  EXPECT_LT(deviations(1.0 / 3, std::sqrt(2.0 / 9),
                       [&] { return random.below(huge) % 3 == 0 ? 1.0 : 0.0; }),
            4);
}

TEST(Random, ShuffleIsAPermutationAndEachIsAsLikely) {
  std::vector<int> counts(24);
  for (std::uint64_t stream = 0; stream < 24000; ++stream) {
    std::vector<std::int64_t> order(4);
    epoch_order(7, stream, order);
    int rank = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i + 1; j < 4; ++j) {
        rank += (order[j] < order[i]) * std::array{6, 2, 1, 0}[i];
      }
    }
    ++counts[static_cast<std::size_t>(rank)];
    std::ranges::sort(order);
    ASSERT_EQ(order, (std::vector<std::int64_t>{0, 1, 2, 3}));
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 4 * std::sqrt(1000));
}

}  // namespace
}  // namespace nnbind::test
