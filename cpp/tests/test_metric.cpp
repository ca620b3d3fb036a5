// Metrics by hand, and their sums over parts of the data.
#include <gtest/gtest.h>

#include "data.hpp"
#include "nnbind/error.hpp"
#include "nnbind/metric.hpp"

namespace nnbind::test {
namespace {

using Row = std::vector<double>;

MetricSums sums_of(const std::vector<Row>& predictions, const std::vector<Row>& targets,
                   const DecisionThreshold& threshold = {}) {
  MetricSums sums(static_cast<Index>(predictions[0].size()));
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    sums.add<double>(predictions[i], targets[i].data(), 0, threshold);
  }
  return sums;
}

TEST(Metrics, AreWhatTheirNamesSay) {
  const MetricSums sums = sums_of({{0.9, 0.2}, {0.3, 0.6}, {0.7, 0.1}}, {{1, 0}, {1, 0}, {1, 1}});
  EXPECT_DOUBLE_EQ(sums.value(Metric::accuracy), 2.0 / 3);  // a tie of the targets: the first
  EXPECT_DOUBLE_EQ(sums.value(Metric::binary_accuracy), 3.0 / 6);
  EXPECT_DOUBLE_EQ(sums.value(Metric::mse), (0.01 + 0.04 + 0.49 + 0.36 + 0.09 + 0.81) / 6);
  EXPECT_DOUBLE_EQ(sums.value(Metric::mae), (0.1 + 0.2 + 0.7 + 0.6 + 0.3 + 0.9) / 6);
}

TEST(Metrics, R2IsOneForTheTruthZeroForTheMeanAndZeroForAMissedConstant) {
  EXPECT_DOUBLE_EQ(sums_of({{1}, {2}, {6}}, {{1}, {2}, {6}}).value(Metric::r2), 1);
  EXPECT_DOUBLE_EQ(sums_of({{3}, {3}, {3}}, {{1}, {2}, {6}}).value(Metric::r2), 0);
  EXPECT_DOUBLE_EQ(sums_of({{3}, {5}}, {{5}, {5}}).value(Metric::r2), 0);
  EXPECT_DOUBLE_EQ(sums_of({{5}, {5}}, {{5}, {5}}).value(Metric::r2), 1);
  EXPECT_DOUBLE_EQ(sums_of({{1, 3}, {2, 3}, {6, 3}}, {{1, 1}, {2, 2}, {6, 6}}).value(Metric::r2),
                   0.5);
}

TEST(Metrics, R2OfAConstantIsZeroInPartsToo) {
  MetricSums merged(1);
  for (int part = 0; part < 3; ++part) merged.add(sums_of({{3}, {4}, {3}}, {{0.1}, {0.1}, {0.1}}));
  EXPECT_EQ(merged.value(Metric::r2), 0);
}

TEST(Metrics, R2OfTargetsFarFromZeroDoesNotCancel) {
  const double far = 1e8;
  EXPECT_NEAR(sums_of({{far + 1.5}, {far + 2}, {far + 6}}, {{far + 1}, {far + 2}, {far + 6}})
                  .value(Metric::r2),
              1 - 0.25 / 14, 1e-9);
}

TEST(Metrics, AccuracyOfOneOutputIsBinary) {
  const MetricSums sums = sums_of({{0.2}, {-0.1}, {0.3}}, {{1}, {-1}, {-1}});
  EXPECT_DOUBLE_EQ(sums.value(Metric::accuracy), 2.0 / 3);
}

TEST(Metrics, SetsThatShareAThresholdHaveOneConvention) {
  MetricSums signs = sums_of({{0.2}, {-0.1}}, {{1}, {-1}});
  MetricSums ones = sums_of({{0.2}, {0.7}}, {{1}, {1}});
  EXPECT_DOUBLE_EQ(ones.value(Metric::accuracy), 0.5);
  ones.share_threshold(signs);
  EXPECT_DOUBLE_EQ(ones.value(Metric::accuracy), 1);
  ones = sums_of({{0.2}, {0.7}}, {{1}, {1}});
  signs.share_threshold(ones);
  EXPECT_DOUBLE_EQ(ones.value(Metric::accuracy), 1);
}

TEST(Metrics, ALabelIsTheRightClass) {
  MetricSums sums(3);
  const std::vector<float> prediction{0.1F, 0.7F, 0.2F};
  sums.add<float>(prediction, nullptr, 1, {});
  sums.add<float>(prediction, nullptr, 2, {});
  EXPECT_DOUBLE_EQ(sums.value(Metric::accuracy), 0.5);
}

TEST(Metrics, SumsOverPartsEqualTheWhole) {
  const Problem<double> problem(100, 2, 3);
  MetricSums whole(3), merged(3), empty(3);
  Random random(1);
  for (Index first = 0; first < 100; first += 7) {
    MetricSums part(3);
    for (Index i = first; i < std::min<Index>(first + 7, 100); ++i) {
      const Row prediction{random.uniform(), random.uniform(), random.uniform()};
      whole.add<double>(prediction, problem.y.view().row(i), 0, {});
      part.add<double>(prediction, problem.y.view().row(i), 0, {});
    }
    merged.add(part);
    merged.add(empty);
  }
  for (const Metric metric :
       {Metric::accuracy, Metric::binary_accuracy, Metric::mse, Metric::mae, Metric::r2}) {
    EXPECT_NEAR(merged.value(metric), whole.value(metric), 1e-12) << metric_name(metric);
  }
  whole.clear();
  whole.add<double>(Row{1, 0, 0}, nullptr, 0, {});
  EXPECT_DOUBLE_EQ(whole.value(Metric::mse), 0);
}

TEST(Metrics, AreFoundByName) {
  EXPECT_EQ(metric_from_name("r2"), Metric::r2);
  EXPECT_THROW(metric_from_name("acuracy"), OptionError);
}

}  // namespace
}  // namespace nnbind::test
