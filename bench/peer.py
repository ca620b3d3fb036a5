"""One library, one workload, one process: `python -m bench.peer torch M1`, a JSON line out."""

import argparse
import json
import math
import statistics
import time
from dataclasses import asdict, dataclass

from bench import peers, reference
from bench.workloads import WORKLOADS, make_problem

BLOCKS = 5  # a block of epochs is timed as a whole; the median of the blocks is quoted


@dataclass(frozen=True)
class Measurement:
    """What a process reports: the loss after the first epoch, and how long a step takes."""

    loss: float
    seconds_per_step: float
    version: str
    kernel: str


def measure(name: str, workload_name: str, seconds: float) -> Measurement:
    """Train one epoch for the loss, which also warms up; then time steps for about `seconds`, or
    for one epoch where that is longer."""
    problem = make_problem(WORKLOADS[workload_name])
    session = peers.prepare(name, problem)
    session.train(1)
    loss = reference.loss_of(problem, session.theta())

    def time_epochs(epochs: int) -> float:
        start = time.perf_counter()
        session.train(epochs)
        return (time.perf_counter() - start) / epochs

    blocks, epochs = split(seconds / time_epochs(1))
    epoch_seconds = statistics.median(time_epochs(epochs) for _ in range(blocks))
    return Measurement(
        loss, epoch_seconds / problem.workload.steps, session.version, session.kernel
    )


def split(epochs: float) -> tuple[int, int]:
    """That many epochs as a number of blocks, and of epochs in each."""
    return max(1, min(BLOCKS, round(epochs))), math.ceil(epochs / BLOCKS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=peers.TITLES)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=1.0, help="time spent on timing")
    arguments = parser.parse_args()
    result = measure(arguments.peer, arguments.workload, arguments.seconds)
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
