// Derivatives beside the gradient: against central differences, on chains and on woven graphs.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "data.hpp"
#include "gradient_check.hpp"
#include "networks.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind::test {
namespace {

DenseOptions units(Index count, const Activation& activation, std::string name = "") {
  DenseOptions options;
  options.units = count;
  options.activation = activation;
  options.name = std::move(name);
  return options;
}

/// Two inputs, two outputs, and between them what a graph may hold: parameters that are nodes, by
/// themselves and in formulas of their own; a layer used three times, once for what is no batch;
/// inputs used several times; normalizations and dropout.
template <class T>
Network<T> woven() {
  Graph<T> graph;
  const auto normal = Initializer::normal(0.5, 0.5);
  const auto a = input(graph, 3, "a");
  const auto b = input(graph, 2, "b");
  const auto scale = parameter(graph, 1, 1, normal, "scale");
  const auto shift = parameter(graph, 1, 5, normal, "shift");
  const auto mixer = parameter(graph, 2, 5, normal, "mixer");
  const auto base = parameter(graph, 3, 2, normal, "base");
  const auto layer = std::make_shared<Dense<T>>(units(4, "tanh"));
  const auto first = apply<T>(layer, {concatenate({a, b})}, "first");
  const auto again = [&](const Expression<T>& x) {
    return Expression<T>{&graph, graph.add(layer, {x.id}, "", first.id)};
  };
  const auto second = again(matmul(b, exp(mixer)) * scale + shift);
  const auto third = again(matmul(base, mixer));
  const auto h = dropout(batch_norm(first * second + matmul(a, third)) * first, 0.3);
  const auto g = layer_norm(concatenate({h, b * b, sum(a) * scale}));
  const auto classes = dense(g, units(3, "softmax", "classes"));
  const auto value = dense(h, units(2, "sigmoid", "value"));
  Network<T> network(std::move(graph), {classes.id, value.id}, 3);
  Random random(5);
  for (T& number : network.state()) number = static_cast<T>(0.5 + random.uniform());
  return network;
}

/// A network and samples for it, with distributions as targets and weights.
template <class T>
struct Example {
  Example(Network<T> net, Index samples) : network(std::move(net)) {
    Random random(9);
    const auto add = [&](std::vector<Matrix<T>>& list, NodeId id, double low) {
      list.push_back(random_matrix<T>(samples, network.graph().node(id).shape.cols, random, low));
    };
    for (const NodeId id : network.input_ids()) add(x, id, -1);
    for (const NodeId id : network.output_ids()) add(y, id, 0);
    for (Matrix<T>& part : y) {
      for (Index i = 0; i < samples; ++i) {
        T* row = part.view().row(i);
        const T sum = std::accumulate(row, row + part.view().cols, T{0});
        std::for_each(row, row + part.view().cols, [sum](T& number) { number /= sum; });
      }
    }
    for (Index i = 0; i < samples; ++i) weights.push_back(static_cast<T>(0.5 + random.uniform()));
    for (Matrix<T>& part : x) inputs.push_back(part.view());
    data.inputs.assign(inputs.begin(), inputs.end());
    for (Matrix<T>& part : y) data.targets.push_back({part.view(), nullptr});
    data.weights = weights.data();
  }

  [[nodiscard]] Index size() const { return data.size(); }
  [[nodiscard]] Index outputs() const { return network.outputs(); }
  [[nodiscard]] Index parameters() const { return network.parameter_count(); }
  [[nodiscard]] MatrixView<T> theta() {
    return {network.theta().data(), 1, parameters(), parameters()};
  }
  /// All outputs side by side, of sample i.
  [[nodiscard]] std::vector<T> f(Index i) const {
    std::vector<T> row(static_cast<std::size_t>(outputs()));
    std::vector<MatrixView<T>> out;
    Index first = 0;
    for (const NodeId id : network.output_ids()) {
      const Index cols = network.graph().node(id).shape.cols;
      out.push_back({row.data() + first, 1, cols, cols});
      first += cols;
    }
    network.predict(data.part(i, 1).inputs, out);
    return row;
  }

