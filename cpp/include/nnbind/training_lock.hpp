// What one training at a time may have.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "nnbind/error.hpp"

namespace nnbind {

/// Holds a network or an optimizer for one training. Throws BusyError, "[where] why", if it is held
/// already.
class TrainingLock {
 public:
  TrainingLock(std::atomic<bool>& held, std::string_view where, const char* why) {
    if (held.exchange(true)) throw BusyError("[" + std::string(where) + "] " + why);
    held_.reset(&held);
  }

 private:
  struct Release {
    void operator()(std::atomic<bool>* held) const { held->store(false); }
  };
  std::unique_ptr<std::atomic<bool>, Release> held_;
};

}  // namespace nnbind
