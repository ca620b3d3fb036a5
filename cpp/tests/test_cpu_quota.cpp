// The quota of the process's control groups, read from files like the kernel's.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cpu_quota.hpp"

namespace nnbind::test {
namespace {

namespace fs = std::filesystem;

/// A directory with files in the places where Linux has them.
class CpuQuota : public ::testing::Test {
 protected:
  CpuQuota() { fs::create_directories(root_); }
  ~CpuQuota() override { fs::remove_all(root_); }

  void write(const fs::path& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << '\n';
  }
  void write_v1(const fs::path& group, const std::string& quota) const {
    write("sys/fs/cgroup" / group / "cpu.cfs_quota_us", quota);
    write("sys/fs/cgroup" / group / "cpu.cfs_period_us", "100000");
  }
  [[nodiscard]] std::optional<int> quota() const { return cpu_quota(root_); }

 private:
  const fs::path root_ =
      fs::path(::testing::TempDir()) / ("nnbind_quota_" + std::to_string(::getpid()));
};

TEST_F(CpuQuota, IsNoneWithoutGroups) { EXPECT_EQ(quota(), std::nullopt); }

TEST_F(CpuQuota, IsThatOfTheGroupRoundedUp) {
  write("proc/self/cgroup", "0::/a");
  for (const auto& [text, expected] :
       {std::pair("max 100000", std::optional<int>()), std::pair("200000 100000", std::optional(2)),
        std::pair("150000 100000", std::optional(2)), std::pair("1000 100000", std::optional(1)),
        std::pair("30000 10000", std::optional(3)), std::pair("nonsense", std::optional<int>()),
        std::pair("", std::optional<int>()), std::pair("100000 0", std::optional<int>())}) {
    write("sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(quota(), expected) << text;
  }
}

TEST_F(CpuQuota, IsTheLeastOfTheGroupAndThoseAboveIt) {
  write("proc/self/cgroup", "0::/a/b/c");
  write("sys/fs/cgroup/a/cpu.max", "400000 100000");
  EXPECT_EQ(quota(), 4);
  write("sys/fs/cgroup/a/b/c/cpu.max", "700000 100000");
  EXPECT_EQ(quota(), 4);
  write("sys/fs/cgroup/a/b/cpu.max", "300000 100000");
  EXPECT_EQ(quota(), 3);
  write("sys/fs/cgroup/a/other/cpu.max", "100000 100000");
  EXPECT_EQ(quota(), 3);
}

// Seen from within, a container's own group is the mount, whatever path the host knows it by.
TEST_F(CpuQuota, IsThatOfTheMountInAContainer) {
  write("sys/fs/cgroup/cpu.max", "200000 100000");
  for (const char* path : {"/", "/docker/0123", "/../.."}) {
    write("proc/self/cgroup", std::string("0::") + path);
    EXPECT_EQ(quota(), 2) << path;
  }
}

TEST_F(CpuQuota, IsFoundInVersionOneToo) {
  for (const std::string controllers : {"cpu", "cpu,cpuacct", "cpuacct,cpu"}) {
    write("proc/self/cgroup", "5:memory:/a\n4:" + controllers + ":/a/b\n0::/a");
    write_v1(fs::path(controllers) / "a/b", "-1");
    EXPECT_EQ(quota(), std::nullopt) << controllers;
    write_v1(fs::path(controllers) / "a", "250000");
    EXPECT_EQ(quota(), 3) << controllers;
    write_v1(fs::path(controllers) / "a", "-1");
  }
}

}  // namespace
}  // namespace nnbind::test
