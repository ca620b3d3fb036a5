"""`python -m bench.extras`: what a fit costs beyond plain SGD.

The workloads from M1 to L2, each trained by plain SGD and then with one thing more: momentum, Adam,
a penalty on the weights, a clipped gradient, dropout, validation on a tenth as many samples, a
metric. The fits take turns, so that a disturbed moment falls on all of them, and each is divided by
plain SGD's of the same round. The JSON goes to bench/results.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import nnbind as nn
from bench import machine
from bench.workloads import WORKLOADS, Workload, make_problem

NAMES = ("M1", "M2", "L1", "L2")
PLAIN = "plain SGD"


def fits(workload: Workload) -> Iterator[tuple[str, Callable[[int], object]]]:
    """The fits of a workload by name, each of so many epochs and with a network of its own."""
    problem = make_problem(workload)
    inputs, *hidden, outputs = workload.widths
    rate, tenth = workload.learning_rate, max(workload.samples // 10, 1)
    held_out = problem.X[:tenth], problem.y[:tenth]

    def fit(optimizer: nn.Optimizer, dropout: float = 0, **more: Any) -> Callable[[int], object]:
        net = nn.mlp(inputs, hidden, outputs, workload.activation, "softmax", dropout=dropout)
        options: dict[str, Any] = {"loss": "cross_entropy", "batch_size": workload.batch_size}
        options |= {"optimizer": optimizer, "progress": False, **more}
        return lambda epochs: net.fit(problem.X, problem.y, epochs=epochs, **options)

    yield PLAIN, fit(nn.SGD(rate))
    yield "momentum", fit(nn.SGD(rate / 10, momentum=0.9))
    yield "Adam", fit(nn.Adam(1e-4))
    yield "penalty", fit(nn.SGD(rate), regularizer=nn.L2(1e-4))
    yield "clipping", fit(nn.SGD(rate, clip_norm=1.0))
    yield "dropout 0.2", fit(nn.SGD(rate), dropout=0.2)
    yield "validation", fit(nn.SGD(rate), validation_data=held_out)
    yield "accuracy", fit(nn.SGD(rate), metrics=["accuracy"])


def measure(workload: Workload, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Microseconds a step of each round, by what is fitted."""
    ways = dict(fits(workload))
    start = time.perf_counter()
    for train in ways.values():
        train(1)
    epoch = (time.perf_counter() - start) / len(ways)
    epochs = max(1, round(seconds / epoch))
    steps: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, train in ways.items():
            train(1)  # on a virtual machine, memory not used for seconds comes back slowly
            start = time.perf_counter()
            train(epochs)
            taken = time.perf_counter() - start
            steps[name].append(taken / (epochs * workload.steps) * 1e6)
    return steps


def ratio(steps: dict[str, list[float]], name: str) -> float:
    """The median of the rounds' ratios to plain SGD."""
    pairs = zip(steps[name], steps[PLAIN], strict=True)
    return statistics.median(mine / plain for mine, plain in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.extras", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--workloads", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--seconds", type=float, default=0.5, help="of each fit")
    arguments = parser.parse_args()
    print(f"{machine.processor()}, {nn.get_num_threads()} threads; µs a step, to plain SGD")
    found = {}
    for workload in (WORKLOADS[name] for name in arguments.workloads):
        found[workload.name] = steps = measure(workload, arguments.rounds, arguments.seconds)
        for name, taken in steps.items():
            print(
                f"{workload.title:40} {name:12} {statistics.median(taken):10.1f} "
                f"{ratio(steps, name):6.2f}"
            )
    machine.save("extras.json", {"threads": nn.get_num_threads(), "steps": found})


if __name__ == "__main__":
    main()
