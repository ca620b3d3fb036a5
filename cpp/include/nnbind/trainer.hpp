// Training: epochs of mini-batches, and the single steps they are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "nnbind/dataset.hpp"
#include "nnbind/metric.hpp"
#include "nnbind/network.hpp"
#include "nnbind/optimizer.hpp"
#include "nnbind/regularizer.hpp"

namespace nnbind {

/// Stop when the monitored loss (the validation loss if there is one, else the training loss) has
/// not fallen by more than min_delta below its best for `patience` epochs; in the end return to the
/// parameters of the best epoch if restore_best. Prechelt, "Early stopping - but when?", 1998.
struct EarlyStopping {
  int patience = 10;
  double min_delta = 0;
  bool restore_best = true;
  /// Throws OptionError unless patience >= 1 and min_delta >= 0.
  void check() const;
};

/// What a fit saw, epoch by epoch. `loss` is of the samples as training saw them, each before the
/// step that it is part of: their mean for Reduction::mean, their sum for Reduction::sum. A fit
/// that begins clears what is there.
struct History {
  std::vector<double> loss;           ///< of the samples, reduced, with R(θ)
  std::vector<double> val_loss;       ///< without R(θ); empty if there is no validation set
  std::vector<double> learning_rate;  ///< of the epoch's last step
  std::vector<double> seconds;
  /// The metrics; of several outputs "NAME_loss" and "NAME_accuracy", ... for each.
  std::vector<std::string> metric_names;
  std::vector<std::vector<double>> metrics;  ///< [k][epoch], k as in metric_names
  std::vector<std::vector<double>> val_metrics;
  bool started = false;  ///< whether a fit has passed its checks and begun
  /// With the lowest monitored loss, from 0, -1 before any; of an early stopping with a min_delta
  /// the last that fell by more than that below the best before.
  Index best_epoch = -1;
  [[nodiscard]] Index epochs() const { return static_cast<Index>(loss.size()); }
};

/// Batches that are made one at a time, when they do not lie in memory at once. What makes them may
/// look at the network, which is as its last step left it, and may change θ.
template <class T>
class BatchSource {
 public:
  BatchSource() = default;
  virtual ~BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  /// Called before the first batch of an epoch.
  virtual void begin_epoch() = 0;
  /// The next batch, or nothing at the end of the epoch. It must stay valid until the next call.
  virtual std::optional<Dataset<T>> next() = 0;
};

/// How to fit.
struct FitOptions {
  Index epochs = 1;
  Index batch_size = 0;               ///< 0: the whole set in each step (gradient descent)
  bool shuffle = true;                ///< a new order in each epoch, drawn from `seed`
  std::optional<std::uint64_t> seed;  ///< of shuffles and dropout; by default the network's
  /// The order of the samples, n for every epoch or epochs × n; empty: shuffled, or as they come.
  std::span<const std::int64_t> sample_order;
  /// The samples of the data to train on, and of the validation set to validate on, as if each set
  /// were these alone, in this order (n is then their number); empty: all. No sample is copied.
  std::span<const std::int64_t> samples;
  std::span<const std::int64_t> validation_samples;
  std::optional<EarlyStopping> early_stopping;
  Regularizer regularizer;
  std::vector<Metric> metrics;
  /// Throws OptionError or ShapeError, "[where] ...", if they are not allowed: by themselves, and
  /// for a set and a validation set of so many samples, or none.
  void check(const std::string& where) const;
  void check_samples(Index set, const std::string& where) const;
  void check_validation(std::optional<Index> set, const std::string& where) const;
};

/// How a fit talks to its caller, on the calling thread.
struct FitHooks {
  /// After an epoch, while the other threads wait; true ends the fit. Called at most every
  /// `interval` seconds, and at the end.
  std::function<bool(const History&)> end_epoch;
  double interval = 0;  ///< OptionError unless >= 0
  /// About twenty times a second, also within a long step, while the other threads go on: the
  /// network is not to be looked at. It may throw to interrupt the fit, as of its last whole step.
  std::function<void()> poll;
  /// What the messages of errors begin with, in brackets.
  std::string where = "Network.fit";
};

/// The order of the samples {0, ..., n - 1} in a shuffled epoch: a function of both numbers alone.
void epoch_order(std::uint64_t seed, std::uint64_t epoch, std::span<std::int64_t> order);

/// Trains the network: minimizes L(θ) = reduce_i d(y_i, f(x_i)) + R(θ), by one step of the
/// optimizer for each mini-batch. `history` is cleared once the arguments are checked, filled as
/// the fit goes, and whole however it ends. `validation` may be nullptr.
///
/// Throws what `check` throws, before anything is changed; OptionError for bad options; BusyError;
/// DivergenceError if the loss of a step, or θ or the validation loss after an epoch, is no longer
/// finite, with the network back at its best epoch and the optimizer reset. What the hooks throw,
/// or a source of batches, and std::bad_alloc pass through, with the network as of its last whole
/// step and the history of its whole epochs.
template <class T>
void fit(Network<T>& network, const Dataset<T>& data, const Losses& losses, Optimizer& optimizer,
         const FitOptions& options, History& history,
         const std::type_identity_t<Dataset<T>>* validation = nullptr, const FitHooks& hooks = {});

/// The same with batches from elsewhere, in the order in which they come. Each is checked as it
/// comes; what `check` throws of it says which it is, "[Network.fit, batch 0] ...", and leaves the
/// network as of its last whole step.
template <class T>
void fit(Network<T>& network, BatchSource<T>& source, const Losses& losses, Optimizer& optimizer,
         const FitOptions& options, History& history,
         const std::type_identity_t<Dataset<T>>* validation = nullptr, const FitHooks& hooks = {});

/// One step on one batch. Returns the loss before the step, R(θ) included. Dropout is on, and
/// normalizations see the batch.
///
/// Throws what `check` throws; OptionError for a bad regularizer, or an optimizer that trains
/// another network; BusyError; DivergenceError if the loss is not finite: no step is made then.
/// What an operator or a loss throws, and std::bad_alloc, pass through. Whatever it throws, θ and
/// the state are as they were.
template <class T>
double train_step(Network<T>& network, const Dataset<T>& batch, const Losses& losses,
                  Optimizer& optimizer, const Regularizer& regularizer = {});

/// The loss of a batch, R(θ) included, and its gradient in network.gradient(): of the network as it
/// predicts, or, in `training`, as the next train_step sees it, with its dropout and with the
/// batch's statistics. Running statistics stay as they are. It may return a NaN or an infinity.
///
/// Throws what `check` throws; OptionError for a bad regularizer; BusyError. What an operator or a
/// loss throws, and std::bad_alloc, pass through; gradient() is undefined then.
template <class T>
double loss_and_gradient(Network<T>& network, const Dataset<T>& batch, const Losses& losses,
                         const Regularizer& regularizer = {}, bool training = false);

/// One step of the optimizer with a gradient of one's own (parameter_count), in the order of θ: a
/// sum of several, or one with something added. clip_norm cuts it as any; the state stays as it is.
/// After loss_and_gradient in training, with that gradient, θ becomes what train_step makes of it.
/// Throws ShapeError or OptionError, "[Network.apply_gradient] gradient ...", if it is of another
/// size or not finite, and what train_step throws of the optimizer.
template <class T>
void apply_gradient(Network<T>& network, std::span<const std::type_identity_t<T>> gradient,
                    Optimizer& optimizer);

/// The reduced loss without R(θ), and metrics under the names that History has.
struct Evaluation {
  double loss = 0;
  std::vector<double> metrics;
};
/// What metrics are called: "accuracy", or "NAME_loss", "NAME_accuracy", ... for each of several
/// outputs.
template <class T>
std::vector<std::string> metric_names(const Network<T>& network,
                                      const std::vector<Metric>& metrics);
/// Of the network as it predicts. The loss may be a NaN or an infinity. Throws what `check` throws;
/// what an operator or a loss throws, and std::bad_alloc, pass through.
template <class T>
Evaluation evaluate(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                    const std::vector<Metric>& metrics = {});

}  // namespace nnbind
