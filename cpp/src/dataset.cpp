#include "nnbind/dataset.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "kernels/finite.hpp"
#include "nnbind/error.hpp"
#include "team.hpp"

namespace nnbind {

namespace {

[[noreturn]] void bad_value(const std::string& what, double value, Index row) {
  throw OptionError(what + " has " + (std::isnan(value) ? "a NaN" : "an infinity") + " in row " +
                    std::to_string(row));
}

/// The first row in which a value is not finite, or the number of rows. A whole data set takes as
/// long as tens of steps, and a single core reads memory at a part of its speed.
template <class T>
Index first_bad_row(MatrixView<const T> values, int threads) {
  std::atomic<Index> first = values.rows;
  const auto search = [&](Range rows) {
    if (kernels::all_finite<T>(values.middle_rows(rows))) return;
    Index i = rows.begin;
    while (kernels::all_finite<T>(values.middle_rows(i, 1))) ++i;
    Index least = first;
    while (i < least && !first.compare_exchange_weak(least, i)) {
    }
  };
  if (threads == 1) {
    search({0, values.rows});
  } else {
    run_team(threads, [&](const Member& member) { search(member.share(values.rows)); });
  }
  return first;
}

/// Throws if a value is not finite.
template <class T>
void require_finite(MatrixView<const T> values, const Network<T>& network,
                    const std::string& what) {
  constexpr double flops_per_value = 8;  // reading one takes longer
  const int threads =
      network.threads(flops_per_value * static_cast<double>(values.rows * values.cols));
  const Index bad = first_bad_row(values, threads);
  if (bad == values.rows) return;
  const T* const row = values.row(bad);
  bad_value(what, *std::find_if(row, row + values.cols, [](T x) { return !std::isfinite(x); }),
            bad);
}

template <class T>
void require_data(MatrixView<const T> values, const std::string& what) {
  if (values.data != nullptr) return;
  throw OptionError(what + " is a null pointer; expected one to its first row");
}

template <class T>
void check_inputs(MatrixView<const T> x, Index samples, Index width, const Network<T>& network,
                  const std::string& what) {
  if (x.cols != width || x.rows != samples) {
    throw ShapeError(what + " has shape " + shape_text(x.rows, x.cols) + "; expected (" +
                     (x.rows == samples ? "n" : std::to_string(samples)) + ", " +
                     std::to_string(width) + ")");
  }
  if (samples < 1) {
    throw ShapeError(what + " has shape " + shape_text(samples, width) +
                     "; expected at least one row");
  }
  require_data(x, what);
  require_finite(x, network, what);
}

template <class T>
void check_values(MatrixView<const T> y, Index samples, Index width, const Loss& loss,
                  const Network<T>& network, const std::string& what) {
  if (y.rows != samples || y.cols != width) {
    throw ShapeError(what + " has shape " + shape_text(y.rows, y.cols) + "; expected " +
                     shape_text(samples, width));
  }
  require_data(y, what);
  require_finite(y, network, what);
  std::vector<double> row(static_cast<std::size_t>(y.cols));
  for (Index i = 0; i < y.rows; ++i) {
    std::transform(y.row(i), y.row(i) + y.cols, row.begin(), [](T v) { return double{v}; });
    if (const std::string error = loss.target_error(row.data(), y.cols); !error.empty()) {
      throw OptionError(what + " " + error + " (row " + std::to_string(i) + ", " + loss.name() +
                        ")");
    }
  }
}

void check_labels(const std::int64_t* labels, Index samples, Index width, const Loss& loss,
                  const std::string& what) {
  if (!loss.takes_labels()) {
    throw ShapeError(what + " has shape (" + std::to_string(samples) + ",); " + loss.name() +
                     " expected " + shape_text(samples, width) +
                     ", a matrix also where there is one output");
  }
  for (Index i = 0; i < samples; ++i) {
    if (labels[i] < 0 || labels[i] >= width) {
      throw OptionError(what + " has the label " + std::to_string(labels[i]) + " in row " +
                        std::to_string(i) + "; expected 0 <= label < " + std::to_string(width));
    }
  }
}

}  // namespace

template <class T>
void check_losses(const Losses& losses, const Network<T>& network, const std::string& where) {
  const std::size_t outputs = network.output_ids().size();
  require(losses.terms.size() == outputs, where,
          std::to_string(losses.terms.size()) + " losses for " + std::to_string(outputs) +
              " outputs; expected one for each");
  for (std::size_t k = 0; k < outputs; ++k) {
    const auto& [loss, weight] = losses.terms[k];
    if (!std::isfinite(weight) || weight < 0) {
      throw OptionError("[" + where + "] a loss has the weight " + number_text(weight) +
                        "; expected a number >= 0");
    }
    const Activation g = network.output_activation(k);
    const NodeId id = network.output_ids()[k];
    const std::string& output = network.graph().node(id).name;
    if (loss == nullptr) {
      throw OptionError("[" + where + "] there is no loss for " + in_quotes(output));
    }
    const bool joint = loss->takes_pre_activation(g);
    if (loss->needs_pre_activation(g) && g.kind() != Activation::Kind::identity &&
        network.graph().is_read(id)) {
      throw OptionError("[" + where + "] " + loss->name() + " takes the pre-activation of " +
                        in_quotes(output) + " (" + std::string(g.name()) +
                        "), whose output other nodes read; expected an output of its own");
    }
    // What an operator without an activation gives is the user's affair.
    const bool is_layer = std::ranges::count(network.layers(), network.graph().node(id).owner) > 0;
    if (is_layer && loss->takes_probabilities() && !joint && !g.gives_probabilities()) {
      throw OptionError("[" + where + "] " + loss->name() +
                        " takes probabilities, and the output " + in_quotes(output) +
                        " has the activation " + in_quotes(g.name()) + "; expected " +
                        in_quotes(loss->takes_labels() ? "softmax" : "sigmoid") +
                        ", or from_logits with \"identity\"");
    }
  }
}

template <class T>
Dataset<T> Dataset<T>::part(Index first, Index count) const {
  if (first < 0 || count < 0 || first > size() - count) {
    throw OptionError("[Dataset.part] first is " + std::to_string(first) + " and count is " +
                      std::to_string(count) + "; there are " + std::to_string(size()) + " samples");
  }
  Dataset piece = *this;
  for (MatrixView<const T>& x : piece.inputs) x = x.middle_rows(first, count);
  for (Targets<T>& y : piece.targets) {
    if (y.labels != nullptr) {
      y.labels += first;
    } else {
      y.values = y.values.middle_rows(first, count);
    }
  }
  if (weights != nullptr) piece.weights += first;
  return piece;
}

namespace {

/// "[where] X", or `[where] X["name"]` of several.
template <class T>
std::string part_name(const std::string& name, const Network<T>& network,
                      const std::vector<NodeId>& nodes, std::size_t k) {
  if (nodes.size() == 1) return name;
  return name + "[" + in_quotes(network.graph().node(nodes[k]).name) + "]";
}

}  // namespace

template <class T>
void check(std::span<const MatrixView<const T>> inputs, const Network<T>& network,
           const std::string& where, const std::string& prefix) {
  const std::vector<NodeId>& nodes = network.input_ids();
  require(inputs.size() == nodes.size(), where,
          prefix + "X has " + std::to_string(inputs.size()) + " parts; expected " +
              std::to_string(nodes.size()));
  const std::string name = "[" + where + "] " + prefix + "X";
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    check_inputs(inputs[k], inputs[0].rows, network.graph().node(nodes[k]).shape.cols, network,
                 part_name(name, network, nodes, k));
  }
}

