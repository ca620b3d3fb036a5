// The losses of single samples, in memory of its own: for looking at a network, not for speed.
#pragma once

#include <vector>

#include "nnbind/dataset.hpp"
#include "workspace.hpp"

namespace nnbind {

/// A loss at some values of an output of the network: of what training hands it, y or t.
template <class T>
class LossRun {
 public:
  /// Of output k, at `values` for the first samples of the data.
  LossRun(const Dataset<T>& data, std::size_t k, const Loss& loss, MatrixView<const T> values,
          bool pre_activation);

  /// w d of each sample, before the reduction.
  void evaluate();
  /// The same, and the slope of `scale` times their sum.
  void evaluate_with_gradient(T scale = 1);

  [[nodiscard]] MatrixView<T> values() { return values_.view(); }
  [[nodiscard]] MatrixView<const T> losses() const { return losses_.view(); }
  [[nodiscard]] MatrixView<const T> gradient() const { return gradient_.view(); }

 private:
  const Loss* loss_;
  bool pre_activation_;
  Matrix<T> values_, gradient_, losses_;
  std::vector<const T*> targets_;
  LossRows<T> rows_;
};

/// What each sample adds to the reduced loss L(θ), with the present θ. R(θ) is left out.
template <class T>
std::vector<double> sample_losses(const Network<T>& network, const Dataset<T>& data,
                                  const Losses& losses, const Mode<T>& mode);

/// How far the rounding of what the losses take may move L: Σ |∂L/∂y| ε |y|, with slopes as they
/// are `step` beside each y, so that it is also a bound for where they are 0.
template <class T>
double output_rounding(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                       const Mode<T>& mode, double step);

/// Throws OptionError, "[where] ...", that names the first node whose output, or the first loss,
/// that is not finite.
template <class T>
void require_finite(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                    const Mode<T>& mode, const std::string& where);

}  // namespace nnbind
