// Training of many networks at once: each on one thread, side by side, out of the same data.
#pragma once

#include <functional>
#include <ranges>
#include <span>

#include "nnbind/trainer.hpp"

namespace nnbind {

/// The fit of one network of many: what `fit` takes. All must be set but `validation`. Datasets and
/// losses may be those of other jobs as well; network, optimizer and history may not.
template <class T>
struct FitJob {
  Network<T>* network = nullptr;
  const Dataset<T>* data = nullptr;
  const Losses* losses = nullptr;
  Optimizer* optimizer = nullptr;
  History* history = nullptr;
  FitOptions options;
  const Dataset<T>* validation = nullptr;
};

/// How fit_many talks to its caller.
struct FitManyHooks {
  /// About twenty times a second, on the calling thread while the others go on, with the number of
  /// networks that are done; it may throw to interrupt all fits, each as of its last whole step.
  std::function<void(Index done)> poll;
};

/// Trains each network as `fit` would, to the same bits. Each is trained by one thread, which takes
/// the next when it is done, the largest first: of up to `threads` threads (0: get_num_threads()),
/// or of the caller's alone where an operator or a loss runs_alone().
///
/// Throws what `fit` throws before it changes anything, before any network is changed; also
/// OptionError where a network, an optimizer or a history is there twice, or a pointer is null. A
/// fit that diverges ends as it does in `fit`, and the others go on; then DivergenceError says
/// which they were. What the hook throws, or an operator, ends all, passes through, and leaves each
/// network as of its last step; the history of a fit that had not begun then is not `started`.
template <class T>
void fit_many(std::span<const FitJob<T>> jobs, int threads = 0, const FitManyHooks& hooks = {});

/// The same of jobs in a vector or an array.
template <std::ranges::contiguous_range Jobs>
void fit_many(const Jobs& jobs, int threads = 0, const FitManyHooks& hooks = {}) {
  const auto fit_all = [&]<class T>(std::span<const FitJob<T>> list) {
    fit_many<T>(list, threads, hooks);
  };
  fit_all(std::span<const std::ranges::range_value_t<Jobs>>(jobs));
}

}  // namespace nnbind
