// The GIL, for threads that may outlive the interpreter.
//
// From its end on the interpreter lets no thread but its own have the GIL: another that asks, or
// whose turn it is again, is ended by force (before Python 3.14), and C++ does not survive that:
// the first destructor or parallel region on the way out calls std::terminate. So such a thread
// waits here for the end of the process instead.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <optional>
#include <thread>

namespace nnbind::bindings {

[[noreturn]] inline void wait_for_the_end_of_the_process() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

/// The GIL, for a thread of the core that calls Python.
class Gil {
 public:
  Gil() {
    try {
      acquire_.emplace();
    } catch (...) {
      if (is_finalizing()) wait_for_the_end_of_the_process();
      throw;
    }
  }
  /// Without the GIL the thread is on its way out of Python code in which it was ended.
  ~Gil() {
    if (PyGILState_Check() == 0) wait_for_the_end_of_the_process();
  }
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;

 private:
  static bool is_finalizing() {
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
  }

  std::optional<pybind11::gil_scoped_acquire> acquire_;
};

/// Lets other threads have the GIL, for as long as a thread of Python's is in the core.
class WithoutGil {
 public:
  WithoutGil() : thread_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    try {
      PyEval_RestoreThread(thread_);
    } catch (...) {
      wait_for_the_end_of_the_process();
    }
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* thread_;
};

}  // namespace nnbind::bindings