template <class T>
void check_weights(const Dataset<T>& data, const std::string& where, const std::string& prefix) {
  const std::string what = "[" + where + "] " + prefix + "sample_weight";
  for (Index i = 0; data.weights != nullptr && i < data.size(); ++i) {
    const double weight = data.weights[i];
    if (!std::isfinite(weight)) bad_value(what, weight, i);
    if (weight < 0) {
      throw OptionError(what + " is " + number_text(weight) + " in row " + std::to_string(i) +
                        "; expected numbers >= 0");
    }
  }
}

template <class T>
void check(const Dataset<T>& data, const Network<T>& network, const Losses& losses,
           const std::string& where, const std::string& prefix) {
  const std::vector<NodeId>& outputs = network.output_ids();
  const Index n = data.size();
  require(data.targets.size() == outputs.size(), where,
          prefix + "y has " + std::to_string(data.targets.size()) + " parts; expected " +
              std::to_string(outputs.size()));
  check_losses(losses, network, where);
  check<T>(data.inputs, network, where, prefix);
  const std::string start = "[" + where + "] " + prefix;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const Targets<T>& y = data.targets[k];
    const Loss& loss = *losses.terms[k].loss;
    const Index width = network.graph().node(outputs[k]).shape.cols;
    const std::string name = part_name(start + "y", network, outputs, k);
    if (y.labels != nullptr) {
      check_labels(y.labels, n, width, loss, name);
    } else {
      check_values(y.values, n, width, loss, network, name);
    }
  }
  check_weights(data, where, prefix);
}

#define NNBIND_INSTANTIATE(T)                                                                     \
  template Dataset<T> Dataset<T>::part(Index, Index) const;                                       \
  template void check<T>(std::span<const MatrixView<const T>>, const Network<T>&,                 \
                         const std::string&, const std::string&);                                 \
  template void check_losses<T>(const Losses&, const Network<T>&, const std::string&);            \
  template void check_weights<T>(const Dataset<T>&, const std::string&, const std::string&);      \
  template void check<T>(const Dataset<T>&, const Network<T>&, const Losses&, const std::string&, \
                         const std::string&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
