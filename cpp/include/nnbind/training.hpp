// A fit as a thing that can be put away between two epochs and gone on with, to the same bits.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "nnbind/attributes.hpp"
#include "nnbind/trainer.hpp"

namespace nnbind {

/// Where a fit stands after its last whole epoch, beside θ and the state of the network and the
/// momenta of the optimizer. The order of the samples and the dropout need nothing: they are
/// functions of the seed and of the network's numbers of epochs and steps.
template <class T>
struct FitState {
  Index epoch = 0;                                        ///< completed; 0: the fit has not begun
  Index samples = 0;                                      ///< of each epoch
  std::uint64_t steps = 0;                                ///< network.steps_trained
  double best = std::numeric_limits<double>::infinity();  ///< monitored loss
  Index epochs_without_improvement = 0;
  bool stopped = false;         ///< by early stopping
  bool returned = false;        ///< at its end, to the best epoch
  bool theta_is_best = true;    ///< the network's, after the last whole epoch: no copy is kept
  AlignedVector<T> best_theta;  ///< (parameter_count), of the best epoch; empty if theta_is_best
  AlignedVector<T> best_state;
};

/// A fit of a Network<T>: what it was given, and where it stands. The optimizer must be set. The
/// lists of samples in `options` are the caller's, to be given again when it goes on. Where
/// options.seed is not set, the fit sets it as it begins.
template <class T>
struct Training {
  Losses losses{std::vector<Losses::Term>{}};
  OptimizerPointer optimizer;
  FitOptions options;
  History history;
  FitState<T> state;
  Attributes notes;  ///< the caller's own, which a file keeps
};

/// Begins a fit, as the `fit` of trainer.hpp does, or goes on with it, to options.epochs in all:
/// bit for bit as if it had never been interrupted, but for `history.seconds`.
///
/// Throws what `fit` throws, and OptionError if there is no optimizer; when it goes on also what
/// check_whole throws, and OptionError if the data are of another size, if there is a validation
/// set now and was none, or the other way round, or if the fit had ended, returned to its best
/// epoch, and is to make more.
template <class T>
void fit(Network<T>& network, const Dataset<T>& data, Training<T>& training,
         const std::type_identity_t<Dataset<T>>* validation = nullptr, const FitHooks& hooks = {});
template <class T>
void fit(Network<T>& network, BatchSource<T>& source, Training<T>& training,
         const std::type_identity_t<Dataset<T>>* validation = nullptr, const FitHooks& hooks = {});

/// Throws OptionError, "[where] ...", unless the fit can be gone on with from where the network and
/// the optimizer are: both have done what it did and nothing since, to the end of an epoch.
template <class T>
void check_whole(const Network<T>& network, const Training<T>& training, const std::string& where);

}  // namespace nnbind
