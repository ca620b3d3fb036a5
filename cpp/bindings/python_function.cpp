#include "python_function.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace nnbind::bindings {

namespace {

void destroy(py::weakref* owner) {
  if (PyGILState_Check() != 0) {
    delete owner;
    return;
  }
  const Gil gil;
  delete owner;
}

template <class T>
std::span<const T> row_of(const py::array_t<T>& array, py::ssize_t row) {
  const py::ssize_t cols = array.ndim() == 1 ? 1 : array.shape(1);
  return {array.data() + row * cols, static_cast<std::size_t>(cols)};
}

/// A new array (rows × cols) with the values of those rows.
template <class T>
py::array_t<T> copied(std::span<const T* const> rows, Index cols) {
  py::array_t<T> array({static_cast<py::ssize_t>(rows.size()), static_cast<py::ssize_t>(cols)});
  T* to = array.mutable_data();
  for (const T* row : rows) to = std::copy_n(row, cols, to);
  return array;
}

template <class T>
bool has_nan(std::span<const T> values) {
  return std::ranges::any_of(values, [](T value) { return std::isnan(value); });
}

}  // namespace

template <class T>
PythonFunction<T>::PythonFunction(const py::object& owner, std::string attribute,
                                  const std::string& where)
    : owner_(new py::weakref(owner), &destroy),
      attribute_(std::move(attribute)),
      what_("[" + where + "] the result of " + attribute_) {}

template <class T>
py::array_t<T> PythonFunction<T>::operator()(
    std::vector<py::ssize_t> shape, const std::vector<std::span<const T* const>>& arguments,
    Index cols) const {
  py::tuple list(arguments.size());
  for (std::size_t k = 0; k < arguments.size(); ++k) list[k] = copied<T>(arguments[k], cols);
  const py::object owner = (*owner_)();
  if (owner.is_none()) throw std::runtime_error(what_ + " is lost: the object that has it is gone");
  const py::array given = numbers(owner.attr(attribute_.c_str())(*list), what_);
  if (!std::equal(shape.begin(), shape.end(), given.shape(), given.shape() + given.ndim())) {
    std::string expected;
    for (const py::ssize_t size : shape)
      expected += (expected.empty() ? "" : ", ") + std::to_string(size);
    throw ShapeError(what_ + " has shape " + shape_text(given) + "; expected (" + expected +
                     (shape.size() == 1 ? ",)" : ")"));
  }
  // In C order and of this type; a copy if it is not so already.
  const auto result = py::array_t<T, py::array::c_style | py::array::forcecast>::ensure(given);
  if (!result) throw py::error_already_set();
  for (py::ssize_t i = 0; i < shape[0]; ++i) {
    const bool expected = !std::ranges::all_of(arguments, [&](const auto& rows) {
      const T* row = rows[static_cast<std::size_t>(i)];
      return all_finite<T>({row, static_cast<std::size_t>(cols)});
    });
    if (!expected && has_nan<T>(row_of<T>(result, i))) {
      throw OptionError(what_ + " has a NaN in row " + std::to_string(i) +
                        ", where the arguments are finite");
    }
  }
  return result;
}

template class PythonFunction<float>;
template class PythonFunction<double>;

}  // namespace nnbind::bindings
