"""Loads the extension module of the best instruction set as ``nnbind._core``.

A wheel holds one module for each x86-64 level (``_core_v2``, ``_core_v3``, ``_core_v4``; elsewhere
the one ``_core_base``). Importing this module chooses: the best that exists and that the CPU runs,
or the one that the environment variable ``NNBIND_ISA`` names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec, spec_from_file_location

LEVELS = ("base", "v2", "v3", "v4")  # from worst to best

# What each level adds (System V ABI, x86-64 psABI, section 3.1.1), in the words of /proc/cpuinfo.
_NEEDS = {
    "v2": {"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"},
    "v3": {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"},
    "v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def levels_of(flags: Collection[str]) -> list[str]:
    """The levels that a CPU with these ``/proc/cpuinfo`` flags runs, from worst to best."""
    levels = ["base"]
    for level, needs in _NEEDS.items():
        if not needs.issubset(flags):
            break
        levels.append(level)
    return levels


def cpu_levels() -> list[str] | None:
    """The levels that this CPU runs, or None where the system does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as cpuinfo:
            for line in cpuinfo:
                if line.startswith("flags"):  # that of the first core; the rest is slow to read
                    return levels_of(line.split())
    except OSError:
        pass
    return None


def choose(built: Collection[str], cpu: Collection[str] | None, wanted: str = "") -> str:
    """The level to load, out of those built.

    Where the CPU is unknown (``cpu`` is None) that is the least demanding one. Raises ImportError
    if ``wanted`` (empty: no wish) names a level that is unknown, not built, or not run by the CPU,
    or if none is left.
    """
    known = [level for level in LEVELS if level in built]
    usable = known if cpu is None else [level for level in known if level in cpu]
    listed = ", ".join(usable) or "none"
    if wanted:
        if wanted in usable:
            return wanted
        if wanted not in LEVELS:
            reason = "is not an instruction set"
        elif wanted not in known:
            reason = "is not built"
        else:
            reason = "does not run on this CPU"
        raise ImportError(f"[nnbind] NNBIND_ISA={wanted} {reason}; expected one of: {listed}")
    if not usable:
        built_list = ", ".join(known) or "no module at all"
        raise ImportError(f"[nnbind] this CPU runs none of the modules built: {built_list}")
    return usable[0] if cpu is None else usable[-1]


@contextmanager
def brief_spins() -> Iterator[None]:
    """In which libgomp is loaded, whose threads then sleep soon after they have worked.

    Of itself it has them spin for some 8 ms, on a core that NumPy's threads need, or the caller: a
    thread that wakes up is often put beside the one that woke it. It asks the environment when it
    is loaded, and here finds 1000 turns, some 30 µs, unless a user of OpenMP has said otherwise.
    """
    if "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ:
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = "1000"
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]


def _load() -> None:
    specs = {level: find_spec(f"nnbind._core_{level}") for level in LEVELS}
    files = {level: spec.origin for level, spec in specs.items() if spec and spec.origin}
    level = choose(files, cpu_levels(), os.environ.get("NNBIND_ISA", ""))
    # Under its final name from the start: pybind11 writes it into every class.
    spec = spec_from_file_location("nnbind._core", files[level])
    if spec is None or spec.loader is None:
        raise ImportError(f"[nnbind] {files[level]} is not an extension module")
    with brief_spins():
        core = module_from_spec(spec)
    sys.modules["nnbind._core"] = core
    vars(sys.modules["nnbind"])["_core"] = core  # as importing a submodule does
    spec.loader.exec_module(core)


_load()
