#include "model/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "model/json.hpp"
#include "nnbind/error.hpp"

namespace nnbind::model {

static_assert(std::endian::native == std::endian::little, "the numbers are written as they lie");

namespace {

constexpr std::uint64_t length_bytes = sizeof(std::uint64_t);
/// Of a header. It bounds the memory that parsing takes, and leaves room for some 50 000 nodes.
constexpr std::uint64_t longest_header = std::uint64_t{16} << 20;
/// Numbers are aligned in memory where the file is mapped.
constexpr std::size_t alignment = 8;
constexpr const char* metadata_key = "__metadata__";

std::uint64_t item_bytes(const std::string& dtype, const std::string& what) {
  if (dtype == "F32") return 4;
  if (dtype == "F64") return 8;
  throw FileError(what + ".dtype is " + nnbind::in_quotes(dtype) + "; expected F32 or F64");
}

/// The bytes of a tensor.
std::uint64_t byte_count(const TensorEntry& tensor, const std::string& what) {
  std::uint64_t bytes = item_bytes(tensor.dtype, what);
  for (const std::uint64_t size : tensor.shape) {
    require_file(!__builtin_mul_overflow(bytes, size, &bytes),
                 what + ".shape multiplies past 2^64 bytes");
  }
  return bytes;
}

TensorEntry read_entry(const Json& json, const std::string& what) {
  require_keys(json, {"dtype", "shape", "data_offsets"}, what);
  TensorEntry tensor;
  tensor.dtype = text(member(json, "dtype", what), what + ".dtype");
  for (const Json& size : list(member(json, "shape", what), what + ".shape")) {
    tensor.shape.push_back(natural_number(size, what + ".shape"));
  }
  const std::string where = what + ".data_offsets";
  const Json& offsets = list(member(json, "data_offsets", what), where);
  if (offsets.size() != 2) refuse(offsets, where, "two numbers");
  tensor.begin = natural_number(offsets[0], where);
  const std::uint64_t end = natural_number(offsets[1], where);
  if (tensor.begin > end) refuse(offsets, where, "begin <= end");
  tensor.size = end - tensor.begin;
  const std::uint64_t bytes = byte_count(tensor, what);
  if (bytes == tensor.size) return tensor;
  throw FileError(where + " is " + shown(offsets) + ", " + std::to_string(tensor.size) +
                  " bytes; its shape takes " + std::to_string(bytes));
}

/// Turns offsets in the data into those in the file, and requires that the tensors fill the data.
void place(std::map<std::string, TensorEntry>& tensors, std::uint64_t data_begin,
           std::uint64_t file_size) {
  std::vector<std::pair<const std::string, TensorEntry>*> order;
  order.reserve(tensors.size());
  for (auto& entry : tensors) order.push_back(&entry);
  std::ranges::sort(order, {}, [](const auto* entry) {
    return std::pair(entry->second.begin, entry->second.size);
  });
  std::uint64_t next = 0;
  const std::uint64_t data_size = file_size - data_begin;
  for (auto* entry : order) {
    auto& [name, tensor] = *entry;
    const std::string what = "tensor " + nnbind::in_quotes(name) + ".data_offsets";
    require_file(tensor.begin >= next, what + " overlaps another tensor's");
    require_file(tensor.begin == next, what + " leaves a gap before it");
    require_file(tensor.size <= data_size - next,
                 what + " goes beyond the end of the file, which is truncated");
    next += tensor.size;
    tensor.begin += data_begin;
  }
  require_file(next == data_size, "the file has " + std::to_string(data_size - next) +
                                      " bytes behind the last tensor");
}

}  // namespace

Header Header::read(const ByteSource& source) {
  require_file(source.size() >= length_bytes,
               "the file has " + std::to_string(source.size()) +
                   " bytes; expected a safetensors file, which begins with 8 bytes of length");
  std::uint64_t length = 0;
  source.read(0, std::as_writable_bytes(std::span(&length, 1)));
  require_file(length <= longest_header,
               "the header claims " + std::to_string(length) + " bytes; expected at most " +
                   std::to_string(longest_header) + ": it seems to be no safetensors file");
  require_file(length <= source.size() - length_bytes,
               "the header claims " + std::to_string(length) +
                   " bytes, more than the file has, which is truncated or no safetensors file");
  std::string bytes(length, ' ');
  source.read(length_bytes, std::as_writable_bytes(std::span(bytes)));
  const Document json = parse_json(bytes, "the header");
  if (!json.is_object()) refuse(json, "the header", "an object");
  Header header;
  for (const auto& [name, value] : json.items()) {
    if (name != metadata_key) {
      header.tensors.emplace(name, read_entry(value, "tensor " + nnbind::in_quotes(name)));
      continue;
    }
    if (!value.is_object()) refuse(value, name, "an object");
    for (const auto& [key, entry] : value.items()) {
      header.metadata.emplace(key, text(entry, name + "." + key));
    }
  }
  place(header.tensors, length_bytes + length, source.size());
  return header;
}

std::string write_header(const Metadata& metadata, std::span<const TensorView> tensors) {
  Document json;
  json[metadata_key] = metadata;
  std::uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    const std::uint64_t end = offset + tensor.data.size();
    json[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string header = json.dump();
  header.resize((header.size() + alignment - 1) / alignment * alignment, ' ');
  require(header.size() <= longest_header, "save",
          "the names and options of this network take " + std::to_string(header.size()) +
              " bytes; a model file has room for " + std::to_string(longest_header));
  const std::uint64_t length = header.size();
  std::string bytes(length_bytes, '\0');
  std::memcpy(bytes.data(), &length, length_bytes);
  return bytes + header;
}

}  // namespace nnbind::model
