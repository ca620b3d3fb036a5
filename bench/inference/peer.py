"""One library, one process: `python -m bench.inference.peer torch S-relu`, a JSON line out."""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.inference.peers import PEERS
from bench.inference.workload import WORKLOADS, Workload, answer

BLOCK = 50e-6  # seconds: calls are timed in blocks of about this length


class WrongResult(Exception):
    """A library that predicts something else: its time means nothing."""


def measure(peer: str, workload: Workload, seconds: float) -> dict[str, dict[str, float]]:
    """The times of each way to ask that library, by title."""
    times = {}
    for title, call in PEERS[peer](workload).items():
        check(title, call(), answer(workload))
        times[title] = time_of(call, seconds)
    return times


def check(title: str, found: Any, expected: Any) -> None:
    if not np.allclose(found, expected, rtol=1e-3, atol=1e-4):  # catches a NaN as well
        raise WrongResult(
            f"[bench] {title} predicts {found.ravel()[:3]}...; expected {expected.ravel()[:3]}..."
        )


def time_of(call: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Microseconds a call. The median is of blocks of calls, so that it is free of the clock's own
    time; the 99th percentile is of single calls, and has it."""

    def block(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - start) / calls

    block(100)
    calls = max(1, math.ceil(BLOCK / block(100)))
    blocks, singles = [], []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        blocks.append(block(calls))
        singles += [block(1) for _ in range(calls)]
    return {
        "us": statistics.median(blocks) * 1e6,
        "p99": float(np.percentile(singles, 99)) * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=0.5, help="timing of each way to ask")
    arguments = parser.parse_args()
    workload = WORKLOADS[arguments.workload]
    print(json.dumps(measure(arguments.peer, workload, arguments.seconds)))


if __name__ == "__main__":
    main()
