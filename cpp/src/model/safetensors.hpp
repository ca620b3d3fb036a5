// The safetensors container: named tensors behind a JSON header, and nothing about networks.
//
//   8 bytes   N, little-endian
//   N bytes   {"__metadata__": {name: text}, NAME: {"dtype": "F32", "shape": [2, 3],
//             "data_offsets": [0, 24]}, ...}, filled up with spaces
//   the rest  the numbers, little-endian and row-major, without gaps
//
// https://github.com/huggingface/safetensors, "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nnbind::model {

/// What F32 and F64 are the names of.
template <class T>
constexpr const char* dtype_name = sizeof(T) == 4 ? "F32" : "F64";

/// Numbers somewhere in memory, to be written.
struct TensorView {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> data;
};

/// A tensor in a file.
struct TensorEntry {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  ///< in the file, in bytes
  std::uint64_t size = 0;
};

using Metadata = std::map<std::string, std::string>;

/// Bytes that can be read anywhere.
class ByteSource {
 public:
  ByteSource() = default;
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Fills `to` from `offset` on; both lie within size().
  virtual void read(std::uint64_t offset, std::span<std::byte> to) const = 0;
};

/// The header of a container. Everything is checked against the source's size: names and shapes are
/// what they say, and the tensors cover the data without gap or overlap.
struct Header {
  Metadata metadata;
  std::map<std::string, TensorEntry> tensors;

  /// Throws FileError that names the field.
  static Header read(const ByteSource& source);
};

/// The length and the header, to be followed by the tensors' data in this order. Throws OptionError
/// if it is longer than a reader takes.
std::string write_header(const Metadata& metadata, std::span<const TensorView> tensors);

}  // namespace nnbind::model
