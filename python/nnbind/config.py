"""What this nnbind is made of."""

from __future__ import annotations

import numpy as np

from . import _core
from ._checks import integer


def set_num_threads(threads: int | None) -> None:
    """Set the number of threads for the whole process; None returns to the default.

    Results are the same, bit for bit, for any number. Raises TypeError or ValueError unless it is
    1 to 1024.
    """
    if threads is not None:
        threads = integer(threads, "threads", 1, "set_num_threads", _core.most_threads)
    _core.set_num_threads(threads)


def show_config() -> dict[str, str | int]:
    """Print and return the version, the instruction set, the threads, and what was compiled in."""
    config: dict[str, str | int] = {
        "version": _core.__version__,
        "isa": _core.isa,
        "threads": _core.get_num_threads(),
        "eigen": _core.eigen_version(),
        "openmp": _core.openmp_version(),
        "numpy": np.__version__,
    }
    for name, value in config.items():
        print(f"{name}: {value}")
    return config
