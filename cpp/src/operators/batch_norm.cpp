// Batch normalization: Ioffe and Szegedy, ICML 2015.
#include "operators/norm.hpp"
#include "option_checks.hpp"

namespace nnbind {

void BatchNormOptions::check() const {
  require(momentum >= 0 && momentum <= 1, "BatchNorm",
          "momentum is " + number_text(momentum) + "; expected 0 <= momentum <= 1");
  require_epsilon("BatchNorm", epsilon);
}

namespace {

/// Columns that are worked on together, row by row: whole cache lines, whose sums fit the stack.
constexpr Index part_columns = 64;

using Sums = std::array<double, static_cast<std::size_t>(part_columns)>;
template <class T>
using Values = std::array<T, static_cast<std::size_t>(part_columns)>;

/// Σ_i term_i(j) for some columns, in double and in the order of the rows; terms_of(i) is term_i.
template <class F>
Sums sum_rows(Index rows, Index cols, F terms_of) {
  Sums sums{};
  double* const sum = sums.data();
  for (Index i = 0; i < rows; ++i) {
    const auto term = terms_of(i);
    asm("");  // else GCC takes two rows together, and no vectors of columns
    for (Index j = 0; j < cols; ++j) sum[j] += term(j);
  }
  return sums;
}

/// The statistics of some columns.
template <class T>
struct Columns {
  Values<T> mean;
  Values<T> scale;  ///< 1 / √(σ² + ε)
  T normal(T x, Index j) const {
    return (x - mean[static_cast<std::size_t>(j)]) * scale[static_cast<std::size_t>(j)];
  }
};

/// y = γ ⊙ x̂ + β with x̂ = (x - μ) / √(σ² + ε) along each column. From the batch μ and
/// 1 / √(σ² + ε) are saved, side by side in the first row.
template <class T>
class BatchNorm final : public operators::Norm<T> {
 public:
  explicit BatchNorm(BatchNormOptions options) : options_(options) { options_.check(); }
  [[nodiscard]] std::string_view kind() const override { return "batch_norm"; }
  [[nodiscard]] std::optional<Attributes> attributes() const override {
    return Attributes{{"momentum", options_.momentum}, {"epsilon", options_.epsilon}};
  }
  [[nodiscard]] Index saved_width(Index width) const override { return 2 * width; }
  [[nodiscard]] bool needs_whole_columns() const override { return true; }
  /// The running mean, above the running variance.
  [[nodiscard]] BlockShape state(std::span<const Shape> inputs) const override {
    return {2, inputs[0].cols};
  }
  [[nodiscard]] std::vector<NamedRows> state_names(BlockShape /*state*/) const override {
    return {{"running_mean", 1, true}, {"running_variance", 1, true}};
  }
  void initialize_state(MatrixView<T> state) const override {
    std::fill_n(state.row(0), state.cols, T{0});
    std::fill_n(state.row(1), state.cols, T{1});
  }

  void forward(const ForwardPass<T>& pass) const override {
    for_parts(pass.columns, [&](Range part) {
      const Columns<T> columns = pass.training ? measure(pass, part) : running(pass.state, part);
      for (Index i = 0; i < pass.output.rows; ++i) {
        const T* const x = pass.inputs[0].row[i] + part.begin;
        const T* const gamma = this->gamma(pass.parameters) + part.begin;
        const T* const beta = this->beta(pass.parameters) + part.begin;
        operators::put_row(pass.output.row(i) + part.begin, part.size(), false,
                           [&](Index j) { return gamma[j] * columns.normal(x[j], j) + beta[j]; });
      }
    });
  }

  // With means down the batch, since there x̂ changes with x through μ and σ too:
  // ∂L/∂x = γ / √(σ² + ε) (∂L/∂y - mean(∂L/∂y) - x̂ mean(∂L/∂y ⊙ x̂)).
  // Running statistics do not change with x: ∂L/∂x = γ / √(σ² + ε) ∂L/∂y.
  void backward(const BackwardPass<T>& pass) const override {
    const auto& [gradient, accumulate] = pass.input_gradients[0];
    for_parts(pass.columns, [&, to = gradient, add = accumulate](Range part) {
      const Columns<T> columns = statistics(pass, part);
      const MatrixView<const T> dy = pass.output_gradient.middle_columns(part);
      Values<T> mean_dy{};
      Values<T> mean_dyx{};
      if (pass.training) {
        const auto rows = static_cast<double>(dy.rows);
        const Sums sum_dyx = sum_normal(pass.inputs[0], dy, part, columns);
        const Sums sum_dy = sum_of(dy);
        for (std::size_t j = 0; j < mean_dy.size(); ++j) {
          mean_dy[j] = static_cast<T>(sum_dy[j] / rows);
          mean_dyx[j] = static_cast<T>(sum_dyx[j] / rows);
        }
      }
      const T* const gamma = this->gamma(pass.parameters) + part.begin;
      for (Index i = 0; i < dy.rows; ++i) {
        const T* const x = pass.inputs[0].row[i] + part.begin;
        operators::put_row(to.row(i) + part.begin, part.size(), add, [&](Index j) {
          const auto at = static_cast<std::size_t>(j);
          return gamma[j] * columns.scale[at] *
                 (dy(i, j) - mean_dy[at] - columns.normal(x[j], j) * mean_dyx[at]);
        });
      }
    });
  }

