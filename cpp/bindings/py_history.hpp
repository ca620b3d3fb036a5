// What a fit saw, as Python sees it.
#pragma once

#include <pybind11/typing.h>

#include <vector>

#include "nnbind/trainer.hpp"

namespace nnbind::bindings {

namespace py = pybind11;

/// A list for Python that grows as numbers of the core do. It is the caller's, whatever he does
/// with it: nothing is read from it.
class GrowingList {
 public:
  using List = py::typing::List<py::float_>;

  /// The list, with what has been added to the numbers since.
  List of(const std::vector<double>& numbers) {
    for (; size_ < numbers.size(); ++size_) list_.append(numbers[size_]);
    return list_;
  }

 private:
  List list_;
  std::size_t size_ = 0;  // how many numbers were handed over
};

/// A history and its lists, which are filled when they are asked for.
struct PyHistory : History {
  GrowingList loss_list, val_loss_list, learning_rate_list, seconds_list;
  std::vector<GrowingList> metric_lists, val_metric_lists;
};

}  // namespace nnbind::bindings
