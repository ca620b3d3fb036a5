"""`python -m bench.many`: many small networks, one after the other and by nn.fit_many.

64 networks of T1 (8-9-9-9-4, batch 32) with seeds of their own. Both ways start from the same
weights and must end at the same θ, bit for bit, or the times mean nothing. The serial loop is that
of a careful user: no progress bar, arrays that are borrowed.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import nnbind as nn
from bench import machine
from bench.workloads import WORKLOADS, make_problem

WORKLOAD = WORKLOADS["T1"]
COUNT = 64


class Different(Exception):
    """Networks that fit_many trains otherwise than their own fits do."""


def networks() -> list[nn.Network]:
    inputs, *hidden, outputs = WORKLOAD.widths
    return [nn.mlp(inputs, hidden, outputs, output="softmax", seed=k) for k in range(COUNT)]


def measure(rounds: int, epochs: int) -> dict[str, list[float]]:
    """Seconds of each round: of the loop, of fit_many on one thread and on all."""
    problem = make_problem(WORKLOAD)
    options: dict[str, Any] = {
        "loss": "cross_entropy",
        "epochs": epochs,
        "batch_size": WORKLOAD.batch_size,
        "progress": False,
    }

    def optimizer(_: int) -> nn.Optimizer:
        return nn.SGD(WORKLOAD.learning_rate)

    def one_by_one(nets: list[nn.Network]) -> None:
        for k, net in enumerate(nets):
            net.fit(problem.X, problem.y, optimizer=optimizer(k), **options)

    def at_once(threads: int) -> Callable[[list[nn.Network]], object]:
        return lambda nets: nn.fit_many(
            nets, problem.X, problem.y, optimizers=optimizer, threads=threads, **options
        )

    ways = {"net.fit, one by one": one_by_one, "nn.fit_many, 1 thread": at_once(1)}
    ways[f"nn.fit_many, {machine.cores()} threads"] = at_once(machine.cores())
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        thetas = []
        for name, train in ways.items():
            nets = networks()
            start = time.perf_counter()
            train(nets)
            seconds[name].append(time.perf_counter() - start)
            thetas.append([net.theta.tobytes() for net in nets])
        if any(theta != thetas[0] for theta in thetas):
            raise Different("[bench] fit_many has other parameters than the networks' own fits")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.many", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    seconds = measure(arguments.rounds, arguments.epochs)
    steps = COUNT * WORKLOAD.steps * arguments.epochs
    serial = next(iter(seconds.values()))
    print(f"{COUNT} networks {WORKLOAD.title}, {arguments.epochs} epochs; {machine.processor()}")
    for name, taken in seconds.items():
        ratios = [mine / loop for mine, loop in zip(taken, serial, strict=True)]
        print(
            f"{name:24} {statistics.median(taken) * 1e3:8.1f} ms "
            f"({min(taken) * 1e3:.1f}-{max(taken) * 1e3:.1f}), "
            f"{statistics.median(taken) / steps * 1e6:.2f} µs a step; "
            f"{statistics.median(ratios):.3f} of the serial time"
        )


if __name__ == "__main__":
    main()
