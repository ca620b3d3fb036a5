// Messages: where, what came, what was expected.
#include <gtest/gtest.h>

#include "data.hpp"
#include "expect_message.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

TEST(Messages, NameWhereWhatCameAndWhatWasExpected) {
  Problem<double> problem(10, 4, 3);
  auto network = mixed();
  const std::vector<double> start = theta_of(network);
  const auto fitting = [&](const Dataset<double>& data, const FitOptions& options = {},
                           const LossPointer& loss = cross_entropy()) {
    return [&network, data, options, loss] {
      History history;
      fit(network, data, loss, *sgd(constant_rate(0.1)), options, history);
    };
  };
  const Dataset<double> good = problem.classes();

  Dataset<double> data = good;
  data.inputs[0].cols = 3;
  expect_message<ShapeError>("[Network.fit] X has shape (10, 3); expected (n, 4)", fitting(data));
  data = good;
  data.inputs[0].rows = 0;
  expect_message<ShapeError>("[Network.fit] X has shape (0, 4); expected at least one row",
                             fitting(data));
  data = problem.values();
  data.targets[0].values.cols = 2;
  expect_message<ShapeError>("[Network.fit] y has shape (10, 2); expected (10, 3)", fitting(data));
  expect_message<ShapeError>("[Network.fit] y has shape (10,); squared_error expected (10, 3)",
                             fitting(good, {}, squared_error()));

  problem.labels[4] = 3;
  expect_message<OptionError>("[Network.fit] y has the label 3 in row 4; expected 0 <= label < 3",
                              fitting(good));
  problem.labels[4] = 0;
  problem.x.view()(6, 1) = std::nan("");
  expect_message<OptionError>("[Network.fit] X has a NaN in row 6", fitting(good));
  problem.x.view()(6, 1) = 0;
  std::vector<double> weights(10, 1);
  weights[2] = -1;
  data = good;
  data.weights = weights.data();
  expect_message<OptionError>("[Network.fit] sample_weight is -1 in row 2; expected numbers >= 0",
                              fitting(data));

  FitOptions options;
  options.epochs = -1;
  expect_message<OptionError>("[Network.fit] epochs is -1; expected an integer >= 0",
                              fitting(good, options));
  const std::vector<std::int64_t> order{0, 1, 2};
  options = {};
  options.sample_order = order;
  expect_message<ShapeError>("[Network.fit] sample_order has 3 entries; expected 10",
                             fitting(good, options));
  const std::vector<std::int64_t> samples{0, 1, 2, 3}, twice{0, 1, 2, 3, 0, 1, 2, 3};
  options.samples = samples;
  options.sample_order = twice;
  options.epochs = (Index{1} << 62) + 2;  // of which a multiplication by 4 leaves 8
  expect_message<ShapeError>("[Network.fit] sample_order has 8 entries; expected 4",
                             fitting(good, options));
  options = {};
  const std::vector<std::int64_t> beyond{0, 1, 2, 3, 4, 5, 6, 7, 8, 10};
  options.sample_order = beyond;
  expect_message<OptionError>("sample_order has the entry 10; expected 0 <= entry < 10",
                              fitting(good, options));
  options = {};
  options.early_stopping = EarlyStopping{0};
  expect_message<OptionError>("[EarlyStopping] patience is 0; expected an integer >= 1",
                              fitting(good, options));
  EXPECT_EQ(theta_of(network), start);
}

}  // namespace
}  // namespace nnbind::test
