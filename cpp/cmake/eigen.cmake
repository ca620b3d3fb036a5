# Finds Eigen >= 3.4 and so defines Eigen3::Eigen: the caller's own, a system's, that of PyPI's
# cmeel-eigen (in pip's isolated build, or in the environment of the python3 on PATH), or, if asked,
# a download. No version in find_package: Eigen 3's own version file refuses to serve as 5.

set(eigen_suffix cmeel.prefix/share/eigen3/cmake)

if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 CONFIG QUIET PATH_SUFFIXES ${eigen_suffix})
endif()

if(NOT TARGET Eigen3::Eigen)
  execute_process(COMMAND python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))"
                  OUTPUT_VARIABLE site_packages OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(site_packages)
    find_package(Eigen3 CONFIG QUIET HINTS ${site_packages} PATH_SUFFIXES ${eigen_suffix})
  endif()
endif()

if(NOT TARGET Eigen3::Eigen AND NNBIND_FETCH_EIGEN)
  include(FetchContent)
  FetchContent_Declare(eigen
    URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
    URL_HASH SHA256=8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72
    SOURCE_SUBDIR none) # the headers suffice: Eigen's own CMakeLists would add its tests
  FetchContent_MakeAvailable(eigen)
  add_library(nnbind_eigen INTERFACE)
  target_include_directories(nnbind_eigen SYSTEM INTERFACE ${eigen_SOURCE_DIR})
  add_library(Eigen3::Eigen ALIAS nnbind_eigen)
  set(Eigen3_VERSION 3.4.0)
endif()

if(NOT TARGET Eigen3::Eigen)
  message(FATAL_ERROR "nnbind: no Eigen found; expected Eigen >= 3.4. One of these brings it:\n"
    "  python3 -m pip install cmeel-eigen\n"
    "  apt-get install libeigen3-dev    (or your system's package)\n"
    "  cmake -DNNBIND_FETCH_EIGEN=ON ...\n"
    "  cmake -DEigen3_DIR=<directory of Eigen3Config.cmake> ...")
endif()
if(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.4)
  message(FATAL_ERROR "nnbind: Eigen is ${Eigen3_VERSION} (${Eigen3_DIR}); expected >= 3.4")
endif()
