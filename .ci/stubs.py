"""Writes python/nnbind/_core.pyi from the installed extension module; --check compares instead."""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).resolve().parents[1] / "python" / "nnbind" / "_core.pyi"


def generate() -> str:
    """The stub of nnbind._core, as pybind11-stubgen writes it and ruff formats it."""
    with tempfile.TemporaryDirectory() as directory:
        stubgen = [sys.executable, "-m", "pybind11_stubgen", "nnbind._core", "-o", directory]
        subprocess.run([*stubgen, "--exit-code"], check=True)
        raw = Path(directory, "nnbind", "_core.pyi").read_text()
    # The version, and the instruction set of the machine at hand, are no part of the interface.
    raw = re.sub(r"^(\w+: str) = .*$", r"\1", raw, flags=re.MULTILINE)
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(STUB), "-"]
    return subprocess.run(ruff, input=raw, capture_output=True, text=True, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    new = generate()
    if not check:
        STUB.write_text(new)
        return
    old = STUB.read_text() if STUB.exists() else ""
    if old != new:
        sys.stdout.writelines(
            difflib.unified_diff(
                old.splitlines(True), new.splitlines(True), "_core.pyi", "the module's own"
            )
        )
        sys.exit("python/nnbind/_core.pyi is out of date: run `python .ci/stubs.py`")


if __name__ == "__main__":
    main()
