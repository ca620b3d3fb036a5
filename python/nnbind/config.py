"""What this nnbind is made of."""

from __future__ import annotations

import numpy as np

from . import _core


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
