# Finds GoogleTest, or downloads it. Sets nnbind_googletest to whether GTest::gtest_main exists.

find_package(GTest QUIET)

if(NOT TARGET GTest::gtest_main)
  # The download is tried on its own first, because FetchContent ends the configuration on failure.
  set(archive ${CMAKE_CURRENT_BINARY_DIR}/googletest-1.17.0.tar.gz)
  file(DOWNLOAD https://github.com/google/googletest/archive/refs/tags/v1.17.0.tar.gz ${archive}
       INACTIVITY_TIMEOUT 20 TIMEOUT 120 STATUS download)
  list(GET download 0 failed)
  if(NOT failed)
    include(FetchContent)
    set(INSTALL_GTEST OFF CACHE INTERNAL "")
    set(BUILD_GMOCK OFF CACHE INTERNAL "")
    FetchContent_Declare(googletest URL ${archive}
      URL_HASH SHA256=65fab701d9829d38cb77c14acdc431d2108bfdbf8979e40eb8ae567edf10b27c)
    FetchContent_MakeAvailable(googletest)
  endif()
endif()

if(TARGET GTest::gtest_main)
  set(nnbind_googletest ON)
else()
  set(nnbind_googletest OFF)
endif()
