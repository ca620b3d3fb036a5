// Network.fit.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "dataset_arrays.hpp"
#include "gil.hpp"
#include "py_history.hpp"
#include "py_training.hpp"

namespace nnbind::bindings {

namespace {

/// Batches out of a Python iterable of (X, y) or (X, y, sample_weight).
template <class T>
class PythonBatches final : public BatchSource<T> {
 public:
  PythonBatches(py::object iterable, Network<T>& network, const Losses& losses, std::string where)
      : iterable_(std::move(iterable)),
        network_(&network),
        losses_(&losses),
        where_(std::move(where)) {}

  void begin_epoch() override {
    const Gil gil;
    iterator_ = py::iter(iterable_);
    number_ = 0;
  }

  std::optional<Dataset<T>> next() override {
    const Gil gil;
    PyObject* item = PyIter_Next(iterator_.ptr());
    if (item == nullptr) {
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
      return std::nullopt;
    }
    const auto batch = py::reinterpret_steal<py::object>(item);
    const bool is_list = py::isinstance<py::list>(batch);  // as PyTorch's loaders give
    if (!(is_list || py::isinstance<py::tuple>(batch)) || py::len(batch) < 2 ||
        py::len(batch) > 3) {
      throw py::type_error(
          "[" + where_ + "] the iterator gave no batch; expected (X, y) or (X, y, sample_weight)");
    }
    const py::tuple given(batch);
    const py::object weight = given.size() == 3 ? py::object(given[2]) : py::none();
    current_ = arrays<T>(given[0], given[1], weight, *network_, *losses_,
                         where_ + ", batch " + std::to_string(number_++));
    return current_.dataset;
  }

 private:
  py::object iterable_;
  py::object iterator_;
  Network<T>* network_;
  const Losses* losses_;
  std::string where_;
  Index number_ = 0;  // of the next batch
  Arrays<T> current_;
};

/// The history that the core writes without the GIL, and the caller's, which any Python thread may
/// read at any time.
class SharedHistory {
 public:
  SharedHistory(const History& live, History& shown) : live_(&live), shown_(&shown) {}
  /// Needs the GIL, as show() does.
  ~SharedHistory() { show(); }
  SharedHistory(const SharedHistory&) = delete;
  SharedHistory& operator=(const SharedHistory&) = delete;

  /// Brings the caller's up to date.
  void show() {
    append_rest(shown_->loss, live_->loss);
    append_rest(shown_->val_loss, live_->val_loss);
    append_rest(shown_->learning_rate, live_->learning_rate);
    append_rest(shown_->seconds, live_->seconds);
    shown_->metric_names = live_->metric_names;
    append_rests(shown_->metrics, live_->metrics);
    append_rests(shown_->val_metrics, live_->val_metrics);
    shown_->started = live_->started;
    shown_->best_epoch = live_->best_epoch;
  }

 private:
  using Numbers = std::vector<double>;
  static void append_rest(Numbers& to, const Numbers& from) {
    to.insert(to.end(), from.begin() + static_cast<Index>(to.size()), from.end());
  }
  static void append_rests(std::vector<Numbers>& to, const std::vector<Numbers>& from) {
    to.resize(from.size());
    for (std::size_t k = 0; k < to.size(); ++k) append_rest(to[k], from[k]);
  }

