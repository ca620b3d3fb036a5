"""The picture of a record: one panel a workload, one bar a library."""

import math
from pathlib import Path

import matplotlib

from bench.peers import TITLES
from bench.record import Record
from bench.text import three_digits

matplotlib.use("Agg")  # no screen needed
from matplotlib import pyplot as plt

OURS, OTHERS = "#d1495b", "#9fb3c8"
COLUMNS = 3


def draw(record: Record, path: Path) -> None:
    """Bars of the medians with their quartiles, and the FMA limit as a line."""
    count = len(record.workloads)
    columns, lines = min(COLUMNS, count), math.ceil(count / COLUMNS)
    size = (4.4 * columns, 2.6 * lines)
    figure, panels = plt.subplots(lines, columns, figsize=size, squeeze=False)
    for panel in panels.flat[count:]:
        panel.remove()
    for panel, workload in zip(panels.flat, record.workloads, strict=False):
        rows = record.rows(workload)[::-1]  # barh counts from below
        medians = [row.median for row in rows]
        spread = [[r.median - r.low for r in rows], [r.high - r.median for r in rows]]
        colors = [OURS if row.peer == "nnbind" else OTHERS for row in rows]
        bars = panel.barh([TITLES[row.peer] for row in rows], medians, xerr=spread, color=colors)
        panel.bar_label(bars, fmt=three_digits, padding=4)
        panel.locator_params(axis="x", nbins=4)
        limit, top = record.limit(workload), panel.get_xaxis_transform()
        panel.axvline(limit, color="black", linestyle=":")
        panel.text(limit, 1.01, "FMA limit", transform=top, fontsize=8)
        panel.set_title(workload.title, pad=16)
        panel.set_xlabel("µs per training step")
        panel.margins(x=0.22)
        panel.set_xlim(left=0)
        panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)
