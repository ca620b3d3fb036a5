// What an error says.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace nnbind::test {

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// f throws an Error whose message contains `message`.
template <class Error, class F>
void expect_message(const std::string& message, F f) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown; expected: " << message;
  } catch (const Error& error) {
    EXPECT_TRUE(contains(error.what(), message)) << error.what();
  }
}

}  // namespace nnbind::test
