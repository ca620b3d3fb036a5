"""A training step while another program holds one of the cores, step by step.

`python -m bench.footprint.neighbour M1` prints a JSON line: the µs of each step. The network is fed
by an iterator, which is asked for a batch once a step and looks at the clock.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import nnbind as nn
from bench.runner import answer_of_module
from bench.workloads import WORKLOADS, Workload, make_problem

STALL = 1000.0  # µs more than the median step


@dataclass(frozen=True)
class Steps:
    """The distribution of a step's µs."""

    mean: float
    median: float
    p99: float
    longest: float
    stalls: int  # steps longer than the median by more than STALL
    count: int


def distribution(times: list[float]) -> Steps:
    median, p99 = np.percentile(times, [50, 99])
    return Steps(
        mean=float(np.mean(times)),
        median=float(median),
        p99=float(p99),
        longest=max(times),
        stalls=sum(1 for time in times if time > median + STALL),
        count=len(times),
    )


def share_lost(cores: int) -> float:
    """How many times a step may take when one of the cores is shared with one other program."""
    return cores / (cores - 0.5)


def step_times(workload: Workload, seconds: float) -> list[float]:
    """µs of each step of a fit that lasts about that long."""
    problem = make_problem(workload)
    inputs, *hidden, outputs = workload.widths
    net = nn.mlp(inputs, hidden, outputs, "relu", output="softmax", seed=1, dtype=np.float32)
    size, clock = workload.batch_size, time.perf_counter
    batches = [
        (problem.X[first : first + size], problem.y[first : first + size])
        for first in range(0, workload.samples, size)
    ]
    asked: list[float] = []

    def feed() -> Iterator[tuple[Any, Any]]:
        end = clock() + seconds
        while clock() < end:
            for batch in batches:
                asked.append(clock())
                yield batch

    net.fit(feed(), loss="cross_entropy", optimizer=nn.SGD(1e-3), epochs=1, progress=False)
    warm = asked[len(asked) // 10 :]
    return [(after - before) * 1e6 for before, after in pairwise(warm)]


@contextmanager
def busy_core(core: int) -> Iterator[None]:
    """A process that never rests on that core."""
    program = f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        time.sleep(0.3)  # it has started
        yield
    finally:
        process.kill()
        process.wait()


def measure(name: str, threads: int, rounds: int, seconds: float) -> dict[str, Steps]:
    """Alone and beside a neighbour in turns, each fit in a process of its own."""
    core = max(os.sched_getaffinity(0))
    times: dict[str, list[float]] = {"alone": [], "with a neighbour": []}
    for _ in range(rounds):
        for title in times:
            with busy_core(core) if title != "alone" else nullcontext():
                words = ["bench.footprint.neighbour", name, str(seconds)]
                times[title] += answer_of_module(words, threads)
    return {title: distribution(found) for title, found in times.items()}


if __name__ == "__main__":
    print(json.dumps(step_times(WORKLOADS[sys.argv[1]], float(sys.argv[2]))))
