// Samples and targets, borrowed from whoever owns them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nnbind/loss.hpp"
#include "nnbind/matrix.hpp"
#include "nnbind/network.hpp"

namespace nnbind {

/// What one output should be: values Y (n × outputs), or the index of the right class of each
/// sample.
template <class T>
struct Targets {
  MatrixView<const T> values;  ///< data is nullptr where labels stand
  const std::int64_t* labels = nullptr;
};

/// n samples X (n × inputs) for each input of a network, with the targets of each output, and
/// perhaps a weight for each sample.
template <class T>
struct Dataset {
  std::vector<MatrixView<const T>> inputs;
  std::vector<Targets<T>> targets;
  const T* weights = nullptr;

  Dataset() = default;
  Dataset(MatrixView<const T> x, MatrixView<const T> y, const T* sample_weights = nullptr)
      : inputs{x}, targets{{y, nullptr}}, weights(sample_weights) {}
  Dataset(MatrixView<const T> x, const std::int64_t* labels, const T* sample_weights = nullptr)
      : inputs{x}, targets{{{}, labels}}, weights(sample_weights) {}

  [[nodiscard]] Index size() const { return inputs.empty() ? 0 : inputs[0].rows; }
  /// Samples [first, first + count). Throws OptionError unless there are these.
  [[nodiscard]] Dataset part(Index first, Index count) const;
};

/// Checks that there are samples for each input of the network, and that every value is finite.
/// Throws ShapeError or OptionError as the check of a dataset does, below.
template <class T>
void check(std::span<const MatrixView<const T>> inputs, const Network<T>& network,
           const std::string& where, const std::string& prefix = "");

/// Checks that there is a loss for each output of the network, which can take it. Throws
/// OptionError, also for a null pointer.
template <class T>
void check_losses(const Losses& losses, const Network<T>& network, const std::string& where);

/// Checks the weights of the samples, if there are any. Throws OptionError.
template <class T>
void check_weights(const Dataset<T>& data, const std::string& where,
                   const std::string& prefix = "");

/// Checks that the data fit the network and the losses, and that every value is finite.
/// Throws ShapeError or OptionError whose message begins with "[where] name", where `name` is "X",
/// "y" or "sample_weight" with `prefix` before it; `X["name"]` or `y["name"]` where the network has
/// several inputs or outputs.
template <class T>
void check(const Dataset<T>& data, const Network<T>& network, const Losses& losses,
           const std::string& where, const std::string& prefix = "");

}  // namespace nnbind
