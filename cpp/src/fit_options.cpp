// What a fit may be told.

#include "nnbind/error.hpp"
#include "nnbind/trainer.hpp"
#include "option_checks.hpp"

namespace nnbind {

namespace {

/// The entries of a list of samples are samples of a set of that size.
void check_entries(std::span<const std::int64_t> list, Index samples, const std::string& where,
                   const std::string& name) {
  for (const std::int64_t sample : list) {
    require(sample >= 0 && sample < samples, where,
            name + " has the entry " + std::to_string(sample) + "; expected 0 <= entry < " +
                std::to_string(samples));
  }
}

}  // namespace

void EarlyStopping::check() const {
  require_count("EarlyStopping", "patience", patience, 1);
  require_not_negative("EarlyStopping", "min_delta", min_delta);
}

void FitOptions::check(const std::string& where) const {
  require_count(where, "epochs", epochs, 0);
  require_count(where, "batch_size", batch_size, 0);
  regularizer.check();
  if (early_stopping) early_stopping->check();
}

void FitOptions::check_samples(Index set, const std::string& where) const {
  check_entries(samples, set, where, "samples");
  const Index n = samples.empty() ? set : static_cast<Index>(samples.size());
  const auto size = static_cast<Index>(sample_order.size());
  const bool for_each_epoch = n > 0 && size % n == 0 && size / n == epochs;
  if (size != 0 && size != n && !for_each_epoch) {
    throw ShapeError("[" + where + "] sample_order has " + std::to_string(size) +
                     " entries; expected " + std::to_string(n) + ", or that for each of the " +
                     std::to_string(epochs) + " epochs");
  }
  check_entries(sample_order, n, where, "sample_order");
}

void FitOptions::check_validation(std::optional<Index> set, const std::string& where) const {
  require(set || validation_samples.empty(), where,
          "validation_samples are given, and there is no validation set");
  check_entries(validation_samples, set.value_or(0), where, "validation samples");
}

}  // namespace nnbind
