// Threads, and what the module was built from.
#include <pybind11/stl.h>

#include "bindings.hpp"

namespace nnbind::bindings {

void register_config(py::module_& module) {
  module.attr("__version__") = version();
  module.attr("isa") = isa();
  module.attr("longest_name") = longest_name;
  module.attr("most_threads") = most_threads;
  module.def("eigen_version", &eigen_version, "The version of Eigen that was compiled in.");
  module.def("openmp_version", &openmp_version,
             "The date of the OpenMP standard that was compiled in, as 201511.");
  module.def("get_num_threads", &get_num_threads,
             "Threads that a fit or a prediction may use.\n\n"
             "Until set, what OpenMP says at each call (OMP_NUM_THREADS), and where that is unset\n"
             "no more than the processors this process may run on and its cgroup's quota.");
  module.def(
      "set_num_threads",
      [](std::optional<int> threads) {
        if (threads) return set_num_threads(*threads);
        reset_num_threads();
      },
      py::arg("threads"),
      "Set the number of threads for the whole process; None returns to the default.\n\n"
      "Results are the same, bit for bit, for any number. Raises ValueError unless it is 1 to\n"
      "most_threads.");
}

}  // namespace nnbind::bindings
