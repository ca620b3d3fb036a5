#include "fit_many_checks.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "metric_names.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

std::string fit_many_where(std::size_t k) { return "fit_many, network " + std::to_string(k); }

namespace {

template <class T>
bool is_same(MatrixView<const T> a, MatrixView<const T> b) {
  return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.stride == b.stride;
}

/// Whether two sets are the same memory, but for the weights of the samples.
template <class T>
bool are_same(const Dataset<T>& a, const Dataset<T>& b) {
  const auto same_targets = [](const Targets<T>& y, const Targets<T>& z) {
    return is_same(y.values, z.values) && y.labels == z.labels;
  };
  return std::ranges::equal(a.inputs, b.inputs, is_same<T>) &&
         std::ranges::equal(a.targets, b.targets, same_targets);
}

template <class T>
std::vector<Index> widths(const Network<T>& network) {
  std::vector<Index> widths;
  for (const auto& ids : {network.input_ids(), network.output_ids()}) {
    for (const NodeId id : ids) widths.push_back(network.graph().node(id).shape.cols);
  }
  return widths;
}

/// Checks sets that many networks share. That every value is finite, and a target of the loss,
/// takes a pass over the set: so one that was found good for a network is not searched for the
/// next.
template <class T>
class DataChecks {
 public:
  void check(const Dataset<T>& data, const FitJob<T>& job, const std::string& where,
             const std::string& prefix) {
    const Known now{&data, job.losses, widths(*job.network)};
    if (std::ranges::none_of(known_, [&](const Known& known) { return known.covers(now); })) {
      nnbind::check(data, *job.network, *job.losses, where, prefix);
      known_.push_back(now);
      return;
    }
    check_losses(*job.losses, *job.network, where);
    check_weights(data, where, prefix);
  }

 private:
  struct Known {
    const Dataset<T>* data;
    const Losses* losses;
    std::vector<Index> widths;
    [[nodiscard]] bool covers(const Known& other) const {
      const auto loss = [](const Losses::Term& term) { return term.loss; };
      return std::ranges::equal(losses->terms, other.losses->terms, {}, loss, loss) &&
             widths == other.widths && are_same(*data, *other.data);
    }
  };
  std::vector<Known> known_;
};

/// That all is there which a fit needs.
template <class T>
void check_pointers(const FitJob<T>& job, const std::string& where) {
  require(job.network != nullptr, where, "there is no network");
  require(job.data != nullptr, where, "there are no data");
  require(job.losses != nullptr, where, "there are no losses");
  require(job.optimizer != nullptr, where, "there is no optimizer");
  require(job.history != nullptr, where, "there is no history to write to");
}

/// That nothing which a fit writes to is there twice.
template <class T>
void check_each_once(std::span<const FitJob<T>> jobs) {
  std::set<const void*> seen;
  for (std::size_t k = 0; k < jobs.size(); ++k) {
    require(seen.insert(jobs[k].network).second, fit_many_where(k),
            "is there twice; expected a copy of it");
    require(seen.insert(jobs[k].optimizer).second, fit_many_where(k),
            "has the optimizer of another; expected one for each network");
    require(jobs[k].optimizer->is_free_for(jobs[k].network->identity()), fit_many_where(k),
            "has an optimizer that trains another network; make a new one, or reset() it");
    require(seen.insert(jobs[k].history).second, fit_many_where(k), "has the history of another");
  }
}

}  // namespace

template <class T>
void check(std::span<const FitJob<T>> jobs) {
  for (std::size_t k = 0; k < jobs.size(); ++k) check_pointers(jobs[k], fit_many_where(k));
  check_each_once(jobs);
  DataChecks<T> checks;
  for (std::size_t k = 0; k < jobs.size(); ++k) {
    const FitJob<T>& job = jobs[k];
    job.options.check(fit_many_where(k));
    check_metric_names(*job.network, job.options.metrics, job.validation != nullptr,
                       fit_many_where(k));
    checks.check(*job.data, job, fit_many_where(k), "");
    job.options.check_samples(job.data->size(), fit_many_where(k));
    if (job.validation == nullptr) {
      job.options.check_validation({}, fit_many_where(k));
      continue;
    }
    checks.check(*job.validation, job, fit_many_where(k), "validation ");
    job.options.check_validation(job.validation->size(), fit_many_where(k));
  }
}

template void check<float>(std::span<const FitJob<float>>);
template void check<double>(std::span<const FitJob<double>>);

}  // namespace nnbind
