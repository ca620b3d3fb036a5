// The tensors of a file as a network and its training take them.
#include <algorithm>

#include "model/architecture.hpp"
#include "nnbind/error.hpp"

namespace nnbind::model {

std::uint64_t TensorReader::count() const {
  std::uint64_t count = 0;
  for (const auto& [name, tensor] : left_) count += tensor.size / (tensor.dtype == "F32" ? 4 : 8);
  return count;
}

TensorEntry TensorReader::take(const std::string& name, const std::string& dtype) {
  const auto found = left_.find(name);
  require_file(found != left_.end(), "there is no tensor " + nnbind::in_quotes(name));
  TensorEntry tensor = found->second;
  require_file(tensor.dtype == dtype, "tensor " + nnbind::in_quotes(name) + ".dtype is " +
                                          nnbind::in_quotes(tensor.dtype) + "; expected " + dtype);
  left_.erase(found);
  return tensor;
}

AttributeArray TensorReader::array(const std::string& name) {
  const TensorEntry tensor = take(name, dtype_name<double>);
  if (tensor.shape.size() != 2 || tensor.size == 0) {
    refuse(tensor.shape, "tensor " + nnbind::in_quotes(name) + ".shape",
           "(rows, cols), each at least 1");
  }
  AttributeArray array{static_cast<Index>(tensor.shape[0]), static_cast<Index>(tensor.shape[1]),
                       std::vector<double>(tensor.size / sizeof(double))};
  source_.read(tensor.begin, std::as_writable_bytes(std::span(array.values)));
  return array;
}

template <class T>
void TensorReader::fill(const Place<T>& place) {
  const TensorEntry tensor = take(place.name, dtype_name<T>);
  if (tensor.shape != place.shape) {
    throw FileError("tensor " + nnbind::in_quotes(place.name) + ".shape is " + shown(tensor.shape) +
                    "; the architecture takes " + shown(place.shape));
  }
  source_.read(tensor.begin, std::as_writable_bytes(place.numbers));
}

std::vector<double> TensorReader::numbers(const std::string& name,
                                          const std::vector<std::uint64_t>& shape) {
  const TensorEntry tensor = take(name, dtype_name<double>);
  if (tensor.shape != shape) {
    refuse(tensor.shape, "tensor " + nnbind::in_quotes(name) + ".shape", shown(shape));
  }
  std::vector<double> numbers(tensor.size / sizeof(double));
  source_.read(tensor.begin, std::as_writable_bytes(std::span(numbers)));
  return numbers;
}

void TensorReader::skip(std::initializer_list<std::string_view> prefixes) {
  std::erase_if(left_, [&](const auto& entry) {
    return std::ranges::any_of(
        prefixes, [&](std::string_view start) { return entry.first.starts_with(start); });
  });
}

void TensorReader::finish() const {
  require_file(left_.empty(), "tensor " +
                                  (left_.empty() ? "" : nnbind::in_quotes(left_.begin()->first)) +
                                  " belongs to no node of the architecture");
}

template <class T>
std::string variance_error(const Place<T>& place) {
  const bool are_variances = place.name.ends_with(".running_variance");
  if (!are_variances || std::ranges::none_of(place.numbers, [](T v) { return v < 0; })) return "";
  return "tensor " + nnbind::in_quotes(place.name) + " has a variance below 0";
}

template <class T>
void check_variances(const Place<T>& place) {
  const std::string error = variance_error(place);
  require_file(error.empty(), error);
}

#define NNBIND_INSTANTIATE(T)                                          \
  template void TensorReader::fill<T>(const Place<T>&);                \
  template std::string variance_error<const T>(const Place<const T>&); \
  template void check_variances<T>(const Place<T>&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind::model
