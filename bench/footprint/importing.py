"""How long `import nnbind` takes once NumPy is there."""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

LIMIT = 15.0  # ms

# The path is this interpreter's, but without what other packages have it import when it starts.
_PATH = f"import sys; sys.path[:] = {[place for place in sys.path if place]!r}\n"
_TIMED = """
import time, numpy
start, cpu = time.perf_counter(), time.thread_time()
import nnbind
print(time.perf_counter() - start, time.thread_time() - cpu)
"""


@dataclass(frozen=True)
class Import:
    """Milliseconds beyond NumPy, and the modules that take the longest by themselves."""

    median: float
    best: float
    cpu: float  # of the importing thread: others on the machine lengthen it less
    slowest: dict[str, float]
    limit: float = LIMIT


def measure(rounds: int) -> Import:
    """Each import in a process of its own, from compiled files that the first one has written."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-S", *options, "-c", _PATH + code]
            return subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True
            )

        run(_TIMED)
        times = [tuple(map(float, run(_TIMED).stdout.split())) for _ in range(rounds)]
        listing = run("import numpy, nnbind", "-X", "importtime").stderr
    wall, cpu = zip(*times, strict=True)
    return Import(
        statistics.median(wall) * 1e3, min(wall) * 1e3, statistics.median(cpu) * 1e3,
        slowest(listing),
    )  # fmt: skip


def slowest(listing: str, count: int = 8) -> dict[str, float]:
    """Of what `python -X importtime` prints: ms of the modules after numpy, without their own
    imports."""
    times: dict[str, float] = {}
    after_numpy = False
    for line in listing.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        module = rest.rpartition("|")[2].strip()
        if after_numpy and own.strip().isdigit():
            times[module] = int(own) / 1e3
        after_numpy |= module == "numpy"
    return dict(sorted(times.items(), key=lambda item: -item[1])[:count])
