# The instruction sets to build. Sets nnbind_isa, a list out of v2, v3, v4 (the x86-64 levels), the
# lowest first, or base alone (the compiler's default, on any other processor).

# The flags of one level: those that choose it, and those that only tune the code. Levels rather
# than -march=native: measured on Zen 5, gcc 12's native is 25 % slower.
function(nnbind_isa_flags isa flags_out tuning_out)
  set(flags "")
  set(tuning "")
  if(NOT isa STREQUAL base)
    set(flags -march=x86-64-${isa})
    # A prefetch for writing is in none of the levels; processors without it do nothing.
    set(tuning -mprfchw)
  endif()
  # gcc joins neighbouring addresses and fields into vectors, which costs more than it saves: a
  # vector that is read where its parts were just written waits for all of them.
  list(APPEND tuning -fno-tree-slp-vectorize)
  if(isa STREQUAL v4)
    # gcc vectorises loops with 256 bits otherwise.
    list(APPEND tuning -mprefer-vector-width=512)
  endif()
  set(${flags_out} "${flags}" PARENT_SCOPE)
  set(${tuning_out} "${tuning}" PARENT_SCOPE)
endfunction()

# The best level that this machine runs; v2 where that cannot be tried.
function(nnbind_best_isa out)
  if(CMAKE_CROSSCOMPILING)
    set(${out} v2 PARENT_SCOPE)
    return()
  endif()
  if(NOT DEFINED NNBIND_CPU_LEVEL)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/nnbind_cpu_level.cpp)
    file(WRITE ${source} "
      int main() {
        __builtin_cpu_init();
        if (!__builtin_cpu_supports(\"avx2\") || !__builtin_cpu_supports(\"fma\") ||
            !__builtin_cpu_supports(\"bmi\") || !__builtin_cpu_supports(\"bmi2\")) return 2;
        if (!__builtin_cpu_supports(\"avx512f\") || !__builtin_cpu_supports(\"avx512bw\") ||
            !__builtin_cpu_supports(\"avx512cd\") || !__builtin_cpu_supports(\"avx512dq\") ||
            !__builtin_cpu_supports(\"avx512vl\")) return 3;
        return 4;
      }")
    try_run(level compiled ${CMAKE_CURRENT_BINARY_DIR} ${source})
    if(NOT compiled OR NOT level MATCHES "^[234]$")
      set(level 2)
    endif()
    set(NNBIND_CPU_LEVEL v${level} CACHE INTERNAL "Best x86-64 level of this machine")
  endif()
  set(${out} ${NNBIND_CPU_LEVEL} PARENT_SCOPE)
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(known_isa v2 v3 v4)
else()
  set(known_isa base)
endif()

if(NNBIND_ISA)
  set(nnbind_isa ${NNBIND_ISA})
elseif(by_pip OR known_isa STREQUAL base)
  set(nnbind_isa ${known_isa})
else()
  nnbind_best_isa(nnbind_isa)
endif()

foreach(isa IN LISTS nnbind_isa)
  if(NOT isa IN_LIST known_isa)
    message(FATAL_ERROR "nnbind: NNBIND_ISA names '${isa}'; expected one or several of: ${known_isa}")
  endif()
endforeach()
list(SORT nnbind_isa)
list(REMOVE_DUPLICATES nnbind_isa)
message(STATUS "nnbind: instruction sets: ${nnbind_isa}")