  const History* live_;
  History* shown_;
};

/// The hooks of a fit, for a Python callable `end_epoch() -> bool` or None.
FitHooks python_hooks(PyNetwork& network, SharedHistory& history, const EndEpoch& end_epoch,
                      double interval, const std::string& where) {
  FitHooks hooks;
  hooks.where = where;
  hooks.poll = [] {
    const Gil gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  };
  if (!end_epoch.is_none()) {
    hooks.end_epoch = [&](const History& /*history*/) {
      const Gil gil;
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      history.show();
      network.in_callback = true;
      const auto done = std::unique_ptr<bool, void (*)(bool*)>(&network.in_callback,
                                                               [](bool* flag) { *flag = false; });
      return py::cast<bool>(end_epoch());
    };
    hooks.interval = interval;
  }
  return hooks;
}

struct FitCall {
  py::object x, y, sample_weight;
  py::tuple validation;  // empty: none
  py::object order;
};

/// A fit's list of samples, as long as there is one.
class BorrowedOrder {
 public:
  BorrowedOrder(FitOptions& options, const py::object& order, const std::string& where)
      : options_(options) {
    if (order.is_none()) return;
    order_ = vector<std::int64_t>(order, "[" + where + "] sample_order",
                                  static_cast<py::ssize_t>(py::len(order)));
    options_.sample_order = {order_.data(), static_cast<std::size_t>(order_.size())};
  }
  ~BorrowedOrder() { options_.sample_order = {}; }
  BorrowedOrder(const BorrowedOrder&) = delete;
  BorrowedOrder& operator=(const BorrowedOrder&) = delete;

 private:
  FitOptions& options_;
  py::array_t<std::int64_t> order_;
};

template <class T>
void fit_network(Network<T>& network, const FitCall& call, Training<T>& training,
                 const FitHooks& hooks) {
  const BorrowedOrder order(training.options, call.order, hooks.where);
  Arrays<T> validation;
  const Dataset<T>* validation_set = nullptr;
  if (const py::tuple& given = call.validation; !given.empty()) {
    const py::object weight = given.size() > 2 ? py::object(given[2]) : py::none();
    validation =
        arrays<T>(given[0], given[1], weight, network, training.losses, hooks.where, "validation ");
    validation_set = &validation.dataset;
  }
  if (call.y.is_none()) {
    PythonBatches<T> batches(call.x, network, training.losses, hooks.where);
    const WithoutGil released;
    fit<T>(network, batches, training, validation_set, hooks);
  } else {
    const Arrays<T> data =
        arrays<T>(call.x, call.y, call.sample_weight, network, training.losses, hooks.where);
    const WithoutGil released;
    fit<T>(network, data.dataset, training, validation_set, hooks);
  }
}

}  // namespace

void register_fit(py::class_<PyNetwork>& network) {
  network.def(
      "_fit",
      [](PyNetwork& self, PyTraining& fit, const Samples& x, const OptionalParts& y,
         const OptionalBatch& validation, const OptionalArrayLike& sample_order,
         const OptionalArrayLike& sample_weight, const EndEpoch& end_epoch, double interval,
         PyHistory& history, const std::string& where) {
        FitCall call;
        call.x = x;
        call.y = y;
        call.sample_weight = sample_weight;
        call.order = sample_order;
        if (!validation.is_none()) call.validation = validation;
        self.visit([&]<class T>(Network<T>& net) {
          Training<T>& training = fit.of<T>();
          SharedHistory shared(training.history, history);
          fit_network(net, call, training, python_hooks(self, shared, end_epoch, interval, where));
        });
      },
      py::arg("fit"), py::arg("X"), py::arg("y"), py::kw_only(), py::arg("validation"),
      py::arg("sample_order"), py::arg("sample_weight"), py::arg("end_epoch"), py::arg("interval"),
      py::arg("history"), py::arg("where"),
      "The fit behind nnbind.Network.fit, begun or gone on with.");
  network.def(
      "_check_batch",
      [](PyNetwork& self, PyTraining& fit, const Parts& x, const Parts& y,
         const OptionalArrayLike& sample_weight, const std::string& where,
         const std::string& prefix) {
        self.visit([&]<class T>(Network<T>& net) {
          const Losses& losses = fit.of<T>().losses;
          const auto data = arrays<T>(x, y, sample_weight, net, losses, where, prefix);
          const WithoutGil released;
          check(data.dataset, net, losses, where, prefix);
        });
      },
      py::arg("fit"), py::arg("X"), py::arg("y"), py::arg("sample_weight"), py::arg("where"),
      py::arg("prefix"),
      "Raise what a fit of these samples raises, with `prefix` before the name of the array.");
}

}  // namespace nnbind::bindings