  // ∂L/∂γ = Σ over the rows of ∂L/∂y ⊙ x̂, and ∂L/∂β = Σ ∂L/∂y.
  void parameter_gradient(const ParameterPass<T>& pass) const override {
    const Range rows = pass.block.rows;
    const MatrixView<T> to = pass.gradient.view(0, pass.gradient.cols);
    for_parts(pass.block.cols, [&](Range part) {
      const MatrixView<const T> dy = pass.output_gradient.middle_columns(part);
      for (Index r = rows.begin; r < rows.end; ++r) {
        const Sums sums =
            r == 0 ? sum_normal(pass.inputs[0], dy, part, statistics(pass, part)) : sum_of(dy);
        T* const gradient = to.row(r - rows.begin) + part.begin - pass.block.cols.begin;
        operators::put_row(gradient, part.size(), pass.accumulate, [&](Index j) {
          return static_cast<T>(sums[static_cast<std::size_t>(j)]);
        });
      }
    });
  }

 private:
  template <class F>
  static void for_parts(Range columns, F f) {
    for (Index first = columns.begin; first < columns.end; first += part_columns) {
      f(Range{first, std::min(first + part_columns, columns.end)});
    }
  }

  /// Those of the batch, which are saved, and move the running ones. Two passes: the mean first,
  /// then the squares of what is left, so that a large mean costs no digits.
  Columns<T> measure(const ForwardPass<T>& pass, Range part) const {
    const Rows<T>& x = pass.inputs[0];
    const auto count = static_cast<double>(x.count);
    Sums mean = sum_rows(x.count, part.size(), [&](Index i) {
      return [from = x.row[i] + part.begin](Index j) { return static_cast<double>(from[j]); };
    });
    for (double& m : mean) m /= count;
    const Sums squares = sum_rows(x.count, part.size(), [&](Index i) {
      return [from = x.row[i] + part.begin, middle = mean.data()](Index j) {
        const double d = static_cast<double>(from[j]) - middle[j];
        return d * d;
      };
    });
    Columns<T> columns{};
    for (Index j = 0; j < part.size(); ++j) {
      const auto at = static_cast<std::size_t>(j);
      columns.mean[at] = static_cast<T>(mean[at]);
      columns.scale[at] = scale(squares[at] / count);
      if (pass.saved.data != nullptr) {
        pass.saved(0, part.begin + j) = columns.mean[at];
        pass.saved(0, pass.output.cols + part.begin + j) = columns.scale[at];
      }
      if (pass.new_state.data == nullptr) continue;
      move(pass.new_state(0, part.begin + j), mean[at]);
      if (x.count > 1) move(pass.new_state(1, part.begin + j), squares[at] / (count - 1));
    }
    return columns;
  }

  /// The running ones.
  Columns<T> running(MatrixView<const T> state, Range part) const {
    Columns<T> columns{};
    for (Index j = 0; j < part.size(); ++j) {
      columns.mean[static_cast<std::size_t>(j)] = state(0, part.begin + j);
      columns.scale[static_cast<std::size_t>(j)] =
          scale(static_cast<double>(state(1, part.begin + j)));
    }
    return columns;
  }

  /// Those that the forward pass has used.
  template <class Pass>
  Columns<T> statistics(const Pass& pass, Range part) const {
    if (!pass.training) return running(pass.state, part);
    Columns<T> columns{};
    const T* const mean = pass.saved.row(0) + part.begin;
    std::copy_n(mean, part.size(), columns.mean.data());
    std::copy_n(mean + pass.output_gradient.cols, part.size(), columns.scale.data());
    return columns;
  }

  /// Σ over the rows of ∂L/∂y, and of ∂L/∂y ⊙ x̂.
  static Sums sum_of(MatrixView<const T> dy) {
    return sum_rows(dy.rows, dy.cols, [&](Index i) {
      return [from = dy.row(i)](Index j) { return static_cast<double>(from[j]); };
    });
  }
  static Sums sum_normal(const Rows<T>& x, MatrixView<const T> dy, Range part,
                         const Columns<T>& columns) {
    return sum_rows(dy.rows, dy.cols, [&](Index i) {
      return [from = x.row[i] + part.begin, slope = dy.row(i), &columns](Index j) {
        return static_cast<double>(slope[j] * columns.normal(from[j], j));
      };
    });
  }

  void move(T& running, double batch) const {
    running = static_cast<T>((1 - options_.momentum) * static_cast<double>(running) +
                             options_.momentum * batch);
  }
  [[nodiscard]] T scale(double variance) const {
    return static_cast<T>(1 / std::sqrt(variance + options_.epsilon));
  }

  BatchNormOptions options_;
};

}  // namespace

template <class T>
OperatorPointer<T> batch_norm(BatchNormOptions options) {
  return std::make_shared<BatchNorm<T>>(options);
}

template OperatorPointer<float> batch_norm<float>(BatchNormOptions);
template OperatorPointer<double> batch_norm<double>(BatchNormOptions);

}  // namespace nnbind
