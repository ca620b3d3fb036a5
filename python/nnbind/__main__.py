"""``python -m nnbind``: the configuration, ``--version``, or where CMake finds the C++ library."""

from __future__ import annotations

import argparse
from pathlib import Path

import nnbind


def cmake_directory() -> Path:
    """The directory of ``nnbindConfig.cmake``, for CMake's ``-Dnnbind_DIR=``."""
    # An editable install spreads the package over two directories.
    for root in nnbind.__path__:
        directory = Path(root, "lib", "cmake", "nnbind")
        if (directory / "nnbindConfig.cmake").is_file():
            return directory
    raise FileNotFoundError(f"[nnbind] no nnbindConfig.cmake below {', '.join(nnbind.__path__)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m nnbind", description=__doc__)
    parser.add_argument("--version", action="version", version=nnbind.__version__)
    parser.add_argument("--cmakedir", action="store_true", help="print the package config's place")
    if parser.parse_args().cmakedir:
        print(cmake_directory())
    else:
        nnbind.show_config()


if __name__ == "__main__":
    main()
