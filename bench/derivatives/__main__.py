"""`python -m bench.derivatives`: nnbind beside torch.func, each in a process of its own."""

import argparse
import statistics
import sys
from itertools import product
from typing import Any

from bench import machine
from bench.derivatives.peers import PEERS
from bench.derivatives.workload import BATCHES, TASKS, WIDTHS
from bench.runner import answer_of_module
from bench.text import three_digits


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.derivatives", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="timing of each task")
    parser.add_argument("--quick", action="store_true", help="one short round; writes nothing")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 0.05
    counts = sorted({1, machine.cores()})
    runs = []
    for number, threads, peer in product(range(1, arguments.rounds + 1), counts, PEERS):
        print(f"round {number}/{arguments.rounds}  {peer}, threads: {threads}", file=sys.stderr)
        runs.append({"peer": peer, "threads": threads, **run(peer, threads, arguments.seconds)})
    rows = [summary(runs, *key) for key in product(TASKS, BATCHES, counts)]
    versions = {entry["peer"]: entry["version"] for entry in runs}
    print(table(rows, arguments.rounds, versions))
    if not arguments.quick:
        machine.save("derivatives.json", {"widths": WIDTHS, "rows": rows, "runs": runs})


def run(peer: str, threads: int, seconds: float) -> dict[str, Any]:
    words = ["bench.derivatives.peer", peer, "--seconds", str(seconds)]
    report: dict[str, Any] = answer_of_module(words, threads)
    return report


def summary(runs: list[dict[str, Any]], task: str, batch: int, threads: int) -> dict[str, Any]:
    """The median over the rounds of each library, and how many times nnbind's torch.func takes."""
    row: dict[str, Any] = {"task": task, "batch": batch, "threads": threads}
    for peer in PEERS:
        found = [
            entry
            for report in runs
            if (report["peer"], report["threads"]) == (peer, threads)
            for entry in report["rows"]
            if (entry["task"], entry["batch"]) == (task, batch)
        ]
        times = [entry["us"] for entry in found]
        row[peer] = {
            "us": statistics.median(times),
            "low": min(times),
            "high": max(times),
            "error": max(entry["error"] for entry in found),
            "way": statistics.mode(entry["way"] for entry in found),
        }
    row["ratio"] = row["torch"]["us"] / row["nnbind"]["us"]
    return row


def table(rows: list[dict[str, Any]], rounds: int, versions: dict[str, str]) -> str:
    """A line a task, batch and number of threads."""
    lines = [
        "| | batch | threads | nnbind µs | error | torch.func µs | error | by | ratio |",
        "|---|--:|--:|--:|--:|--:|--:|---|--:|",
    ]
    for row in rows:
        ours, torch = row["nnbind"], row["torch"]
        lines.append(
            f"| {TASKS[row['task']]} | {row['batch']} | {row['threads']} "
            f"| {cell(ours)} | {ours['error']:.0e} | {cell(torch)} | {torch['error']:.0e} "
            f"| {torch['way']} | **{row['ratio']:.3g}×** |"
        )
    network = "-".join(map(str, WIDTHS))
    legend = (
        f"{network}, tanh, squared error, float32. µs a call: median (min–max) of {rounds} "
        f"interleaved rounds, each library in a process of its own; of several ways to ask "
        f"torch.func the fastest. Errors: of the largest entry, against float64. nnbind "
        f"{versions['nnbind']}, PyTorch {versions['torch']}."
    )
    return "\n".join([*lines, "", legend])


def cell(result: dict[str, Any]) -> str:
    middle, low, high = (three_digits(result[key]) for key in ("us", "low", "high"))
    return f"{middle} ({low}–{high})"


if __name__ == "__main__":
    main()
