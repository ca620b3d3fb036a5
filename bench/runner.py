"""The rounds: every library in a process of its own, one after the other, again and again."""

import json
import os
import subprocess
import sys
from itertools import product
from typing import Any

from bench import machine, reference
from bench.peer import Measurement
from bench.peers import installed
from bench.record import Record, Series
from bench.workloads import Workload, make_problem

# A step that differs (another order, learning rate or reduction) changes the loss after an epoch
# by more than this, and the rounding of float32 by less.
TOLERANCE = 1e-4

# They pin a library to an older instruction set: each peer is measured at its best.
PINS = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "XLA_FLAGS",
)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")  # NPROC: XLA


class WrongLoss(Exception):
    """A library that does not train what the others train: its time means nothing."""


def run(workloads: list[Workload], wanted: list[str], rounds: int, seconds: float) -> Record:
    """Measure each library that is installed on each workload, on one core and on all, once a
    round."""
    peers = [peer for peer in wanted if installed(peer)]
    absent = [peer for peer in wanted if peer not in peers]
    record = Record(**machine.about(), workloads=workloads, absent=absent)
    losses = {w.name: reference.loss_after_epoch(make_problem(w)) for w in workloads}
    with machine.compiled_limits() as limits_program:
        for number in range(1, rounds + 1):
            record.limits.append(machine.measure_limits(limits_program))
            for workload in workloads:
                trips = record.round_trips.setdefault(workload.name, [])
                for threads, peer in product(sorted({1, record.cores}), peers):
                    trips.append(machine.measure_round_trip(limits_program))
                    result = measure(peer, workload, threads, seconds)
                    check_loss(peer, workload, result.loss, losses[workload.name])
                    add(record, peer, workload, threads, result)
                    report_progress(f"round {number}/{rounds}", peer, workload, threads, result)
                trips.append(machine.measure_round_trip(limits_program))
    return record


def measure(peer: str, workload: Workload, threads: int, seconds: float) -> Measurement:
    words = ["bench.peer", peer, workload.name, "--seconds", str(seconds)]
    return Measurement(**answer_of_module(words, threads))


def answer_of_module(words: list[str], threads: int) -> Any:
    """What `python -m words...` says last, as JSON, in a process of its own."""
    return json.loads(output_of([sys.executable, "-m", *words], threads).splitlines()[-1])


def output_of(command: list[str], threads: int) -> str:
    """What a command prints that has so many threads."""
    return subprocess.run(
        command, env=environment(threads), check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def environment(threads: int) -> dict[str, str]:
    """This process's, with that number of threads and without what pins a library."""
    unpinned = {name: value for name, value in os.environ.items() if name not in PINS}
    return unpinned | dict.fromkeys(THREADS, str(threads)) | {"JAX_PLATFORMS": "cpu"}


def check_loss(peer: str, workload: Workload, loss: float, expected: float) -> None:
    if not abs(loss - expected) <= TOLERANCE * expected:  # catches a NaN as well
        raise WrongLoss(
            f"[bench] {peer} on {workload.title} has loss {loss:.6f} after one epoch; "
            f"expected {expected:.6f}"
        )


def add(record: Record, peer: str, workload: Workload, threads: int, result: Measurement) -> None:
    by_peer = record.series.setdefault(workload.name, {})
    series = by_peer.setdefault(peer, Series(result.version, result.kernel, result.loss))
    series.rounds.setdefault(threads, []).append(result.seconds_per_step * 1e6)


def report_progress(
    position: str, peer: str, workload: Workload, threads: int, result: Measurement
) -> None:
    what = f"{workload.name}  {peer:8} {threads} thread{'s' if threads > 1 else ' '}"
    found = f"{result.seconds_per_step * 1e6:10.2f} µs a step   loss {result.loss:.6f}"
    print(f"{position}  {what} {found}   {result.kernel}", file=sys.stderr)
