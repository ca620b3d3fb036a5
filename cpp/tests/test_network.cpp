// Networks: their θ, and what they predict.
#include <gtest/gtest.h>

#include "data.hpp"
#include "expect_message.hpp"
#include "naive.hpp"
#include "networks.hpp"
#include "nnbind/error.hpp"
#include "nnbind/trainer.hpp"

namespace nnbind::test {
namespace {

TEST(Network, OfEightNineNineNineFourHasThreeHundredAndOneParameters) {
  const auto network = mlp<float>(8, {9, 9, 9}, 4);
  EXPECT_EQ(network.parameter_count(), (8 + 1) * 9 + 2 * (9 + 1) * 9 + (9 + 1) * 4);
  EXPECT_EQ(network.parameter_count(), 301);
  EXPECT_NE(network.summary().find("total parameters: 301"), std::string::npos);
}

TEST(Network, PredictsWhatTheNaiveLoopsDo) {
  auto network = mlp<double>(5, {7}, 3, "tanh", "identity", 1);
  for (const Index samples : {1, 2, 95, 96, 97, 200}) {
    const Problem<double> problem(samples, 5, 3);
    Matrix<double> hidden(samples, 7), expected(samples, 3), out(samples, 3);
    const auto layer = [&](std::size_t i) { return network.parameters(network.layers()[i]); };
    naive::affine<double>(problem.x.view(), layer(0).middle_rows(0, 5), layer(0).row(5),
                          hidden.view());
    for (Index i = 0; i < samples; ++i) {
      for (Index j = 0; j < 7; ++j) hidden.view()(i, j) = std::tanh(hidden.view()(i, j));
    }
    naive::affine<double>(hidden.view(), layer(1).middle_rows(0, 7), layer(1).row(7),
                          expected.view());
    network.predict(problem.x.view(), out.view());
    for (Index i = 0; i < samples; ++i) {
      for (Index j = 0; j < 3; ++j) EXPECT_NEAR(out.view()(i, j), expected.view()(i, j), 1e-14);
    }
  }
}

TEST(Network, PredictsNothingForNoSamples) {
  const auto network = mlp<float>(5, {7}, 3);
  EXPECT_NO_THROW(network.predict({nullptr, 0, 5, 5}, {nullptr, 0, 3, 3}));
}

TEST(Network, RefusesToPredictWrongShapes) {
  const auto network = mlp<float>(5, {7}, 3);
  Matrix<float> x(4, 5), narrow(4, 4), out(4, 3), short_out(3, 3);
  EXPECT_THROW(network.predict(narrow.view(), out.view()), ShapeError);
  EXPECT_THROW(network.predict(x.view(), short_out.view()), ShapeError);
  const MatrixView<float> of_overlapping_rows{out.view().data, 4, 3, 2};
  EXPECT_THROW(network.predict(x.view(), of_overlapping_rows), ShapeError);
  EXPECT_THROW(network.predict({x.view().data, -4, 5}, {out.view().data, -4, 3}), ShapeError);
  EXPECT_THROW(network.predict({nullptr, 4, 5, 5}, out.view()), OptionError);
  EXPECT_THROW(network.predict(x.view(), {nullptr, 4, 3, 3}), OptionError);
}

TEST(Network, HasLayersAndParametersOnlyOfItsNodes) {
  auto network = mlp<float>(5, {7}, 3);
  EXPECT_EQ(network.layer(2).options().units, 3);
  EXPECT_THROW((void)network.layer(0), OptionError);
  EXPECT_THROW((void)network.layer(3), OptionError);
  EXPECT_THROW((void)network.parameters(3), OptionError);
  expect_message<OptionError>("there is no node 3; the graph has 3",
                              [&] { (void)network.graph().node(3); });
  EXPECT_EQ(network.output_activation(0), "identity");
  expect_message<OptionError>("there is no output 5; the network has 1",
                              [&] { (void)network.output_activation(5); });
  const auto& same = network;
  const MatrixView<const float> block = same.parameters(2);
  EXPECT_EQ(block.data, network.parameters(2).data);
  EXPECT_EQ(block.rows, 7 + 1);
  EXPECT_THROW((void)same.parameters(3), OptionError);
}

TEST(Network, OfAnMlpDropsUnitsOfItsHiddenLayers) {
  const auto network = mlp<float>(5, {7, 6}, 3, "relu", "identity", 0, 0.25);
  std::vector<double> rates;
  for (const NodeId id : network.layers()) rates.push_back(network.layer(id).options().dropout);
  EXPECT_EQ(rates, (std::vector<double>{0.25, 0.25, 0}));
}

TEST(Network, OfOneSeedHasOneThetaAndOfAnotherAnother) {
  EXPECT_EQ(theta_of(mlp<double>(5, {7}, 3, "relu", "identity", 4)),
            theta_of(mlp<double>(5, {7}, 3, "relu", "identity", 4)));
  EXPECT_NE(theta_of(mlp<double>(5, {7}, 3, "relu", "identity", 4)),
            theta_of(mlp<double>(5, {7}, 3, "relu", "identity", 5)));
}

TEST(Network, OfFloatsHoldsTheRoundedThetaOfDoubles) {
  const auto precise = theta_of(mlp<double>(5, {7}, 3, "relu", "identity", 4));
  EXPECT_EQ(theta_of(mlp<float>(5, {7}, 3, "relu", "identity", 4)),
            std::vector<float>(precise.begin(), precise.end()));
}

TEST(Network, CopyHasAThetaOfItsOwnAndResetReturnsToTheSeed) {
  auto network = mlp<float>(5, {7}, 3);
  const auto start = theta_of(network);
  Network<float> copy(network);
  EXPECT_NE(copy.identity(), network.identity());
  copy.theta()[0] += 1;
  EXPECT_EQ(theta_of(network), start);
  copy.reset();
  EXPECT_EQ(theta_of(copy), start);
}

TEST(Network, GoesOnWhereItIsMovedTo) {
  const Problem<float> problem(20, 5, 3);
  auto network = mlp<float>(5, {7}, 3), expected = mlp<float>(5, {7}, 3);
  const OptimizerPointer optimizer = adam(constant_rate(0.01));
  const OptimizerPointer twin = adam(constant_rate(0.01));
  const auto step = [&](Network<float>& one, Optimizer& with) {
    Matrix<float> out(20, 3);
    train_step(one, problem.values(), squared_error(), with);
    one.predict(problem.x.view(), out.view());
    return std::vector<float>(out.view().data, out.view().data + 20 * out.view().stride);
  };
  EXPECT_EQ(step(network, *optimizer), step(expected, *twin));
  const std::uint64_t identity = network.identity();
  const float* const theta = network.theta().data();
  Network<float> moved = std::move(network);
  EXPECT_EQ(moved.identity(), identity);
  EXPECT_EQ(moved.theta().data(), theta);
  EXPECT_EQ(step(moved, *optimizer), step(expected, *twin));
  auto assigned = mlp<float>(2, {}, 1);
  assigned = std::move(moved);
  EXPECT_EQ(step(assigned, *optimizer), step(expected, *twin));
  network = std::move(assigned);  // to where its first workspace was made
  EXPECT_EQ(network.identity(), identity);
  EXPECT_EQ(step(network, *optimizer), step(expected, *twin));
}

TEST(Network, MovedFromSaysThatItIsNone) {
  auto network = mlp<float>(5, {7}, 3);
  const Network<float> moved = std::move(network);
  // NOLINTNEXTLINE(bugprone-use-after-move): it is what is tested.
  Network<float>& left = network;
  Matrix<float> x(4, 5), out(4, 3);
  EXPECT_THROW(left.predict(x.view(), out.view()), OptionError);
  EXPECT_THROW(train_step(left, {x.view(), out.view()}, squared_error(), *sgd(constant_rate(0.1))),
               OptionError);
  EXPECT_THROW((void)left.parameters(0), OptionError);
  EXPECT_TRUE(left.theta().empty());
  EXPECT_TRUE(left.gradient().empty());
  EXPECT_NO_THROW(left.reset());
}

TEST(Network, StaysItselfInAVectorThatGrows) {
  std::vector<Network<float>> networks;
  std::vector<std::uint64_t> identities, seen;
  for (int k = 0; k < 9; ++k) {
    networks.push_back(mlp<float>(5, {7}, 3));
    identities.push_back(networks.back().identity());
  }
  for (const Network<float>& network : networks) seen.push_back(network.identity());
  EXPECT_EQ(seen, identities);
}

TEST(Network, CannotBeResetWhileItIsTrained) {
  auto network = mlp<float>(5, {7}, 3);
  network.theta()[0] = 9;
  {
    const TrainingLock lock = network.lock("elsewhere");
    expect_message<BusyError>("[Network.reset] the network is being trained",
                              [&] { network.reset(); });
    EXPECT_EQ(network.theta()[0], 9);
  }
  EXPECT_NO_THROW(network.reset());
}

/// Something that is no layer.
class Reader final : public Operator<float> {
 public:
  [[nodiscard]] std::string_view kind() const override { return "reader"; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  void forward(const ForwardPass<float>& /*pass*/) const override {}
  void backward(const BackwardPass<float>& /*pass*/) const override {}
};

TEST(Network, RefusesGraphsThatItCannotTrain) {
  const auto dense = [](double dropout = 0) {
    DenseOptions options;
    options.dropout = dropout;
    return std::make_shared<Dense<float>>(options);
  };
  Graph<float> no_layer;
  const NodeId input = no_layer.input(2);
  EXPECT_THROW((Network<float>(Graph<float>(), 0)), OptionError);
  EXPECT_THROW((Network<float>(no_layer, input)), OptionError);
  EXPECT_THROW((Network<float>(no_layer, 5)), OptionError);
  Graph<float> drops = no_layer;
  const NodeId output = drops.add(dense(0.5), {input});
  EXPECT_THROW((Network<float>(drops, output)), OptionError);
  Graph<float> two_inputs = no_layer;
  two_inputs.input(3);
  const NodeId one = two_inputs.add(dense(), {input});
  EXPECT_THROW((Network<float>(two_inputs, one)), OptionError);
  Graph<float> more_behind = no_layer;
  const NodeId first = more_behind.add(dense(), {input});
  more_behind.add(std::make_shared<Reader>(), {first});
  EXPECT_THROW((Network<float>(more_behind, first)), OptionError);
  EXPECT_THROW(sequential<float>(2, {}), OptionError);
}

}  // namespace
}  // namespace nnbind::test
