"""`python -m bench.interrupt`: how long Ctrl-C takes to end a fit of the largest network.

L2 (2048-2048-2048-2048, batch 512) is trained, and in other fits mostly validated. At a random
moment a thread sends the process SIGINT, as a terminal does; the answer has come when the fit has
raised KeyboardInterrupt. On one thread and on all, alone and beside a program that never rests on
one of the cores. The second figures are CPU time of the process per thread, which other programs
stretch less. The JSON goes to bench/results.
"""

import argparse
import os
import random
import signal
import statistics
import threading
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import nnbind as nn
from bench import machine
from bench.footprint.neighbour import busy_core
from bench.workloads import WORKLOADS, Problem, make_problem

WORKLOAD = WORKLOADS["L2"]
LIMIT = 0.2  # seconds, by when a fit has answered


class Unanswered(Exception):
    """A fit that Ctrl-C did not end."""


@dataclass(frozen=True)
class Answer:
    """Seconds from SIGINT to KeyboardInterrupt: on the clock, and of CPU time for each thread."""

    clock: float
    cpu: float


def answer(problem: Problem, delay: float, validating: bool) -> Answer:
    """Of a fit that is interrupted `delay` seconds after its start."""
    inputs, *hidden, outputs = WORKLOAD.widths
    net = nn.mlp(inputs, hidden, outputs, output="softmax", seed=1)
    X, y, size = problem.X, problem.y, WORKLOAD.batch_size
    options: dict[str, Any] = {"validation_data": (X, y)} if validating else {}
    X, y = (X[:size], y[:size]) if validating else (X, y)
    sent = cpu_sent = 0.0

    def interrupt() -> None:
        nonlocal sent, cpu_sent
        time.sleep(delay)
        sent, cpu_sent = time.perf_counter(), time.process_time()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        net.fit(
            X, y, loss="cross_entropy", optimizer=nn.SGD(1e-3), epochs=10**6, batch_size=size,
            progress=False, **options,
        )  # fmt: skip
    except KeyboardInterrupt:
        clock, cpu = time.perf_counter() - sent, time.process_time() - cpu_sent
        thread.join()
        return Answer(clock, cpu / nn.get_num_threads())
    raise Unanswered("[bench] the fit came to its end")


def measure(rounds: int) -> dict[str, list[Answer]]:
    """The answers of the rounds, under the names of what went on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell has gone on
    problem, draw = make_problem(WORKLOAD), random.Random(1)
    core = max(os.sched_getaffinity(0))
    answers: dict[str, list[Answer]] = {}
    for _ in range(rounds):
        for beside in (False, True):
            with busy_core(core) if beside else nullcontext():
                for threads in sorted({1, machine.cores()}):
                    nn.set_num_threads(threads)
                    for validating in (False, True):
                        name = "validating" if validating else "training"
                        name += f", {threads} threads" + (", with a neighbour" if beside else "")
                        taken = answer(problem, draw.uniform(0.3, 1.0), validating)
                        answers.setdefault(name, []).append(taken)
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.interrupt", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    answers = measure(arguments.rounds)
    print(f"{WORKLOAD.title}; {machine.processor()}; {arguments.rounds} rounds")
    for name, taken in answers.items():
        clock, cpu = [one.clock * 1e3 for one in taken], [one.cpu * 1e3 for one in taken]
        print(
            f"{name:40} median {statistics.median(clock):5.1f} ms, at most {max(clock):5.1f}; "
            f"CPU time {statistics.median(cpu):5.1f} and {max(cpu):5.1f}"
            + ("" if max(clock) < LIMIT * 1e3 else "  TOO LATE")
        )
    found = {name: [asdict(one) for one in taken] for name, taken in answers.items()}
    machine.save("interrupt.json", {"workload": WORKLOAD.title, "answers": found})


if __name__ == "__main__":
    main()
