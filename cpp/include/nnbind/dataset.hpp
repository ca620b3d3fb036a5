// Samples and targets, borrowed from whoever owns them.
#pragma once

#include <cstdint>
#include <string>

#include "nnbind/loss.hpp"
#include "nnbind/matrix.hpp"
#include "nnbind/network.hpp"

namespace nnbind {

/// n samples X (n × inputs) with their targets: either values Y (n × outputs) or the index of the
/// right class of each, and perhaps a weight for each.
template <class T>
struct Dataset {
  MatrixView<const T> x;
  MatrixView<const T> targets;  ///< data is nullptr where labels stand
  const std::int64_t* labels = nullptr;
  const T* weights = nullptr;

  [[nodiscard]] Index size() const { return x.rows; }
  /// Samples [first, first + count).
  [[nodiscard]] Dataset part(Index first, Index count) const;
};

/// Checks that the data fit the network and the loss, and that every value is finite.
/// Throws ShapeError or OptionError whose message begins with "[where] name", where `name` is "X",
/// "y" or "sample_weight" with `prefix` before it.
template <class T>
void check(const Dataset<T>& data, const Network<T>& network, const Loss& loss,
           const std::string& where, const std::string& prefix = "");

}  // namespace nnbind