  Network<T> network;
  std::vector<Matrix<T>> x, y;
  std::vector<MatrixView<T>> inputs;
  std::vector<T> weights;
  Dataset<T> data;
};

/// Results with NaN around them.
template <class T>
struct Results {
  explicit Results(const Example<T>& example, Index copies) {
    for (const auto& input : example.data.inputs) {
      frames.emplace_back(example.size() * copies, input.cols, input.cols + 3);
    }
    for (auto& frame : frames) views.push_back(frame.view());
  }
  [[nodiscard]] bool whole() const {
    return std::ranges::all_of(frames, [](const auto& frame) { return frame.frame_is_whole(); });
  }
  std::vector<Framed<T>> frames;
  std::vector<MatrixView<T>> views;
};

Losses losses_for(const Network<double>& network) {
  if (network.output_ids().size() == 1) return cross_entropy();
  return std::vector<Losses::Term>{{cross_entropy(), 2}, {squared_error(Reduction::sum), 0.5}};
}

class Derivatives : public ::testing::TestWithParam<bool> {
 protected:
  static Example<double> example(Index samples = 5) {
    return {GetParam() ? woven<double>() : mixed(), samples};
  }
  static void expect_close(const std::vector<double>& found, const std::vector<double>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_LE(relative_error(found, expected), gradient_tolerance);
  }
};

TEST_P(Derivatives, OfTheLossByTheInputsAreRight) {
  auto problem = example();
  const Losses losses = losses_for(problem.network);
  Results<double> found(problem, 1);
  input_gradient<double>(problem.network, problem.data, losses, found.views);
  EXPECT_TRUE(found.whole());
  for (std::size_t k = 0; k < problem.x.size(); ++k) {
    expect_close(flat(found.views[k]), central_differences(problem.inputs[k], [&](double) {
                   return evaluate(problem.network, problem.data, losses).loss;
                 }));
  }
}

TEST_P(Derivatives, OfEachSampleByThetaAreRight) {
  auto problem = example();
  const Losses losses = losses_for(problem.network);
  Framed<double> found(problem.size(), problem.parameters(), problem.parameters() + 2);
  per_sample_gradients(problem.network, problem.data, losses, found.view());
  EXPECT_TRUE(found.frame_is_whole());
  for (Index i = 0; i < problem.size(); ++i) {
    const Dataset<double> sample = problem.data.part(i, 1);
    expect_close(flat(found.view().middle_rows(i, 1)),
                 central_differences(problem.theta(), [&](double) {
                   return evaluate(problem.network, sample, losses).loss;
                 }));
  }
}

TEST_P(Derivatives, OfEachOutputByTheInputsAreRight) {
  auto problem = example();
  Results<double> found(problem, problem.outputs());
  input_jacobian<double>(problem.network, problem.data.inputs, found.views);
  EXPECT_TRUE(found.whole());
  for (Index i = 0; i < problem.size(); ++i) {
    for (Index j = 0; j < problem.outputs(); ++j) {
      for (std::size_t k = 0; k < problem.x.size(); ++k) {
        const MatrixView<double> row = problem.inputs[k].middle_rows(i, 1);
        expect_close(flat(found.views[k].middle_rows(i * problem.outputs() + j, 1)),
                     central_differences(
                         row, [&](double) { return problem.f(i)[static_cast<std::size_t>(j)]; }));
      }
    }
  }
}

TEST_P(Derivatives, OfEachOutputByThetaAreRight) {
  auto problem = example(3);
  Framed<double> found(3 * problem.outputs(), problem.parameters(), problem.parameters() + 2);
  parameter_jacobian(problem.network, problem.data.inputs, found.view());
  EXPECT_TRUE(found.frame_is_whole());
  for (Index r = 0; r < found.view().rows; ++r) {
    const auto j = static_cast<std::size_t>(r % problem.outputs());
    expect_close(flat(found.view().middle_rows(r, 1)),
                 central_differences(problem.theta(),
                                     [&](double) { return problem.f(r / problem.outputs())[j]; }));
  }
}

TEST_P(Derivatives, OfTheGradientAlongADirectionAreRight) {
  auto problem = example();
  const Losses losses = losses_for(problem.network);
  const Regularizer regularizer{.l2 = 0.3, .bias = true, .divide_by_batch_size = true};
  const auto size = static_cast<std::size_t>(problem.parameters());
  std::vector<double> v(size), found(size), expected(size);
  Random random(2);
  for (double& number : v) number = random.uniform() - 0.5;
  const auto add_gradient = [&](double step, double factor) {
    Network<double> moved(problem.network);
    for (std::size_t i = 0; i < size; ++i) moved.theta()[i] += step * v[i];
    loss_and_gradient(moved, problem.data, losses, regularizer);
    for (std::size_t i = 0; i < size; ++i) expected[i] += factor * moved.gradient()[i];
  };
  const double h = 1e-3;
  for (const double sign : {-1.0, 1.0}) {
    add_gradient(sign * h, sign * 8 / (12 * h));
    add_gradient(sign * 2 * h, -sign / (12 * h));
  }
  for (const auto& [differences, tolerance] :
       {std::pair{Differences::two, 1e-6}, std::pair{Differences::four, 1e-7}}) {
    hessian_vector_product(problem.network, problem.data, losses, v, found, regularizer,
                           differences);
    EXPECT_LE(relative_error(found, expected), tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Derivatives, ::testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "Woven" : "Chain");
});

TEST(DerivativesOfAny, OfEachSampleHaveTheGradientForTheirMean) {
  Example<double> problem(woven<double>(), 7);
  const Losses losses = std::vector<Losses::Term>{{cross_entropy(), 2}, {huber(), 0.5}};
  Matrix<double> rows(7, problem.parameters());
  per_sample_gradients(problem.network, problem.data, losses, rows.view());
  loss_and_gradient(problem.network, problem.data, losses);
  for (Index p = 0; p < problem.parameters(); ++p) {
    double sum = 0;
    for (Index i = 0; i < 7; ++i) sum += rows.view()(i, p);
    EXPECT_NEAR(sum / 7, problem.network.gradient()[static_cast<std::size_t>(p)], 1e-13);
  }
}

/// All of it, in bits.
template <class T>
std::vector<std::vector<T>> everything(const Network<T>& network, Index samples, int threads) {
  set_num_threads(threads);
  const Example<T> problem(Network<T>(network), samples);
  const Losses losses(std::vector<Losses::Term>(network.output_ids().size(), {squared_error(), 1}));
  const auto of = [](Index rows, Index cols) {
    return std::vector<T>(static_cast<std::size_t>(rows * cols));
  };
  const auto view = [](std::vector<T>& values, Index rows) {
    const Index cols = static_cast<Index>(values.size()) / rows;
    return MatrixView<T>{values.data(), rows, cols, cols};
  };
  std::vector<std::vector<T>> all;
  const Index rows = samples * problem.outputs();
  for (const Index count : {samples, rows}) {
    for (const auto& x : problem.inputs) all.push_back(of(count, x.cols));
  }
  for (const Index count : {samples, rows}) all.push_back(of(count, problem.parameters()));
  std::vector<MatrixView<T>> by_inputs, jacobian;
  for (std::size_t k = 0; k < problem.x.size(); ++k) {
    by_inputs.push_back(view(all[k], samples));
    jacobian.push_back(view(all[k + problem.x.size()], rows));
  }
  const Network<T>& net = problem.network;
  input_gradient<T>(net, problem.data, losses, by_inputs);
  input_jacobian<T>(net, problem.data.inputs, jacobian);
  per_sample_gradients(net, problem.data, losses, view(all[all.size() - 2], samples));
  parameter_jacobian<T>(net, problem.data.inputs, view(all.back(), rows));
  if constexpr (std::is_same_v<T, double>) {
    const std::vector<T> v(net.theta().size(), 0.5);
    for (const Differences differences : {Differences::two, Differences::four}) {
      all.push_back(of(1, problem.parameters()));
      hessian_vector_product(net, problem.data, losses, v, all.back(), {}, differences);
    }
  }
  reset_num_threads();
  return all;
}

#ifdef __SANITIZE_THREAD__  // under which all three last a minute
constexpr std::array several_threads{3};
#else
constexpr std::array several_threads{2, 3, 5};
#endif

template <class T>
void expect_the_same_bits(const Network<T>& network, Index samples) {
  const auto one = everything(network, samples, 1);
  for (const int threads : several_threads) {
    const auto several = everything(network, samples, threads);
    for (std::size_t k = 0; k < one.size(); ++k) EXPECT_TRUE(same_bits(one[k], several[k]));
  }
}

TEST(DerivativesBits, AreTheSameForAnyNumberOfThreads) {
  constexpr Index many = 1000 * several_threads.back();  // of so little work that each has enough
  expect_the_same_bits(mlp<double>(17, {65, 33}, 7, "tanh", "softmax"), 301);
  expect_the_same_bits(mlp<float>(17, {65, 33}, 7, "gelu", "sigmoid"), 101);
  expect_the_same_bits(mlp<float>(300, {400, 500}, 3, "relu"), 2);
  expect_the_same_bits(woven<double>(), many);
  expect_the_same_bits(woven<float>(), many);
}

TEST(DerivativesOfAny, LeaveTheNetworkAsItWas) {
  const Example<double> problem(woven<double>(), 4);
  const Losses losses = losses_for(problem.network);
  const std::vector<double> theta = theta_of(problem.network);
  std::vector<double> v(theta.size(), 1), out(theta.size());
  hessian_vector_product(problem.network, problem.data, losses, v, out);
  EXPECT_TRUE(same_bits(theta, theta_of(problem.network)));
}

/// The Hessian of (1/n) Σ (y - X W - b)² is the block (2/n) X̃ᵀ X̃ for each output, X̃ = (X, 1).
TEST(HessianVectorProduct, OfLeastSquaresIsTheAnalyticOne) {
  const Index n = 12, inputs = 4, outputs = 3;
  const auto network = mlp<double>(inputs, {}, outputs);
  const Problem<double> problem(n, inputs, outputs);
  const auto size = static_cast<std::size_t>(network.parameter_count());
  std::vector<double> v(size), found(size);
  Random random(4);
  for (double& number : v) number = random.uniform() - 0.5;
  hessian_vector_product(network, problem.values(), squared_error(), v, found);
  const auto x = [&](Index i, Index a) { return a < inputs ? problem.x.view()(i, a) : 1.0; };
  for (Index a = 0; a <= inputs; ++a) {
    for (Index k = 0; k < outputs; ++k) {
      double sum = 0;
      for (Index i = 0; i < n; ++i) {
        for (Index c = 0; c <= inputs; ++c) {
          sum += 2.0 / n * x(i, a) * x(i, c) * v[static_cast<std::size_t>(c * outputs + k)];
        }
      }
      EXPECT_NEAR(found[static_cast<std::size_t>(a * outputs + k)], sum, 1e-12);
    }
  }
}

TEST(HessianVectorProduct, GrowsWithItsVectorWhateverTheSize) {
  const auto network = mlp<double>(4, {5}, 3, "tanh");
  const Problem<double> problem(6, 4, 3);
  const std::vector<double> v(network.theta().size(), 1);
  const auto along = [&](double factor) {
    std::vector<double> scaled(v), out(v.size());
    for (double& number : scaled) number *= factor;
    hessian_vector_product(network, problem.values(), squared_error(), scaled, out);
    return out;
  };
  const auto one = along(1);
  for (const double power : {-1000, -1, 1, 990}) {
    const auto other = along(std::exp2(power));
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_DOUBLE_EQ(other[i], std::ldexp(one[i], static_cast<int>(power)));
    }
  }
  EXPECT_EQ(along(0), std::vector<double>(v.size()));
}

