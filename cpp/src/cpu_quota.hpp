// How much of the processors the system lets this process have.
#pragma once

#include <filesystem>
#include <optional>

namespace nnbind {

/// The processors that the quotas of this process's control groups amount to: the least of its own
/// group's and of those above it, rounded up, at least 1. Nothing where there is no quota, or no
/// control group. Source: the kernel's cgroup-v2.rst ("cpu.max") and cgroup-v1 sched-bwc.rst
/// ("cpu.cfs_quota_us", "cpu.cfs_period_us").
/// The files are looked for below `root`, since a test has some of its own.
std::optional<int> cpu_quota(const std::filesystem::path& root = "/");

}  // namespace nnbind
