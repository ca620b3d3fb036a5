"""One library, one process: `python -m bench.derivatives.peer torch`, a JSON line out."""

import argparse
import json
import math
import statistics
import time
from typing import Any

import numpy as np

from bench.derivatives.peers import PEERS, Session, Way
from bench.derivatives.workload import BATCHES, CHECKED, TASKS, answers, make_problem

BLOCKS = 5  # a block is timed as a whole; the median of the blocks is quoted
TOLERANCE = 1e-4  # of the largest entry; float32 is right to 1e-6


class WrongResult(Exception):
    """A library that computes something else: its time means nothing."""


def measure(peer: str, seconds: float) -> dict[str, Any]:
    rows = []
    for batch in BATCHES:
        problem = make_problem(batch)
        session, expected = PEERS[peer](problem), answers(problem)
        for task in TASKS:
            errors = {way: error_of(session, task, way, expected[task], batch)
                      for way in session.ways[task]}  # fmt: skip
            times = {way: time_of(run, seconds) for way, run in session.ways[task].items()}
            best = min(times, key=lambda way: times[way])
            rows.append({"task": task, "batch": batch, "way": best,
                         "us": times[best] * 1e6, "error": errors[best]})  # fmt: skip
    return {"version": session.version, "kernel": session.kernel, "rows": rows}


def error_of(session: Session, task: str, way: str, expected: Any, batch: int) -> float:
    """Its largest error, relative to the largest entry. Raises WrongResult if it is none such."""
    found = session.to_numpy(task, way, session.ways[task][way]())
    if task != "hessian":
        if len(found) != batch:
            raise WrongResult(f"[bench] {task} by {way} has {len(found)} rows; expected {batch}")
        found = found[:CHECKED]
    if found.shape != expected.shape:
        raise WrongResult(
            f"[bench] {task} by {way} has shape {found.shape}; expected {expected.shape}"
        )
    error = float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
    if not error <= TOLERANCE:  # catches a NaN as well
        raise WrongResult(f"[bench] {task} by {way} is off by {error:.1e} of its largest entry")
    return error


def time_of(run: Way, seconds: float) -> float:
    """Seconds a call, by blocks that take about `seconds` together."""

    def block(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            run()
        return (time.perf_counter() - start) / calls

    run()
    calls = max(1, math.ceil(seconds / BLOCKS / block(3)))
    return statistics.median(block(calls) for _ in range(BLOCKS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--seconds", type=float, default=0.5, help="timing of each task")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.peer, arguments.seconds)))


if __name__ == "__main__":
    main()
