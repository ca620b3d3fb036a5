# Finds nlohmann-json >= 3.9 and so defines nlohmann_json::nlohmann_json: the caller's own, a
# system's, that of PyPI's nlohmann-json (in pip's isolated build, or in the environment of the
# python3 on PATH: headers alone, no config), or, if asked, a download.

if(NOT TARGET nlohmann_json::nlohmann_json)
  find_package(nlohmann_json 3.9 CONFIG QUIET)
endif()

if(NOT TARGET nlohmann_json::nlohmann_json)
  execute_process(COMMAND python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))"
                  OUTPUT_VARIABLE site_packages OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  find_path(NNBIND_JSON_INCLUDE_DIR nlohmann/json.hpp HINTS ${CMAKE_PREFIX_PATH} ${site_packages}
            PATH_SUFFIXES nlohmann_json/include DOC "Directory of nlohmann/json.hpp")
  if(NNBIND_JSON_INCLUDE_DIR)
    set(json_include_dir ${NNBIND_JSON_INCLUDE_DIR})
  elseif(NNBIND_FETCH_JSON)
    include(FetchContent)
    FetchContent_Declare(nlohmann_json
      URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
      URL_HASH SHA256=d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d
      SOURCE_SUBDIR none) # the headers suffice
    FetchContent_MakeAvailable(nlohmann_json)
    set(json_include_dir ${nlohmann_json_SOURCE_DIR}/include)
  else()
    message(FATAL_ERROR "nnbind: no nlohmann-json found; expected >= 3.9. One of these brings it:\n"
      "  python3 -m pip install nlohmann-json\n"
      "  apt-get install nlohmann-json3-dev    (or your system's package)\n"
      "  cmake -DNNBIND_FETCH_JSON=ON ...\n"
      "  cmake -DNNBIND_JSON_INCLUDE_DIR=<directory of nlohmann/json.hpp> ...")
  endif()
  add_library(nnbind_json INTERFACE)
  target_include_directories(nnbind_json SYSTEM INTERFACE ${json_include_dir})
  add_library(nlohmann_json::nlohmann_json ALIAS nnbind_json)
endif()
