// Where the bytes of a model come from and go to: memory and files.
#pragma once

#include <cstring>
#include <filesystem>
#include <span>

#include "model/safetensors.hpp"

namespace nnbind::model {

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t offset, std::span<std::byte> to) const override {
    if (!to.empty()) std::memcpy(to.data(), bytes_.data() + offset, to.size());
  }

 private:
  std::span<const std::byte> bytes_;
};

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

/// A regular file.
class FileSource final : public ByteSource {
 public:
  /// Throws std::filesystem::filesystem_error if it cannot be read.
  explicit FileSource(std::filesystem::path path);
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  /// Throws FileError if the file has become shorter.
  void read(std::uint64_t offset, std::span<std::byte> to) const override;

 private:
  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// Writes the pieces one after the other into a file beside `path`, brings it to the disk, and
/// gives it that name: whatever happens, `path` is the old file or the new one, whole. Where path
/// is a link, what it points at is replaced. Throws std::filesystem::filesystem_error, with the
/// unfinished file removed.
void write_atomically(const std::filesystem::path& path,
                      std::span<const std::span<const std::byte>> pieces);

}  // namespace nnbind::model
