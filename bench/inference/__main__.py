"""`python -m bench.inference`: one prediction, of nnbind from C++ and of each installed library.

Every library runs in a process of its own, in turns. One sample a call runs on one core, a batch on
all. The program in C++ is built by CMake with the library of the nnbind that is installed, where
both are there.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from bench import machine
from bench.inference.peers import installed
from bench.inference.workload import WORKLOADS
from bench.runner import answer_of_module, output_of

Times = dict[str, dict[str, float]]  # by title: "us" and "p99"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.inference", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="timing of each library")
    parser.add_argument("--quick", action="store_true", help="one short round; writes nothing")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 0.05
    rounds: dict[str, list[Times]] = {name: [] for name in WORKLOADS}
    peaks = []
    with compiled_program() as program, machine.compiled_limits() as limits_program:
        for number, name in product(range(1, arguments.rounds + 1), WORKLOADS):
            print(f"round {number}/{arguments.rounds}  {name}", file=sys.stderr)
            if name == next(iter(WORKLOADS)):
                peaks.append(machine.measure_limits(limits_program).one_core)
            rounds[name].append(one_round(program, name, arguments.seconds))
    rows = [row for name in WORKLOADS for row in summary(name, rounds[name])]
    print(table(rows, arguments.rounds))
    if not arguments.quick:
        best = max(peaks)
        machine.save("inference.json", {"peak": best, "rows": rows, "rounds": rounds})


@contextmanager
def compiled_program() -> Iterator[Path | None]:
    """The program of program.cpp, or None without CMake or an installed library."""
    package = subprocess.run(
        [sys.executable, "-m", "nnbind", "--cmakedir"], capture_output=True, text=True, check=False
    )
    if package.returncode != 0 or shutil.which("cmake") is None:
        print("no program in C++: there is no CMake, or no installed library", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        source = ["cmake", "-S", str(Path(__file__).parent), "-B", folder]
        for step in ([*source, f"-Dnnbind_DIR={package.stdout.strip()}"],
                     ["cmake", "--build", folder]):  # fmt: skip
            subprocess.run(step, check=True, stdout=subprocess.DEVNULL)
        yield Path(folder, "program")


def one_round(program: Path | None, name: str, seconds: float) -> Times:
    """Of each way to ask for a prediction."""
    workload = WORKLOADS[name]
    threads = 1 if workload.batch == 1 else machine.cores()
    times: Times = {}
    if program is not None:
        widths = ",".join(map(str, workload.widths))
        words = [str(program), widths, workload.activation, str(workload.batch), str(seconds)]
        us, p99 = map(float, output_of(words, threads).split())
        times["nnbind, C++"] = {"us": us, "p99": p99}
    for peer in installed():
        words = ["bench.inference.peer", peer, name, "--seconds", str(seconds)]
        times |= answer_of_module(words, threads)
    return times


def summary(name: str, rounds: list[Times]) -> list[dict[str, Any]]:
    """Of each way the medians over the rounds, and how many times nnbind's time it takes."""
    rows: list[dict[str, Any]] = []
    ours = statistics.median(times["nnbind"]["us"] for times in rounds)
    for title in rounds[0]:
        us = [times[title]["us"] for times in rounds]
        rows.append(
            {
                "workload": name,
                "title": title,
                "us": statistics.median(us),
                "low": min(us),
                "high": max(us),
                "p99": statistics.median(times[title]["p99"] for times in rounds),
                "ratio": statistics.median(us) / ours,
            }
        )
    return rows


def table(rows: list[dict[str, Any]], rounds: int) -> str:
    """A line for each network and way to ask."""
    head = ["| | | µs | of the rounds | p99 | ratio |", "|---|---|--:|--:|--:|--:|"]
    lines = [
        f"| {WORKLOADS[row['workload']].title} | {row['title']} | **{row['us']:.3g}** "
        f"| {row['low']:.3g}–{row['high']:.3g} | {row['p99']:.3g} | {row['ratio']:.3g}× |"
        for row in rows
    ]
    legend = (
        f"float32, from a NumPy array to a NumPy array; one sample on one core, a batch on "
        f"{machine.cores()}. µs a call: median of {rounds} interleaved rounds, each library in a "
        f"process of its own. The p99 is of single calls, and has the clock's own time in it."
    )
    return "\n".join([*head, *lines, "", legend])


if __name__ == "__main__":
    main()
