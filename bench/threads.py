"""`python -m bench.threads`: whether a second thread ever makes a training step slower.

Networks of three layers, w-w-w-w, for widths 4 to 1024 and batches 1 to 1024. For each, short fits
on one thread and on several take turns. A cell is the time on several threads over that on one:
below 1 they help, and nowhere should it be above 1. Where a virtual machine's cores are far apart
they help less: so how long a value takes from one to another and back is recorded with each cell.
The picture and the JSON go to bench/results.
"""

import argparse
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import nnbind as nn
from bench import machine
from bench.workloads import Floats

WIDTHS = [2**k for k in range(2, 11)]
BATCHES = [2**k for k in range(11)]
SLOWER = 1.03  # beyond this a cell counts as slower


@dataclass(frozen=True)
class Cell:
    """One network and batch: µs a step of each round, on one thread and on several, and the ns of
    a round trip between two cores, before and after."""

    width: int
    batch: int
    one: list[float]
    several: list[float]
    round_trips: list[float]

    @property
    def ratio(self) -> float:
        """The median over the rounds of several / one, whose fits follow each other."""
        return statistics.median(s / o for s, o in zip(self.several, self.one, strict=True))

    @property
    def ratio_of_best(self) -> float:
        """The same of the fastest rounds, which other programs have disturbed least."""
        return min(self.several) / min(self.one)

    @property
    def slower(self) -> bool:
        """By both measures: a single disturbed round, or a lucky one, does not count."""
        return min(self.ratio, self.ratio_of_best) > SLOWER


class Fit:
    """A network and its data. Calling it trains that many epochs and returns µs a step."""

    def __init__(self, width: int, batch: int) -> None:
        random = np.random.default_rng(1)
        flops = 18 * batch * width**2  # of a step
        self.steps = min(1024, max(8, 10**9 // flops))  # of an epoch, so that its ends cost little
        samples = self.steps * batch
        self.batch = batch
        self.X: Floats = random.standard_normal((samples, width), dtype=np.float32)
        self.y: Floats = random.standard_normal((samples, width), dtype=np.float32)
        self.net = nn.mlp(width, [width, width], width, "relu", seed=1, dtype=np.float32)

    def __call__(self, epochs: int, threads: int) -> float:
        nn.set_num_threads(threads)
        start = time.perf_counter()
        self.net.fit(
            self.X, self.y, loss="mse", optimizer=nn.SGD(1e-3), epochs=epochs,
            batch_size=self.batch, shuffle=False, progress=False,
        )  # fmt: skip
        return (time.perf_counter() - start) / (epochs * self.steps) * 1e6


def measure(
    width: int, batch: int, threads: int, rounds: int, seconds: float, limits_program: Path
) -> Cell:
    """Fits of about `seconds` each, on one thread and on `threads` in turns."""
    before = machine.measure_round_trip(limits_program)
    fit = Fit(width, batch)
    fit(1, threads)  # warms up
    epochs = max(1, math.ceil(seconds * 1e6 / fit.steps / fit(1, 1)))
    times = [(fit(epochs, 1), fit(epochs, threads)) for _ in range(rounds)]
    one, several = zip(*times, strict=True)
    after = machine.measure_round_trip(limits_program)
    return Cell(width, batch, list(one), list(several), [before, after])


def sweep(threads: int, rounds: int, seconds: float) -> Iterator[Cell]:
    with machine.compiled_limits() as limits_program:
        for width in WIDTHS:
            for batch in BATCHES:
                yield measure(width, batch, threads, rounds, seconds, limits_program)


def draw(cells: list[Cell], threads: int, path: Path) -> None:
    """A heat map: blue where several threads are faster, red where they are slower."""
    import matplotlib

    matplotlib.use("Agg")  # no screen needed
    from matplotlib import pyplot as plt

    ratios = np.array([cell.ratio for cell in cells]).reshape(len(WIDTHS), len(BATCHES))
    figure, panel = plt.subplots(figsize=(8.5, 5.2))
    image = panel.imshow(np.log2(ratios), cmap="RdBu_r", vmin=-1, vmax=1, origin="lower")
    for (i, j), ratio in np.ndenumerate(ratios):
        shade = "white" if abs(math.log2(ratio)) > 0.6 else "black"
        panel.text(j, i, f"{ratio:.2f}", ha="center", va="center", fontsize=7, color=shade)
    panel.set_xticks(range(len(BATCHES)), map(str, BATCHES))
    panel.set_yticks(range(len(WIDTHS)), map(str, WIDTHS))
    panel.set_xlabel("batch size")
    panel.set_ylabel("width w of the network w-w-w-w")
    panel.set_title(
        f"time of a training step on {threads} threads / on one; cores apart: {apart(cells)}"
    )
    bar = figure.colorbar(image, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.ax.set_yticklabels(["0.5", "0.71", "1", "1.41", "2"])
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def apart(cells: list[Cell]) -> str:
    """The least round trip of all cells, the median and the most."""
    trips = [trip for cell in cells for trip in cell.round_trips]
    return f"{min(trips):.0f}, {statistics.median(trips):.0f}, {max(trips):.0f} ns"


def describe(cell: Cell) -> str:
    return (
        f"width {cell.width:4}, batch {cell.batch:4}: {statistics.median(cell.one):10.2f} µs on "
        f"one, {statistics.median(cell.several):10.2f} on several; ratio {cell.ratio:.3f}, "
        f"of the best rounds {cell.ratio_of_best:.3f}; "
        f"cores {machine.nanoseconds(cell.round_trips)} apart"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.threads", description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.02, help="of each fit")
    parser.add_argument("--quick", action="store_true", help="short; writes nothing")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 3, 0.002
    cells = list(sweep(arguments.threads, arguments.rounds, arguments.seconds))
    print(f"{machine.processor()}, {arguments.threads} threads against one; the worst cells:")
    for cell in sorted(cells, key=lambda cell: -cell.ratio)[:8]:
        print(describe(cell) + ("  SLOWER" if cell.slower else ""))
    print(f"a round trip between cores (least, median, most): {apart(cells)}")
    slower = sum(cell.slower for cell in cells)
    print(f"slower by more than {SLOWER - 1:.0%}: {slower} of {len(cells)} cells")
    if arguments.quick:
        return
    found = [{"ratio": cell.ratio, **asdict(cell)} for cell in cells]
    machine.save("threads.json", {"threads": arguments.threads, "cells": found})
    draw(cells, arguments.threads, machine.RESULTS / "threads.png")


if __name__ == "__main__":
    main()
