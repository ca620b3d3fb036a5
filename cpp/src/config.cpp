#include "nnbind/config.hpp"

#include <Eigen/Core>

namespace nnbind {

std::string version() { return NNBIND_VERSION; }

std::string isa() { return NNBIND_ISA_NAME; }

std::string eigen_version() {
  return std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
         std::to_string(EIGEN_MINOR_VERSION);
}

int openmp_version() { return _OPENMP; }

}  // namespace nnbind