TEST(HessianVectorProduct, OfAnAbsolutePenaltyIsNothingAtItsKinks) {
  auto network = mlp<double>(4, {}, 3);
  const Problem<double> problem(6, 4, 3);
  std::ranges::fill(network.theta(), 0.0);
  const std::vector<double> v(network.theta().size(), 1);
  std::vector<double> plain(v.size()), penalized(v.size());
  hessian_vector_product(network, problem.values(), squared_error(), v, plain);
  hessian_vector_product(network, problem.values(), squared_error(), v, penalized, {.l1 = 3});
  EXPECT_EQ(plain, penalized);
}

TEST(DerivativesOfAny, RefuseWhatDoesNotFit) {
  const auto network = mlp<double>(4, {5}, 3);
  Problem<double> problem(6, 4, 3);
  const Losses losses = squared_error();
  const Index size = network.parameter_count();
  Matrix<double> narrow(6, 3), inputs(6, 4), thetas(6, size), jacobian(18, 4);
  const auto x = [](Matrix<double>& m) { return std::vector<MatrixView<const double>>{m.view()}; };
  const auto to = [](Matrix<double>& m) { return std::vector<MatrixView<double>>{m.view()}; };
  const std::vector<MatrixView<double>> nothing;
  EXPECT_THROW(input_gradient<double>(network, problem.values(), losses, to(narrow)), ShapeError);
  EXPECT_THROW(input_gradient<double>(network, problem.values(), losses, nothing), OptionError);
  EXPECT_THROW(per_sample_gradients(network, problem.values(), losses, inputs.view()), ShapeError);
  EXPECT_THROW(input_jacobian<double>(network, x(narrow), to(jacobian)), ShapeError);
  EXPECT_THROW(input_jacobian<double>(network, x(inputs), to(inputs)), ShapeError);
  EXPECT_THROW(parameter_jacobian<double>(network, x(inputs), thetas.view()), ShapeError);
  MatrixView<double> overlapping = thetas.view();
  overlapping.stride = size - 1;
  EXPECT_THROW(per_sample_gradients(network, problem.values(), losses, overlapping), ShapeError);
  std::vector<double> v(static_cast<std::size_t>(size)), out(v);
  const auto product = [&] { hessian_vector_product(network, problem.values(), losses, v, out); };
  EXPECT_NO_THROW(product());
  v[3] = std::nan("");
  EXPECT_THROW(product(), OptionError);
  v.pop_back();
  EXPECT_THROW(product(), ShapeError);
  problem.x.view()(2, 1) = std::nan("");
  EXPECT_THROW(input_jacobian<double>(network, x(problem.x), to(jacobian)), OptionError);
  EXPECT_THROW(per_sample_gradients(network, problem.values(), losses, thetas.view()), OptionError);
}

TEST(DerivativesOfAny, OfOneInputTakeItsMatrix) {
  const auto network = mlp<double>(4, {5}, 3);
  const Problem<double> problem(6, 4, 3);
  Matrix<double> gradient(6, 4), jacobian(18, 4), same(18, 4);
  const std::vector<MatrixView<double>> into{same.view()};
  input_gradient(network, problem.values(), squared_error(), gradient.view());
  input_gradient(network, problem.values(), squared_error(),
                 std::vector{same.view().middle_rows(0, 6)});
  EXPECT_TRUE(equal<double>(gradient.view(), same.view().middle_rows(0, 6)));
  input_jacobian(network, problem.x.view(), jacobian.view());
  const std::vector<MatrixView<const double>> from{problem.x.view()};
  input_jacobian(network, from, into);
  EXPECT_TRUE(equal<double>(jacobian.view(), same.view()));
  Matrix<double> thetas(18, network.parameter_count()), again(18, network.parameter_count());
  parameter_jacobian(network, problem.x.view(), thetas.view());
  parameter_jacobian(network, from, again.view());
  EXPECT_TRUE(equal<double>(thetas.view(), again.view()));
}

}  // namespace
}  // namespace nnbind::test
