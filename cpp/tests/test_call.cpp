// Calls: lambdas in place.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "allocations.hpp"
#include "nnbind/call.hpp"

namespace nnbind::test {
namespace {

TEST(Call, RunsWhatItWasMadeFrom) {
  int sum = 0;
  const Call add = [&sum, three = 3] { sum += three; };
  add();
  const Call copy = add;
  copy();
  EXPECT_EQ(sum, 6);
}

TEST(Call, IsEmptyUntilItIsMadeFromSomething) {
  Call call;
  EXPECT_FALSE(call);
  call = [] {};
  EXPECT_TRUE(call);
  call = {};
  EXPECT_FALSE(call);
}

TEST(Call, AllocatesNothing) {
  int runs = 0;
  std::vector<Call> calls(2);
  const std::uint64_t before = allocations();
  for (Call& call : calls) {
    call = [&runs, ones = std::array<int, 60>{1}] { runs += ones[0]; };
  }
  for (const Call& call : calls) call();
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace nnbind::test
