#include "model/byte_sources.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>

#include "nnbind/error.hpp"

namespace nnbind::model {

namespace {

namespace fs = std::filesystem;

/// What the system said last.
[[noreturn]] void fail(const char* where, const fs::path& path, int code = errno) {
  throw fs::filesystem_error(std::string("[") + where + "]", path,
                             std::error_code(code, std::generic_category()));
}

/// At most this much in one call: some systems take no more than 2^31 - 1 bytes.
constexpr std::size_t most_bytes = std::size_t{1} << 30;

/// A file beside `target`, which nobody else has, and which is removed unless it takes its place.
/// Errors name the target, which the user knows.
class Unfinished {
 public:
  explicit Unfinished(const fs::path& target)
      : target_(target), path_(target), file_(create(path_)) {
    if (!file_.is_open()) fail("save", target_);
  }
  ~Unfinished() {
    if (!kept_ && file_.is_open()) ::unlink(path_.c_str());
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  void write(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t count =
          ::write(file_.number(), bytes.data(), std::min(bytes.size(), most_bytes));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("save", target_);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  void take_its_place() {
    // Otherwise the new name could reach the disk before the bytes.
    if (::fsync(file_.number()) != 0) fail("save", target_);
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail("save", target_);
    kept_ = true;
  }

 private:
  /// Of a new file, whose name goes to `path`. Others may save there too, from machines where they
  /// have our process's number: so a name is tried until nobody has it.
  static int create(fs::path& path) {
    static std::atomic<unsigned> count{0};
    const std::string stem = path.string() + "." + std::to_string(::getpid()) + "-";
    int file = -1;
    do {
      path = stem + std::to_string(++count) + ".tmp";
      file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (file < 0 && errno == EEXIST);
    return file;
  }

  fs::path target_;
  fs::path path_;
  Descriptor file_;
  bool kept_ = false;
};

/// Brings the names in a directory to the disk, where the file system can.
void sync_directory(const fs::path& directory) {
  const Descriptor file(
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.is_open()) return;  // a directory may be written to and not read
  if (::fsync(file.number()) != 0 && errno != EINVAL) fail("save", directory);
}

}  // namespace

Descriptor::~Descriptor() {
  if (is_open()) ::close(number_);
}

FileSource::FileSource(fs::path path)
    // Opening a pipe would wait for its writer.
    : path_(std::move(path)), file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status{};
  if (!file_.is_open() || ::fstat(file_.number(), &status) != 0) fail("load", path_);
  if (S_ISDIR(status.st_mode)) fail("load", path_, EISDIR);
  if (!S_ISREG(status.st_mode)) fail("load", path_, EINVAL);
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void FileSource::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t count = ::pread(file_.number(), to.data(), std::min(to.size(), most_bytes),
                                  static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("load", path_);
    if (count == 0) throw FileError("the file became shorter while it was read");
    offset += static_cast<std::uint64_t>(count);
    to = to.subspan(static_cast<std::size_t>(count));
  }
}

void write_atomically(const fs::path& path, std::span<const std::span<const std::byte>> pieces) {
  std::error_code none;
  const fs::path target = fs::is_symlink(path, none) ? fs::weakly_canonical(path) : path;
  {
    Unfinished file(target);
    for (const auto piece : pieces) file.write(piece);
    file.take_its_place();
  }
  sync_directory(target.parent_path());
}

}  // namespace nnbind::model
