// What the library was built from.
#pragma once

#include <string>

namespace nnbind {

/// The version of nnbind, as "0.1.0".
std::string version();

/// The instruction set it was compiled for: an x86-64 level ("v2", "v3", "v4"), or "base".
std::string isa();

/// The version of Eigen that was compiled in, as "3.4.1".
std::string eigen_version();

/// The date of the OpenMP standard that was compiled in, as 201511.
int openmp_version();

}  // namespace nnbind
