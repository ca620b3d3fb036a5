// The GIL, for threads of the core that call Python.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace nnbind::bindings {

/// The GIL, while the interpreter lives. At its end it lets no other thread have it, and a thread
/// that asks is ended by force, which C++ does not survive: so the thread waits for the process's
/// end instead.
class Gil {
 private:
  struct Waiting {
    Waiting() {
      while (is_finalizing()) std::this_thread::sleep_for(std::chrono::hours(1));
    }
    static bool is_finalizing() {
#if PY_VERSION_HEX >= 0x030D0000
      return Py_IsFinalizing() != 0;
#else
      return _Py_IsFinalizing() != 0;
#endif
    }
  };
  Waiting waiting_;
  pybind11::gil_scoped_acquire acquire_;
};

}  // namespace nnbind::bindings
