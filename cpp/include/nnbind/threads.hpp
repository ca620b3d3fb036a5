// How many threads compute.
#pragma once

namespace nnbind {

/// Threads that a fit or a prediction may use. Until set, what OpenMP says at each call
/// (OMP_NUM_THREADS, omp_set_num_threads, OMP_THREAD_LIMIT), and where OMP_NUM_THREADS is unset no
/// more than the processors that this process may run on and the quota of its cgroups.
int get_num_threads();

constexpr int most_threads = 1024;

/// Sets it for the whole process. Throws OptionError unless it is 1 to most_threads.
/// Results do not depend on it: they are the same, bit for bit, for any number of threads.
void set_num_threads(int threads);

/// Returns to the default.
void reset_num_threads();

}  // namespace nnbind
