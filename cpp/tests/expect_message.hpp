// What an error says.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace nnbind::test {

/// f throws an Error whose message contains `message`.
template <class Error, class F>
void expect_message(const std::string& message, F f) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown; expected: " << message;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

}  // namespace nnbind::test
