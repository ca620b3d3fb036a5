// The kernels beside Eigen's products and the machine's limit, on one thread, by Google Benchmark.
// Each line has GFLOP/s of useful operations and their share of the FMA peak, which is measured
// first; those of activations have elements per nanosecond. By the process's CPU time.
//
//   cmake -S . -B build -DNNBIND_BUILD_BENCH=ON && cmake --build build
//   build/bench/nnbind_kernels --benchmark_filter='784x128.*float'
#include "kernels.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/affine.hpp"
#include "nnbind/activation.hpp"
#include "workspace.hpp"

namespace nnbind::bench {
namespace {

/// A fully connected layer on a batch.
struct Product {
  Index batch, inputs, units;
  [[nodiscard]] std::string name() const {
    return std::to_string(inputs) + "x" + std::to_string(units) + " batch " + std::to_string(batch);
  }
  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(batch) * static_cast<double>(inputs * units);
  }
};

constexpr Product products[] = {
    {32, 784, 128},                        // M1
    {32, 128, 10},                         // and a thin one
    {64, 784, 300},    {64, 300, 100},     // M2
    {64, 100, 10},                         //
    {128, 784, 1024},  {128, 1024, 1024},  // L1
    {128, 1024, 10},                       //
    {512, 2048, 2048},                     // L2
    {32, 8, 9},        {32, 9, 4},         // T1
    {1, 784, 128},     {1, 100, 100},      // one sample
    {1, 2, 16},
};

/// As a fit holds them.
template <class T>
class Weights {
 public:
  Weights(Index rows, Index cols, Index batch)
      : plain_(random_matrix<T>(rows, cols)), is_packed_(is_worth_packing<T>({rows, cols}, batch)) {
    if (!is_packed_) return;
    packed_ = PackedMatrix<T>(rows, cols);
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j) *packed_.panels().view(j, 1).row(i) = plain_.view()(i, j);
    }
  }
  MatrixView<T> plain() { return plain_.view(); }
  Panels<const T> panels() {
    return is_packed_ ? packed_.panels() : Panels<T>::plain(plain_.view());
  }

 private:
  Matrix<T> plain_;
  PackedMatrix<T> packed_;
  bool is_packed_;
};

template <class T, class Compute>
void time_product(benchmark::State& state, const Product& product, const Compute& compute) {
  const double gflops = product.flops() / nanoseconds(state, compute);
  state.counters["GFLOP/s"] = gflops;
  state.counters["of peak"] = gflops / peak<T>();
}

template <class T>
void forward(benchmark::State& state, const Product& product, bool eigen) {
  const auto& [batch, inputs, units] = product;
  auto x = random_matrix<T>(batch, inputs), out = random_matrix<T>(batch, units);
  Weights<T> block(inputs + 1, units, batch);  // the bias is its last row
  const Panels<const T> weights = block.panels().middle_rows(0, inputs);
  auto X = as_eigen(x.view()), XW = as_eigen(out.view()), W = as_eigen(block.plain());
  time_product<T>(state, product, [&] {
    if (eigen) {
      XW.noalias() = X * W.topRows(inputs);
      XW.rowwise() += W.row(inputs);
    } else {
      kernels::affine<T>(x.rows(), weights, true, out.view());
    }
  });
}

/// Both transpose W on the way.
template <class T>
void input_gradient(benchmark::State& state, const Product& product, bool eigen) {
  const auto& [batch, inputs, units] = product;
  auto grad_out = random_matrix<T>(batch, units), grad_inputs = random_matrix<T>(batch, inputs);
  Weights<T> weights(inputs, units, batch);
  const Panels<const T> panels = weights.panels();
  auto dT = as_eigen(grad_out.view()), dX = as_eigen(grad_inputs.view());
  auto W = as_eigen(weights.plain());
  time_product<T>(state, product, [&] {
    if (eigen) {
      dX.noalias() = dT * W.transpose();
    } else {
      kernels::affine_input_gradient<T>(grad_out.view(), panels, false, grad_inputs.view(),
                                        batch == 1);
    }
  });
}

/// In pieces that lie as the weights do, each written over the last: a step uses a piece as soon as
/// it is computed, and the gradient never travels to memory (batch_update.cpp).
template <class T>
void weight_gradient_in_pieces(Rows<T> x, MatrixView<const T> grad_out, Panels<T> piece) {
  for (Index first = 0; first < x.cols; first += piece.rows) {
    const Range inputs{first, std::min(first + piece.rows, x.cols)};
    kernels::affine_gradient<T>(x, inputs, grad_out, false, piece.middle_rows(0, inputs.size()));
  }
}

template <class T>
void weight_gradient(benchmark::State& state, const Product& product, bool eigen) {
  const auto& [batch, inputs, units] = product;
  auto x = random_matrix<T>(batch, inputs), grad_out = random_matrix<T>(batch, units);
  auto grad_weights = random_matrix<T>(inputs, units);
  constexpr Index elements = 65'536 / sizeof(T);
  const Index rows = std::max<Index>(1, elements / (96 * units)) * 96;
  Matrix<T> plain(rows, units);
  PackedMatrix<T> packed(rows, units);
  const Panels<T> piece = is_worth_packing<T>({inputs, units}, batch)
                              ? packed.panels()
                              : Panels<T>::plain(plain.view());
  auto X = as_eigen(x.view()), dT = as_eigen(grad_out.view()), dW = as_eigen(grad_weights.view());
  time_product<T>(state, product, [&] {
    if (eigen) {
      dW.noalias() = X.transpose() * dT;
    } else {
      weight_gradient_in_pieces<T>(x.rows(), grad_out.view(), piece);
    }
  });
}

/// On a batch of H1's, 100 × 300.
template <class T>
void activation(benchmark::State& state, const Activation& g, bool eigen) {
  auto t = random_matrix<T>(100, 300), out = random_matrix<T>(100, 300);
  const MatrixView<const T> from = t.view();
  auto X = as_eigen(t.view()), Y = as_eigen(out.view());
  const double time = nanoseconds(state, [&] {
    if (!eigen) {
      g.forward<T>(from, out.view());
    } else if (g.kind() == Activation::Kind::tanh) {
      Y = X.array().tanh();
    } else {
      Y = X.array().logistic();
    }
  });
  state.counters["per ns"] = 100 * 300 / time;
}

template <class T>
void add_all(const std::string& type) {
  for (const bool eigen : {false, true}) {
    const std::string end = "/" + type + (eigen ? "/Eigen" : "/nnbind");
    for (const Product& product : products) {
      for (const auto& [name, run] :
           {std::pair{"forward", &forward<T>}, std::pair{"input gradient", &input_gradient<T>},
            std::pair{"weight gradient", &weight_gradient<T>}}) {
        benchmark::RegisterBenchmark((name + (" " + product.name()) + end).c_str(), run, product,
                                     eigen);
      }
    }
    for (const char* g : {"tanh", "sigmoid"}) {
      benchmark::RegisterBenchmark((g + end).c_str(), activation<T>, Activation(g), eigen);
    }
  }
}

}  // namespace
}  // namespace nnbind::bench

int main(int argc, char** argv) {
  using namespace nnbind::bench;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  add_all<float>("float");
  add_all<double>("double");
  benchmark::AddCustomContext("FMA peak of a core, float", std::to_string(peak<float>()));
  benchmark::AddCustomContext("FMA peak of a core, double", std::to_string(peak<double>()));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
