// nnbind.fit_many.
#include <pybind11/stl.h>

#include <deque>
#include <map>
#include <utility>

#include "bindings.hpp"
#include "dataset_arrays.hpp"
#include "gil.hpp"
#include "py_history.hpp"
#include "python_function.hpp"

namespace nnbind::bindings {

namespace {

/// A fit of many as Python hands it over: FitJob, with numbers in the list of sets for the data.
struct PyFitJob {
  py::object network;
  LossTerms losses;
  OptimizerPointer optimizer;
  FitOptions options;
  std::size_t data = 0;
  py::object sample_weight, samples;
  std::optional<std::size_t> validation;
  py::object validation_weight, validation_samples;
  py::object history;
};

/// (X, y, prefix): as Network.fit takes them, and what messages call them: "" or "validation ".
using PySet = std::tuple<Parts, Parts, std::string>;
/// progress(networks that are done).
using Progress = Named<"collections.abc.Callable[[int], None] | None">;

/// The jobs of the core, and the memory behind them, which is borrowed from the caller: X and y
/// once for all networks, and copied nowhere.
template <class T>
class Jobs {
 public:
  Jobs(const std::vector<PyFitJob>& given, const std::vector<PySet>& sets)
      : sets_(sets), arrays_(sets.size()) {
    for (std::size_t k = 0; k < given.size(); ++k) add(given[k], k);
    for (Arrays<T>& each : arrays_) detach(each.dataset);
    for (std::size_t k = 0; k < given.size(); ++k) {
      jobs_[k].data = weighted(given[k].data, given[k].sample_weight);
      if (const auto& number = given[k].validation) {
        jobs_[k].validation = weighted(*number, given[k].validation_weight);
      }
    }
  }

  [[nodiscard]] std::span<const FitJob<T>> list() const { return jobs_; }

 private:
  void add(const PyFitJob& given, std::size_t k) {
    FitJob<T> job;
    job.network = &network_of(given, k);
    job.losses = &losses_.emplace_back(losses_of(given.losses));
    job.optimizer = given.optimizer.get();
    job.history = given.history.cast<PyHistory*>();
    job.options = given.options;
    job.options.samples = entries(given.samples, "samples of network " + std::to_string(k));
    job.options.validation_samples = entries(given.validation_samples, "validation samples");
    convert(given.data, job, k);
    if (given.validation) convert(*given.validation, job, k);
    jobs_.push_back(job);
  }

  static Network<T>& network_of(const PyFitJob& given, std::size_t k) {
    auto& network = given.network.cast<PyNetwork&>();
    return network.visit([&]<class U>(Network<U>& net) -> Network<T>& {
      if constexpr (std::is_same_v<T, U>) {
        return net;
      } else {
        throw py::type_error("[fit_many] network " + std::to_string(k) +
                             " has another dtype than network 0; expected one dtype");
      }
    });
  }

  std::span<const std::int64_t> entries(const py::object& list, const std::string& name) {
    if (list.is_none()) return {};
    const auto array =
        vector<std::int64_t>(list, "[fit_many] " + name, static_cast<py::ssize_t>(py::len(list)));
    owners_.push_back(array);
    return {array.data(), static_cast<std::size_t>(array.size())};
  }

  /// Makes arrays of a set, at its first use, by network k.
  void convert(std::size_t number, const FitJob<T>& job, std::size_t k) {
    if (!arrays_[number].dataset.inputs.empty()) return;
    const auto& [x, y, prefix] = sets_[number];
    const std::string where = "fit_many, network " + std::to_string(k);
    arrays_[number] = arrays<T>(x, y, py::none(), *job.network, *job.losses, where, prefix);
  }

  /// Copies what training any of the networks would write to.
  void detach(Dataset<T>& data) {
    const auto own = [this](MatrixView<const T>& view) {
      const auto written = [&](const FitJob<T>& job) { return is_written(view, *job.network); };
      if (std::ranges::none_of(jobs_, written)) return;
      Matrix<T>& copy = copies_.emplace_back(view.rows, view.cols);
      for (Index i = 0; i < view.rows; ++i) std::copy_n(view.row(i), view.cols, copy.view().row(i));
      view = std::as_const(copy).view();
    };
    for (MatrixView<const T>& x : data.inputs) own(x);
    for (Targets<T>& y : data.targets) {
      if (y.labels == nullptr) own(y.values);
    }
  }

  /// The set with the weights of its samples.
  const Dataset<T>* weighted(std::size_t number, const py::object& sample_weight) {
    Dataset<T>& data = datasets_.emplace_back(arrays_[number].dataset);
    if (sample_weight.is_none()) return &data;
    py::array_t<T>& values = weights_[{number, sample_weight.ptr()}];
    if (values.size() == 0) {
      const std::string what = "[fit_many] " + std::get<2>(sets_[number]) + "sample_weight";
      values = vector<T>(sample_weight, what, data.size());
    }
    data.weights = values.data();
    return &data;
  }

  const std::vector<PySet>& sets_;
  std::vector<Arrays<T>> arrays_;  // of each set
  std::deque<Dataset<T>> datasets_;
  std::map<std::pair<std::size_t, const PyObject*>, py::array_t<T>> weights_;
  std::deque<Matrix<T>> copies_;
  std::vector<py::object> owners_;
  std::deque<Losses> losses_;
  std::vector<FitJob<T>> jobs_;
};

void fit_jobs(const std::vector<PyFitJob>& given, const std::vector<PySet>& sets, int threads,
              const Progress& progress) {
  require(!given.empty(), "fit_many", "there is no network; expected at least one");
  FitManyHooks hooks;
  hooks.poll = [&](Index done) {
    const Interlude interlude;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!progress.is_none()) progress(done);
  };
  given[0].network.cast<PyNetwork&>().visit([&]<class T>(Network<T>& /*first*/) {
    const Jobs<T> jobs(given, sets);
    const WithoutGil released;
    fit_many<T>(jobs.list(), threads, hooks);
  });
}

}  // namespace

void register_fit_many(py::module_& module) {
  py::class_<PyFitJob>(module, "FitJob", "The fit of one network of many.")
      .def(py::init(
               [](const Named<"Network">& network, const LossTerms& losses,
                  const OptimizerPointer& optimizer, const FitOptions& options, std::size_t data,
                  const OptionalArrayLike& sample_weight, const OptionalArrayLike& samples,
                  std::optional<std::size_t> validation, const OptionalArrayLike& validation_weight,
                  const OptionalArrayLike& validation_samples, const Named<"History">& history) {
                 return PyFitJob{
                     network,       losses,  optimizer,  options,           data,
                     sample_weight, samples, validation, validation_weight, validation_samples,
                     history};
               }),
           py::kw_only(), py::arg("network"), py::arg("losses"), py::arg("optimizer"),
           py::arg("options"), py::arg("data"), py::arg("sample_weight"), py::arg("samples"),
           py::arg("validation"), py::arg("validation_weight"), py::arg("validation_samples"),
           py::arg("history"), "data and validation are numbers in the list of sets.");
  module.def("fit_many", &fit_jobs, py::arg("jobs"), py::arg("sets"), py::kw_only(),
             py::arg("threads"), py::arg("progress"),
             "The fits behind nnbind.fit_many. A set is (X, y, what messages call it).");
}

}  // namespace nnbind::bindings
