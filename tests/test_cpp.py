"""The GoogleTest programs of cpp/tests, built and run by CMake."""

from __future__ import annotations

import re

from cpp_build import cpp_build, give_up, program, run


def test_the_cpp_tests_pass() -> None:
    directory = cpp_build()
    if not list(directory.glob("cpp/tests/nnbind_tests*")):
        give_up("there is no GoogleTest, nor a way to download it")
    printed = run(program("ctest"), "--test-dir", directory, "--output-on-failure")
    assert re.search(r"100% tests passed.* out of [1-9]", printed), printed
