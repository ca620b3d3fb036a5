#include "cpu_quota.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

namespace nnbind {

namespace {

namespace fs = std::filesystem;

constexpr double no_quota = std::numeric_limits<double>::infinity();

/// A quota over its period, both in microseconds; what is no quota ("max", -1) is infinite.
double processors(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : no_quota;
}

/// Of one group of version 2. cpu.max: "quota period" or "max period".
double quota_v2(const fs::path& group) {
  double quota = 0, period = 0;
  std::ifstream(group / "cpu.max") >> quota >> period;  // "max" is no number and leaves both
  return processors(quota, period);
}

/// Of one group of version 1, which has a file for each; no quota is -1.
double quota_v1(const fs::path& group) {
  double quota = 0, period = 0;
  std::ifstream(group / "cpu.cfs_quota_us") >> quota;
  std::ifstream(group / "cpu.cfs_period_us") >> period;
  return processors(quota, period);
}

/// The least quota of the groups from `path`, below `mount`, up to the mount itself. In a container
/// the path is often the host's, and does not exist: the mount is the container's own group then.
template <class Quota>
double least_quota(const fs::path& mount, fs::path path, Quota&& quota_of) {
  double least = quota_of(mount);
  for (path = path.relative_path(); path.has_relative_path(); path = path.parent_path()) {
    least = std::min(least, quota_of(mount / path));
  }
  return least;
}

/// Whether "cpu" is one of the names of a list like "cpu,cpuacct".
bool names_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

std::optional<int> cpu_quota(const fs::path& root) {
  const fs::path mount = root / "sys/fs/cgroup";
  double least = no_quota;
  std::ifstream groups(root / "proc/self/cgroup");  // lines like "4:cpu,cpuacct:/path", "0::/path"
  std::string number, controllers, path;
  while (std::getline(groups, number, ':') && std::getline(groups, controllers, ':') &&
         std::getline(groups, path)) {
    if (controllers.empty()) least = std::min(least, least_quota(mount, path, quota_v2));
    if (names_cpu(controllers)) {
      least = std::min(least, least_quota(mount / controllers, path, quota_v1));
      least = std::min(least, least_quota(mount / "cpu", path, quota_v1));
    }
  }
  if (least == no_quota) return std::nullopt;
  return std::max(1, static_cast<int>(std::ceil(std::min(least, 1e6))));
}

}  // namespace nnbind
