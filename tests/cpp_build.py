"""CMake as the tests use it: the C++ tests and examples, built once."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from nnbind import _core

ROOT = Path(__file__).resolve().parents[1]
CONSUMER = ROOT / "tests" / "consumer"
REQUIRED = os.environ.get("NNBIND_REQUIRE_CPP_TESTS", "") not in ("", "0")


def give_up(reason: str) -> None:
    """Skip the test, or fail it where NNBIND_REQUIRE_CPP_TESTS=1 forbids to skip (as in CI)."""
    if REQUIRED:
        pytest.fail(f"NNBIND_REQUIRE_CPP_TESTS is set, but {reason}", pytrace=False)
    pytest.skip(reason)


def program(name: str) -> str:
    """The path of a program: beside this Python (the `test` extra brings cmake), or on PATH."""
    places = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    path = shutil.which(name, path=places)
    if path is None:
        give_up(f"there is no {name}: pip install 'nnbind[test]' brings it")
        raise AssertionError
    return path


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command prints. Fails the test with the whole of it if the command fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{shlex.join(map(str, command))}\n{done.stdout}", pytrace=False)
    return done.stdout


def configure(source: Path, build: Path, *options: str) -> None:
    """`cmake -S source -B build`, with a generator and a compiler that are there."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++")):
        give_up("there is no C++ compiler")
    run(
        program("cmake"),
        *("-S", source, "-B", build, "-G", "Ninja"),
        f"-DCMAKE_MAKE_PROGRAM={program('ninja')}",
        *options,
        *shlex.split(os.environ.get("CMAKE_ARGS", "")),
    )


def build(directory: Path, *targets: str) -> None:
    """`cmake --build directory`, of some targets or of all."""
    run(program("cmake"), "--build", directory, *(("--target", *targets) if targets else ()))


def site_packages() -> str:
    """The option by which CMake finds this Python's cmeel-eigen and nlohmann-json."""
    return f"-DCMAKE_PREFIX_PATH={sysconfig.get_path('purelib')}"


def cmake_directory() -> str:
    """Where the package under test has its CMake config."""
    return run(sys.executable, "-m", "nnbind", "--cmakedir").strip()


@functools.cache
def cpp_build() -> Path:
    """The build directory of nnbind's C++ tests and examples, up to date.

    They are linked with the library of the package under test; where this machine has a better
    instruction set than that library, with one that is compiled for it.
    """
    directory = ROOT / "build" / "cpp"
    options = ["-DNNBIND_USE_INSTALLED=OFF"]
    if _core.isa in ("v3", "base"):  # the library's, where there is a choice
        options = ["-DNNBIND_USE_INSTALLED=ON", f"-Dnnbind_DIR={cmake_directory()}"]
    configure(ROOT, directory, *options, site_packages())
    build(directory)
    return directory
